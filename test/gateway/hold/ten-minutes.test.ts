import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { HoldSettings } from '../../../gateway/hold/settings.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { holdingScene } from '../tasks/scene.ts';
import { handshake, wire } from '../wire.ts';
import { approvalOf, type TestStream, testStream } from './ends.ts';
import { startModernUpstream } from './modern-upstream.ts';
import {
  type Replica,
  type RequestChange,
  startReplica,
  testApprovals,
  type TestApprovals,
} from './support.ts';
import { countedVote } from './votes.ts';

// Ten minutes pass on the clock of those who wait: their `now` and their one timer are the test's. Budgets are as
// configured by default. Tasks have no such clock, nor any budget: they are held for a hundredth, by real time.
const tenMinutes = 600;

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

interface Held {
  readonly one: Replica;
  readonly two: Replica;
  readonly approvals: TestApprovals;
  /** Begins a request of the one call that a test is about. */
  begin(at: Replica, change?: RequestChange): Promise<TestStream>;
  /** Lets time pass until so many seconds have passed since the beginning. */
  until(second: number): Promise<void>;
}

/** Holds a call by a strategy, approves it after ten minutes, and sees that it was asked about and ran once. */
async function held(
  settings: Partial<HoldSettings>,
  strategy: (scene: Held) => Promise<TestStream>,
): Promise<void> {
  await db.pool.query('truncate held_calls cascade');
  const startMs = Date.now();
  let second = 0;
  const now = (): number => startMs + second * 1000;
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { settings, now });
  const two = await startReplica(db, approvals, { name: 'two', settings, now });
  mock.timers.enable({ apis: ['setInterval'] });
  let ids = 0;
  const scene: Held = {
    one,
    two,
    approvals,
    async begin(at, change = {}) {
      const verdict = { timeoutMs: 3_600_000 };
      const request = at.request({ ...change, idJson: String(++ids), verdict });
      const before = at.deps.waiters.size;
      void at.hold.hold(request).catch(() => {});
      while (at.deps.waiters.size === before && request.stream.alive) await sleep(5);
      return request.stream;
    },
    async until(end) {
      for (; second < end; await setImmediate()) {
        second++;
        mock.timers.tick(1000);
      }
    },
  };
  try {
    const stream = await strategy(scene);
    await scene.until(tenMinutes);
    assert.equal(stream.responses.length, 0, stream.responses[0]);
    const holder = one.deps.waiters.size > 0 ? one : two;
    const input = await approvals.next();
    const { execution } = await holder.execute({ ...input, votes: [countedVote(input)] });
    assert.equal(execution, 'succeeded');
    assert.equal((await stream.response()).result?.content[0]?.text, 'done');
    assert.equal(approvals.opened.length, 1);
    assert.equal(one.upstream.calls().length + two.upstream.calls().length, 1);
  } finally {
    mock.timers.reset();
    await one.stop();
    await two.stop();
  }
}

const everybody = { connections: null, subjects: null, credentials: null };
const patient = { clients: [{ ...everybody, replyBudgetMs: null, progressBudgetMs: null }] };

for (const [what, token] of [
  ['progress', '"token"'],
  ['comments, without a progress token,', null],
] as const)
  test(`a client kept by ${what} for ten minutes hears something every 15 s and gets its result`, () =>
    held(patient, async ({ one, begin, until }) => {
      const stream = await begin(one, { stream: testStream(token) });
      await until(tenMinutes);
      assert.ok(stream.keepAlives.length >= 40, String(stream.keepAlives.length));
      return stream;
    }));

test('a client that is answered as pending, and calls again and again for ten minutes, gets its result', () =>
  held({}, async ({ one, begin, until }) => {
    for (let at = 0; at < 540; at += 60) {
      const stream = await begin(one);
      await until(at + 60);
      assert.equal(approvalOf((await stream.response()).result)?.status, 'pending');
    }
    // Within the budget of the last call the ten minutes are over.
    await until(570);
    return begin(one);
  }));

test('a 2026-07-28 client goes by legs, then pending, then the identical call, and gets its result', () =>
  held({}, async ({ one, begin, until }) => {
    const protocolVersion = '2026-07-28';
    let state = '';
    for (const end of [60, 120]) {
      const stream = await begin(one, { protocolVersion, json: legOf(state) });
      await until(end);
      const { result } = await stream.response();
      const { resultType, requestState } = result as unknown as Record<string, string>;
      assert.equal(resultType, 'input_required');
      state = String(requestState);
    }
    const third = await begin(one, { protocolVersion, json: legOf(state) });
    await until(180);
    assert.equal(approvalOf((await third.response()).result)?.status, 'pending');
    await until(570);
    return begin(one, { protocolVersion, json: legOf('') });
  }));

function legOf(state: string): string {
  const carried = state === '' ? '' : `"requestState":${JSON.stringify(state)},`;
  return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{${carried}"name":"query","arguments":{"sql":"delete"}}}`;
}

test('a client whose user was sent to the request’s page comes back ten minutes later and gets its result', () =>
  held({ clients: [{ ...everybody, elicit: 'page' }] }, async ({ one, begin, until }) => {
    const sent = await begin(one, { elicits: ['url'] });
    assert.equal((await sent.response()).error?.code, -32042);
    await until(570);
    return begin(one, { elicits: ['url'] });
  }));

test('a client that is kept by an open question for ten minutes gets its result', () =>
  held({ clients: [{ ...everybody, elicit: 'wait' }] }, async ({ one, begin, until }) => {
    const stream = await begin(one, { elicits: ['form'] });
    while (stream.messages.length === 0) await sleep(5);
    await until(tenMinutes);
    assert.match(stream.messages[0] ?? '', /"method":"elicitation\/create"/);
    return stream;
  }));

test('a client whose connection broke re-attaches on another replica and gets its result there', () =>
  held(patient, async ({ one, two, begin, until }) => {
    const lost = await begin(one);
    await until(200);
    lost.disconnect();
    while (one.deps.waiters.size > 0) await sleep(5);
    await until(400);
    return begin(two, { sessionId: 'session-2' });
  }));

test('a gateway that stops, and one that starts in its place, lose nothing in ten minutes', () =>
  held(patient, async ({ one, two, begin, until }) => {
    const cut = await begin(one);
    await until(200);
    await one.hold.close();
    assert.equal(approvalOf((await cut.response()).result)?.status, 'pending');
    await until(400);
    return begin(two, { sessionId: 'session-2' });
  }));

test('tasks of both generations outlive every budget, and give their results', async () => {
  await using upstream = await startModernUpstream();
  const policy =
    'default: { then: hold, approvers: [dba] }\napprovers: { dba: { people: [ann@example.com] } }\n';
  await using scene = await holdingScene(upstream.url, policy);
  await using one = await scene.start('one', { settings: { replyBudgetMs: 500, progressBudgetMs: 2100 } });
  const session = await handshake(one.url);
  const ask = async (
    method: string,
    params: Record<string, unknown>,
    headers: Record<string, string>,
  ): Promise<Record<string, unknown>> => {
    const { json, text } = await wire(
      one.url,
      JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      headers,
    );
    assert.ok(json?.result, text);
    return json.result;
  };
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  };
  const modern = (method: string, name: string): Record<string, string> => ({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    'mcp-name': name,
  });
  const call = (command: string): object => ({ name: 'run', arguments: { command } });
  const older = await ask('tools/call', { ...call('older'), task: {} }, session);
  const olderId = (older['task'] as { taskId: string }).taskId;
  const first = await scene.approvals.next(1);
  const newer = await ask('tools/call', { ...call('newer'), _meta: meta }, modern('tools/call', 'run'));
  const newerId = String(newer['taskId']);
  const second = await scene.approvals.next(2);
  await sleep(6000);
  for (const input of [first, second]) assert.equal(await one.approve(input), 'succeeded');
  assert.match(JSON.stringify(await ask('tasks/result', { taskId: olderId }, session)), /ran older/);
  const asked = { taskId: newerId, _meta: meta };
  let got = await ask('tasks/get', asked, modern('tasks/get', newerId));
  while (got['status'] === 'working') {
    await sleep(100);
    got = await ask('tasks/get', asked, modern('tasks/get', newerId));
  }
  assert.match(JSON.stringify(got['result']), /ran newer/);
  assert.equal(scene.approvals.opened.length, 2);
  assert.deepEqual(upstream.ran.toSorted(), ['newer', 'older']);
});
