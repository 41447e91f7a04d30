import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { defaultMaskingConfig } from '../../../masking/check-config.ts';
import { createMaskingEngine } from '../../../masking/create.ts';
import { createHold } from '../../../gateway/hold/hold.ts';
import { createUpstreams } from '../../../gateway/upstreams/upstreams.ts';
import { httpConnection, type TestGateway, testGateway } from '../../support/gateway.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { connectV1, connectV2 } from '../tour.ts';
import { approvalOf } from './ends.ts';
import { type ModernUpstream, startModernUpstream } from './modern-upstream.ts';
import { type Replica, startReplica, testApprovals, type TestApprovals } from './support.ts';
import { countedVote } from './votes.ts';

let db: TestDatabase;
let upstream: ModernUpstream;
let approvals: TestApprovals;
let replica: Replica;
let gateway: TestGateway;
let decided = 0;

before(async () => {
  db = await testDatabase();
  upstream = await startModernUpstream();
  approvals = testApprovals(db.pool);
  const engine = createMaskingEngine(defaultMaskingConfig);
  replica = await startReplica(db, approvals, {
    settings: { replyBudgetMs: 2000, progressBudgetMs: 4000 },
    masking: engine,
  });
  gateway = await testGateway({
    connections: { db: httpConnection(upstream.url) },
    db,
    hold: createHold(replica.deps),
    policy: `
default: { then: hold, approvers: [dba] }
approvers: { dba: { people: [ann@example.com] } }
rules:
  - { name: background, when: 'call.args.command.startsWith("background")', then: hold, approvers: [dba], onDisconnect: run }
`,
  });
  await replica.deps.recorder.close();
  Object.assign(replica.deps, {
    // One recording, under the same keys, as in one process.
    keyRing: gateway.keyRing,
    recorder: gateway.recorder,
    upstreams: createUpstreams(
      { db: httpConnection(upstream.url) },
      { log: replica.deps.log, masker: () => engine.masker('default') },
    ),
  });
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await replica.stop();
  await upstream[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

interface Seen {
  isError?: boolean;
  content: { type: string; text: string }[];
}

/** Approves the next call that is held, once its client has waited for `afterMs`. */
async function approveNext(afterMs: number): Promise<void> {
  const input = await approvals.next(++decided);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  for (;;) {
    try {
      const { execution } = await replica.execute({ ...input, votes: [countedVote(input)] });
      assert.equal(execution, 'succeeded');
      return;
    } catch (error) {
      // Between two legs nobody waits; a workflow would try again too.
      if ((error as { type?: string }).type !== 'NoLiveCaller') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const pinned = { mode: { pin: '2026-07-28' } };
const clients = [
  ['SDK 1.x', connectV1],
  ['SDK 2.x', connectV2],
  ['SDK 2.x at 2026-07-28', (url: string) => connectV2(url, pinned)],
] as const;

for (const [name, connect] of clients)
  test(`a client of ${name} blocks until a person has decided, and gets the real result`, async () => {
    const { call, end } = await connect(gateway.url('db'));
    const before = upstream.ran.length;
    const [result] = await Promise.all([call('run', { command: name }) as Promise<Seen>, approveNext(300)]);
    assert.equal(result.content[0]?.text, `ran ${name}`);
    assert.deepEqual(upstream.ran.slice(before), [name]);
    await end();
  });

test('a client of SDK 2.x at 2026-07-28 comes back leg by leg, by itself, for longer than one may last', async () => {
  const { call, end } = await connectV2(gateway.url('db'), pinned);
  const before = approvals.opened.length;
  const [result] = await Promise.all([call('run', { command: 'legs' }) as Promise<Seen>, approveNext(5000)]);
  assert.equal(result.content[0]?.text, 'ran legs');
  assert.equal(approvals.opened.length, before + 1);
  assert.equal(upstream.ran.filter((command) => command === 'legs').length, 1);
  await end();
});

for (const [name, connect] of clients.slice(0, 2))
  test(`a client of ${name} that cannot wait is answered as pending; calling again gets the one result`, async () => {
    const command = `late ${name}`;
    const { call, end } = await connect(gateway.url('db'));
    const pending = (await call('run', { command })) as Seen;
    const { id, status } = approvalOf(pending) ?? {};
    assert.equal(status, 'pending');
    // A real masking engine leaves what the model needs.
    assert.match(
      pending.content[0]?.text ?? '',
      new RegExp(`^PENDING_APPROVAL ${id}\\. .* http://127\\.0\\.0\\.1:8471/approvals/${id}$`),
    );
    const [result] = await Promise.all([call('run', { command }) as Promise<Seen>, approveNext(300)]);
    assert.equal(result.content[0]?.text, `ran ${command}`);
    assert.equal(upstream.ran.filter((one) => one === command).length, 1);
    await end();
  });

test('progress keeps a client of SDK 1.x beyond its own time-out', async () => {
  const { call, end } = await connectV1(gateway.url('db'));
  const heard: string[] = [];
  const options = {
    timeout: 2000,
    resetTimeoutOnProgress: true,
    onprogress: ({ message }: { message?: string }) => void heard.push(message ?? ''),
  };
  const [result] = await Promise.all([
    call('run', { command: 'patient' }, options) as Promise<Seen>,
    approveNext(2500),
  ]);
  assert.equal(result.content[0]?.text, 'ran patient');
  assert.match(heard[0] ?? '', /Waiting for dba to approve hp_\w+ \(rule "default"\)/);
  await end();
});

test('a client of SDK 1.x that times out loses nothing: the call stays open and its result waits', async () => {
  const { call, end } = await connectV1(gateway.url('db'));
  await assert.rejects(call('run', { command: 'hasty' }, { timeout: 700 }), /timed out/);
  const [result] = await Promise.all([call('run', { command: 'hasty' }) as Promise<Seen>, approveNext(100)]);
  assert.equal(result.content[0]?.text, 'ran hasty');
  assert.equal(upstream.ran.filter((command) => command === 'hasty').length, 1);
  await end();
});

for (const [name, connect] of clients)
  test(`where policy says so, the call of a client of ${name} that has gone runs in a session of its own, and the result waits`, async () => {
    const command = `background ${name}`;
    const leaving = await connect(gateway.url('db'));
    const lost = leaving.call('run', { command });
    const input = await approvals.next(++decided);
    await leaving.client.close();
    await assert.rejects(lost);
    while (replica.deps.waiters.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal((await replica.execute({ ...input, votes: [countedVote(input)] })).execution, 'succeeded');
    const back = await connect(gateway.url('db'));
    const result = (await back.call('run', { command })) as Seen;
    assert.equal(result.content[0]?.text, `ran ${command}`);
    assert.equal(upstream.ran.filter((one) => one === command).length, 1);
    await back.end();
  });

test('a client that cancels takes its request back', async () => {
  const { call, end } = await connectV2(gateway.url('db'));
  const stop = new AbortController();
  const calling = call('run', { command: 'unwanted' }, { signal: stop.signal });
  const input = await approvals.next(++decided);
  stop.abort(new Error('not wanted any more'));
  await assert.rejects(calling);
  for (let tries = 0; tries < 100; tries++) {
    const { rows } = await db.pool.query('select 1 from held_calls where call_id = $1 and state = $2', [
      input.callId,
      'cancelled',
    ]);
    if (rows.length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal((await replica.execute({ ...input, votes: [countedVote(input)] })).execution, 'failed');
  assert.equal(upstream.ran.includes('unwanted'), false);
  await end();
});
