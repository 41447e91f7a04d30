import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { type ContainmentDeps, revoke, unrevoke } from '../../db/revoke.ts';
import type { RevocationKind } from '../../db/revocations.ts';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { holdStep, namedCallers, type OpenReply, openReply, tickingUpstream } from './containment-scene.ts';
import { until } from '../support/until.ts';
import { handshake, wire } from './wire.ts';

const policy = `
default: pass
approvers: { team: { people: [ann@example.com] } }
rules:
  - { name: risky, match: { connection: box, tool: risky }, then: hold, approvers: [team], timeout: 1h }
`;
const by = { key: 'local:approver', name: 'local-approver', via: 'cli' };

function acts(): ContainmentDeps & { readonly recorded: string[]; readonly cancelled: string[] } {
  const recorded: string[] = [];
  const cancelled: string[] = [];
  return {
    recorded,
    cancelled,
    recordAct: async (act, details) => void recorded.push(`${act} ${JSON.stringify(details)}`),
    maskText: (text) => text,
    cancelWorkflow: async (id) => void cancelled.push(id),
    // However busy the machine is, what is listed is then whole.
    confirmWaitMs: 30_000,
  };
}

const call = (tool: string, who: string, id: number): string =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: tool, arguments: { who, id } },
  });

async function replicas(
  url: string,
  count: number,
): Promise<{ all: TestGateway[]; close: AsyncDisposableStack }> {
  const close = new AsyncDisposableStack();
  const all: TestGateway[] = [];
  for (let at = 0; at < count; at++) {
    const first = all[0];
    all.push(
      await testGateway({
        connections: { box: httpConnection(url), other: httpConnection(url) },
        policy,
        hold: holdStep,
        identifier: namedCallers,
        logLevel: 'warn',
        ...(first && { replicaOf: first }),
      }),
    );
  }
  // The first one owns the database.
  for (const one of all) close.use(one);
  return { all, close };
}

test('what is revoked is refused with the id of the act, whatever its token; others go on; lifting it is an act too', async () => {
  await using upstream = await tickingUpstream();
  const { all, close } = await replicas(upstream.url, 1);
  await using _ = close;
  const [one] = all as [TestGateway];
  const { pool } = one.db;
  const deps = acts();
  const named: readonly [RevocationKind, string, string, string][] = [
    ['person', 'Mallory@Example.com', 'mallory', 'alice'],
    ['person', 'oidc:https://idp.test#mallory', 'mallory', 'alice'],
    ['person', 'mallory', 'mallory.two', 'alice'],
    ['credential', 'jti:mallory-one', 'mallory', 'mallory.two'],
    ['client', 'agent-app', 'mallory', ''],
    ['connection', 'box', 'alice', ''],
  ];
  for (const [kind, value, refused, admitted] of named) {
    const ask = { kind, value, reason: 'stolen laptop', by };
    const { revocation, replicas: told } = await revoke(pool, ask, deps);
    assert.deepEqual(told, { confirmed: 1, alive: 1 }, `${kind} ${value}`);
    const body = call('read', refused, 1);
    const no = await wire(one.url('box'), body, { authorization: `Bearer ${refused}` });
    assert.equal(no.status, 403, no.text);
    assert.equal(no.json?.error?.data?.['code'], 'revoked');
    assert.equal(no.json?.error?.data?.['revocation'], revocation.id);
    assert.doesNotMatch(no.text, /stolen/, 'the reason is not for whoever is cut off');
    if (admitted !== '') {
      const headers = await handshake(one.url('box'), '2025-06-18', { authorization: `Bearer ${admitted}` });
      assert.ok(headers['mcp-session-id'], `${admitted} goes on`);
    }
    if (kind === 'connection')
      assert.ok(await handshake(one.url('other'), '2025-06-18', { authorization: 'Bearer alice' }));
    await assert.rejects(revoke(pool, ask, deps), { code: 'already_revoked' });
    await unrevoke(pool, { ...ask, reason: 'found it' }, deps);
    await until('let in again', async () => {
      const again = await wire(one.url('box'), body, { authorization: `Bearer ${refused}` });
      return again.json?.error?.data?.['code'] !== 'revoked';
    });
  }
  assert.deepEqual(upstream.heard, [], 'nothing of what was refused went upstream');
  assert.match(deps.recorded[0] ?? '', /^revoke .*mallory@example\.com.*stolen laptop.*local:approver/);
  assert.match(deps.recorded[1] ?? '', /^unrevoke .*found it/);
});

test('what was cut off is listed and stored masked, whatever its tool was called', async () => {
  await using upstream = await tickingUpstream();
  const { all, close } = await replicas(upstream.url, 1);
  await using _ = close;
  const [one] = all as [TestGateway];
  const token = `ghp_${'cAnary7x'.padEnd(36, 'q7X4vK9z2Jw8Mt5PhB3n')}`;
  const headers = await handshake(one.url('box'), '2025-06-18', { authorization: 'Bearer mallory' });
  const long = `${'x'.repeat(190)}-${token}`;
  const open = [token, long].map((tool, at) =>
    openReply(one.url('box'), 'mallory', { body: call(tool, 'mallory', at), headers }),
  );
  await until('ticks on both', () => open.every((each) => each.bytes() > 0));
  const ask = { kind: 'person' as const, value: 'mallory', reason: 'stolen laptop', by };
  const { inFlight } = await revoke(one.db.pool, ask, acts());
  const tools = inFlight.filter(({ kind }) => kind === 'request').map(({ tool }) => tool);
  assert.deepEqual(new Set(tools), new Set(['[masked:github-token]', null]));
  const { rows } = await one.db.pool.query<{ what: string }>('select what::text from revocation_cuts');
  assert.ok(rows.length >= 2);
  for (const { what } of rows) assert.ok(!what.includes('ghp_'), what);
  for (const each of open) each.close();
});

test('while it cannot be confirmed what is revoked, nothing passes; once it can, everything goes on', async () => {
  await using upstream = await tickingUpstream();
  const { all, close } = await replicas(upstream.url, 1);
  await using _ = close;
  const [one] = all as [TestGateway];
  const headers = await handshake(one.url('box'), '2025-06-18', { authorization: 'Bearer alice' });
  const stream = openReply(one.url('box'), 'alice', { method: 'GET', headers });
  await until('ticks', () => stream.bytes() > 0);
  const blocker = await one.db.pool.connect();
  try {
    // Whoever asks waits for the lock: the database is there, and does not answer.
    await blocker.query('begin; lock table revocation_state in access exclusive mode');
    await sleep(400);
    const refusing = wire(one.url('box'), call('read', 'alice', 1), headers);
    // What was under way when what is known was no longer good has come.
    await sleep(600);
    const before = stream.bytes();
    const refused = await refusing;
    assert.equal(refused.status, 503, refused.text);
    assert.equal(refused.json?.error?.data?.['code'], 'revocation_unconfirmed');
    assert.equal(refused.json?.error?.data?.['retryable'], true);
    assert.equal(stream.bytes(), before, 'an open stream waits');
    assert.deepEqual(upstream.heard, []);
    await blocker.query('rollback');
    await until('ticks again', () => stream.bytes() > before);
  } finally {
    blocker.release();
    stream.close();
  }
});

for (const notified of [true, false])
  test(`revocation under load, ${notified ? 'notified' : 'with every notification lost'}: nothing of one person passes on either replica afterwards, and nobody else is touched`, async (t) => {
    await using upstream = await tickingUpstream();
    const { all, close } = await replicas(upstream.url, 2);
    await using _ = close;
    const { pool } = (all[0] as TestGateway).db;
    if (!notified)
      await pool.query(
        `create or replace function revocations_changed() returns trigger language plpgsql as
         $$ begin update revocation_state set version = version + 1; return null; end $$`,
      );
    const load = await startLoad(all);
    const [mine, others] = [load.of('mallory'), load.of('')];
    const deps = acts();
    const actMs = performance.now();
    const {
      replicas: told,
      inFlight,
      confirmedAfterMs,
    } = await revoke(pool, { kind: 'person', value: 'mallory@example.com', reason: 'exfiltrates', by }, deps);
    const heardOf = (who: string): number => upstream.heard.filter((name) => name === who).length;
    const heard = heardOf('mallory');
    assert.deepEqual(told, { confirmed: 2, alive: 2 });
    await until('all of it is cut', () => mine.every((reply) => reply.closed()));
    const after = mine.map((reply) => reply.bytes());
    const ticked = others.map((reply) => reply.bytes());
    await until('the others go on', () =>
      others.every((reply, at) => reply.kind === 'held' || reply.bytes() > (ticked[at] ?? 0)),
    );
    assert.deepEqual(
      mine.map((reply) => reply.bytes()),
      after,
      'not a byte more',
    );
    assert.equal(heardOf('mallory'), heard, 'nothing more went upstream');
    assert.ok(
      others.every((reply) => !reply.closed()),
      'nobody else is touched',
    );
    const lastMs = Math.max(...mine.map((reply) => reply.lastByteMs())) - actMs;
    t.diagnostic(
      `act to last byte ${Math.round(lastMs)} ms; all replicas confirmed after ${confirmedAfterMs} ms`,
    );

    const { rows } = await pool.query<{ subject: string; state: string; n: number }>(
      `select caller ->> 'subject' as subject, state, count(*)::int as n from held_calls group by 1, 2 order by 1`,
    );
    assert.deepEqual(rows, [
      { subject: 'alice', state: 'pending', n: 10 },
      { subject: 'mallory', state: 'cancelled', n: 50 },
    ]);
    assert.equal(deps.cancelled.length, 50, 'their workflows are ended');
    const kinds = Object.groupBy(inFlight, ({ kind }) => kind);
    assert.equal(kinds.waiting?.length, 50);
    assert.equal(
      (kinds.request?.length ?? 0) + (kinds.stream?.length ?? 0),
      200,
      'what was under way is listed',
    );
    assert.ok(inFlight.every(({ subject }) => subject === 'mallory'));
    for (const reply of others) reply.close();
  });

type Loaded = OpenReply & { readonly kind: 'stream' | 'held' };

/**
 * Tries again for as long as the gateway says so, which it does while the database does not answer in time, as on a
 * busy machine.
 */
async function patientHandshake(url: string, who: string): Promise<Record<string, string>> {
  return until('a session', async () =>
    handshake(url, '2025-06-18', { authorization: `Bearer ${who}` }).catch((error: unknown) => {
      if (!String(error).includes('503')) throw error;
      return null;
    }),
  );
}

async function patientReply(...what: Parameters<typeof openReply>): Promise<OpenReply> {
  return until('an open reply', async () => {
    const reply = openReply(...what);
    await until('its first byte', () => reply.closed() || (reply.status() === 200 && reply.bytes() > 0));
    if (!reply.closed()) return reply;
    assert.match(reply.text(), /"retryable":true/);
    return null;
  });
}

/** Opens a few at a time: what is tried is the load, not how fast it comes. */
async function aFewAtATime<Opened>(count: number, open: (at: number) => Promise<Opened>): Promise<Opened[]> {
  const all: Opened[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) all[at] = await open(at);
  };
  await Promise.all(Array.from({ length: 10 }, one));
  return all;
}

/** 200 open streams and 50 held calls of mallory; 20 streams and 10 held calls of alice; over all replicas. */
async function startLoad(all: readonly TestGateway[]): Promise<{ of(who: string): Loaded[] }> {
  const replies: Loaded[] = [];
  const url = (at: number): string => (all[at % all.length] as TestGateway).url('box');
  for (const [who, streams, held] of [
    ['mallory', 200, 50],
    ['alice', 20, 10],
  ] as const) {
    const open = async (kind: Loaded['kind'], ...what: Parameters<typeof openReply>): Promise<void> =>
      void replies.push({ ...(await patientReply(...what)), kind });
    const sessions = await aFewAtATime(streams / 2, async (at) => {
      const headers = await patientHandshake(url(at), who);
      await open('stream', url(at), who, { method: 'GET', headers });
      await open('stream', url(at), who, { body: call('read', who, at), headers });
      return headers;
    });
    await aFewAtATime(held, async (at) =>
      open('held', url(at), who, {
        body: call('risky', who, 1000 + at),
        headers: sessions[at % sessions.length] ?? {},
      }),
    );
  }
  for (const reply of replies) assert.equal(reply.closed(), false, reply.text());
  return {
    of: (who) => replies.filter((reply) => (who === '' ? reply.who !== 'mallory' : reply.who === who)),
  };
}
