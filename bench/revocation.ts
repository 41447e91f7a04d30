/**
 * From the act of revoking to the last byte: two gateways and an upstream server, each a process of its own; 220 open
 * streams and 60 held calls, of which 200 and 50 are one person's. Run: node bench/revocation.ts [rounds]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { revoke } from '../db/revoke.ts';
import { type OpenReply, openReply } from '../test/gateway/containment-scene.ts';
import { until } from '../test/support/until.ts';
import { handshake } from '../test/gateway/wire.ts';
import { type TestDatabase, testDatabase } from '../test/support/postgres.ts';

const rounds = Number(process.argv[2] ?? 5);
const part = fileURLToPath(new URL('./revocation-part.ts', import.meta.url));

async function start(children: ChildProcess[], ...args: string[]): Promise<string> {
  const child = spawn(process.execPath, [part, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return line;
}

async function load(gateways: readonly string[]): Promise<OpenReply[]> {
  const replies: OpenReply[] = [];
  const at = (index: number): string => gateways[index % gateways.length] ?? '';
  const call = (name: string, who: string, id: number): string =>
    JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: { who, id } } });
  for (const [who, streams, held] of [
    ['mallory', 200, 50],
    ['alice', 20, 10],
  ] as const) {
    const sessions = await Promise.all(
      Array.from({ length: streams / 2 }, (_, index) =>
        handshake(at(index), '2025-06-18', { authorization: `Bearer ${who}` }),
      ),
    );
    for (const [index, headers] of sessions.entries()) {
      replies.push(openReply(at(index), who, { method: 'GET', headers }));
      replies.push(openReply(at(index), who, { body: call('read', who, index), headers }));
    }
    for (let index = 0; index < held; index++)
      replies.push(
        openReply(at(index), who, {
          body: call('risky', who, 1000 + index),
          headers: sessions[index % sessions.length] ?? {},
        }),
      );
  }
  await until('everything is open', () =>
    replies.every((reply) => reply.status() === 200 && reply.bytes() > 0),
  );
  return replies;
}

async function round(db: TestDatabase): Promise<{ lastMs: number; confirmedAfterMs: number }> {
  const children: ChildProcess[] = [];
  try {
    const upstream = await start(children, 'upstream');
    const key = randomBytes(32).toString('hex');
    const gateways = [
      await start(children, 'gateway', db.url, key, upstream),
      await start(children, 'gateway', db.url, key, upstream),
    ];
    const replies = await load(gateways);
    const [mine, others] = [
      replies.filter(({ who }) => who === 'mallory'),
      replies.filter(({ who }) => who !== 'mallory'),
    ];
    const by = { key: 'bench', name: 'bench', via: 'cli' };
    const actMs = performance.now();
    const ask = { kind: 'person', value: 'mallory@example.com', reason: 'bench', by } as const;
    const { confirmedAfterMs } = await revoke(db.pool, ask, {
      recordAct: async () => {},
      maskText: (text) => text,
      cancelWorkflow: async () => {},
    });
    await until('all of it is cut', () => mine.every((reply) => reply.closed()));
    if (others.some((reply) => reply.closed())) throw new Error('somebody else was cut');
    const lastMs = Math.max(...mine.map((reply) => reply.lastByteMs())) - actMs;
    for (const reply of others) reply.close();
    return { lastMs, confirmedAfterMs };
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

for (const notified of [true, false])
  for (let index = 0; index < rounds; index++) {
    await using db = await testDatabase();
    if (!notified)
      await db.pool.query(
        `create or replace function revocations_changed() returns trigger language plpgsql as
         $$ begin update revocation_state set version = version + 1; return null; end $$`,
      );
    const { lastMs, confirmedAfterMs } = await round(db);
    process.stdout.write(
      `${notified ? 'notified' : 'not notified'}: last byte ${Math.round(lastMs)} ms after the act, confirmed ${confirmedAfterMs} ms after its commit\n`,
    );
  }
process.exit(0);
