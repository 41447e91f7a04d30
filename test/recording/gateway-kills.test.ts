import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../../cli/embedded/postgres.ts';
import { migrate } from '../../db/migrate.ts';
import { openPool, type Pool } from '../../db/pool.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { localKeyRing } from '../../recording/key-ring.ts';
import { openSession } from '../../recording/read.ts';
import { sessionsOf } from '../../recording/search.ts';
import { handshake, wire } from '../gateway/wire.ts';
import { startCountingUpstream } from '../support/counting-upstream.ts';
import { startKilledPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { sequenceAll, verifyPool } from './support.ts';

/** `HOLDPOINT_TEST_KILLS=100` for the long run: each of gateway and PostgreSQL is killed that often. */
const kills = Number(process.env['HOLDPOINT_TEST_KILLS'] ?? 1);
const clients = 8;
const key = randomBytes(32);
const ring = localKeyRing([key]);

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

async function startGateway(databaseUrl: string, upstream: string): Promise<Running> {
  const program = new URL('crash-gateway.ts', import.meta.url).pathname;
  for (let attempt = 1; ; attempt += 1) {
    const child = spawn(process.execPath, [program, databaseUrl, key.toString('hex'), upstream], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const said = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => null)]);
    if (said) return { child, url: String(said[0]).trim() };
    assert.ok(attempt < 20, 'the gateway does not start');
    await sleep(250);
  }
}

/** Calls as fast as it can, in a new session whenever the old one is gone, and keeps what it was told. */
async function client(
  name: string,
  gateway: () => string,
  told: Set<string>,
  done: AbortSignal,
): Promise<void> {
  let session: Record<string, string> | null = null;
  for (let n = 0; !done.aborted; n += 1)
    try {
      session ??= await handshake(gateway());
      const text = `${name}-${n}`;
      const params = { name: 'echo', arguments: { text } };
      const body = JSON.stringify({ jsonrpc: '2.0', id: text, method: 'tools/call', params });
      const { json } = await wire(gateway(), body, session);
      if (json?.result) told.add(text);
      else session = null;
    } catch {
      session = null;
      await sleep(20);
    }
}

async function recorded(pool: Pool): Promise<{ asked: Set<string>; answered: Set<string> }> {
  const deps = { reader: createRecordReader(pool), keyRing: ring };
  const [asked, answered] = [new Set<string>(), new Set<string>()];
  for await (const { facts } of sessionsOf(deps, {})) {
    const opened = await openSession(deps, facts.sessionId);
    for await (const event of opened?.events() ?? []) {
      assert.equal(event.problem, null);
      if (event.method !== 'tools/call') continue;
      const { id } = JSON.parse(event.bytes?.toString() ?? '') as { id: string };
      (event.direction === 'client-to-upstream' ? asked : answered).add(id);
    }
  }
  return { asked, answered };
}

test(`gateway and PostgreSQL killed under load, ${kills} times each: what client or upstream saw is recorded`, async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdpoint-kills-'));
  await using upstream = await startCountingUpstream();
  let server = await startPostgres({ dataDir });
  const port = Number(new URL(server.url).port);
  const setup = openPool(server.url);
  await migrate(setup);
  await setup.end();
  let gateway = await startGateway(server.url, upstream.url);
  const told = new Set<string>();
  const done = new AbortController();
  const running = Array.from({ length: clients }, async (_, n) =>
    client(`c${n}`, () => gateway.url, told, done.signal),
  );
  const progress = async (more: number): Promise<void> => {
    const goal = told.size + more;
    await until('more answers', () => told.size >= goal, 60_000);
  };
  try {
    for (let n = 0; n < kills; n += 1) {
      await progress(20 + Math.floor(Math.random() * 40));
      gateway.child.kill('SIGKILL');
      gateway = await startGateway(server.url, upstream.url);
      await progress(20 + Math.floor(Math.random() * 40));
      await server.kill();
      server = await startKilledPostgres({ dataDir, port });
    }
    await progress(50);
    done.abort();
    await Promise.all(running);
    gateway.child.kill('SIGKILL');
    const pool = openPool(server.url);
    await sequenceAll(pool);
    const { asked, answered } = await recorded(pool);
    const sent = upstream.calls('echo').map((args) => (args as { text: string }).text);
    assert.deepEqual(
      sent.filter((text) => !asked.has(text)),
      [],
      'upstream saw what is not recorded',
    );
    assert.deepEqual(
      [...told].filter((text) => !answered.has(text)),
      [],
      'a client saw what is not recorded',
    );
    assert.deepEqual((await verifyPool(pool, [], ring)).problems, []);
    t.diagnostic(`${told.size} answers seen by clients, ${sent.length} calls seen upstream`);
    await pool.end();
  } finally {
    done.abort();
    gateway.child.kill('SIGKILL');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});
