import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { legAnswer, takeState } from '../../../gateway/hold/request-state.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { approvalOf } from './ends.ts';
import { type Replica, startReplica, testApprovals, type TestApprovals } from './support.ts';
import { countedVote } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

async function impatiently(work: (one: Replica, approvals: TestApprovals) => Promise<void>): Promise<void> {
  await db.pool.query('truncate held_calls cascade');
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { settings: { replyBudgetMs: 1000 } });
  try {
    await work(one, approvals);
  } finally {
    await one.stop();
  }
}

/** A 2026-07-28 call, as it is first sent or with the state of the leg before. */
function leg(one: Replica, idJson: string, state?: string, args = '{"sql":"delete"}') {
  const carried = state === undefined ? '' : `"requestState":${JSON.stringify(state)},`;
  const json = `{"jsonrpc":"2.0","id":${idJson},"method":"tools/call","params":{${carried}"name":"query","arguments":${args}}}`;
  return one.request({ idJson, json, args, protocolVersion: '2026-07-28' });
}

async function stateFrom(request: ReturnType<typeof leg>): Promise<string> {
  const { result } = await request.stream.response();
  const { resultType, inputRequests, requestState } = result as unknown as {
    resultType: string;
    inputRequests: unknown;
    requestState: string;
  };
  assert.equal(resultType, 'input_required');
  assert.deepEqual(inputRequests, {}, 'a client that looks for requests only would take it for the result');
  return requestState;
}

test('a 2026-07-28 client comes back leg by leg to one request, and gets its result', () =>
  impatiently(async (one, approvals) => {
    const first = leg(one, '1');
    await one.hold.hold(first);
    // Some clients say that they were asked for nothing.
    const plain = leg(one, '2', await stateFrom(first));
    const second = { ...plain, json: plain.json.replace('"name"', '"inputResponses":{},"name"') };
    await one.hold.hold(second);
    const third = leg(one, '3', await stateFrom(second));
    const held = one.hold.hold(third);
    const input = await approvals.next();
    while (one.deps.waiters.size === 0) await sleep(10);
    await one.execute({ ...input, votes: [countedVote(input)] });
    await held;
    assert.equal((await third.stream.response()).result?.content[0]?.text, 'done');
    assert.equal(approvals.opened.length, 1);
    // Upstream gets the call as it was first sent: no state of ours.
    assert.deepEqual(one.upstream.calls(), [first.json.replace('"id":1', '"id":3')]);
  }));

test('the third request is answered as pending: some clients follow no more legs that ask for nothing', () =>
  impatiently(async (one, approvals) => {
    const first = leg(one, '1');
    await one.hold.hold(first);
    const { callId } = await approvals.next();
    const made = JSON.parse(legAnswer(one.deps.attachSecret, first, { callId, round: 2 })) as {
      result: { requestState: string };
    };
    const last = leg(one, '3', made.result.requestState);
    await one.hold.hold(last);
    const { result } = await last.stream.response();
    assert.equal(approvalOf(result)?.status, 'pending');
    assert.equal((result as { resultType?: string }).resultType, 'complete');
  }));

test('a state that was changed, or is another caller’s or another request’s, is refused', () =>
  impatiently(async (one) => {
    const first = leg(one, '1');
    await one.hold.hold(first);
    const state = await stateFrom(first);
    const refused = { code: 'invalid_params' };
    await assert.rejects(one.hold.hold(leg(one, '2', `${state.slice(0, -2)}AA`)), refused);
    await assert.rejects(one.hold.hold(leg(one, '2', state, '{"sql":"drop"}')), refused);
    const stolen = leg(one, '2', state);
    await assert.rejects(
      one.hold.hold({ ...stolen, caller: { ...stolen.caller, key: 'oidc:x#thief' } }),
      refused,
    );
  }));

test('a leg that is repeated after its outcome was handed over asks nobody and runs nothing', () =>
  impatiently(async (one, approvals) => {
    const first = leg(one, '1');
    await one.hold.hold(first);
    const state = await stateFrom(first);
    const second = leg(one, '2', state);
    const held = one.hold.hold(second);
    const input = await approvals.next();
    while (one.deps.waiters.size === 0) await sleep(10);
    await one.execute({ ...input, votes: [countedVote(input)] });
    await held;
    const replayed = leg(one, '3', state);
    await one.hold.hold(replayed);
    assert.match(
      (await replayed.stream.response()).result?.content[0]?.text ?? '',
      /^EXECUTED .*Do not repeat it/,
    );
    assert.equal(approvals.opened.length, 1);
    assert.equal(one.upstream.calls().length, 1);
  }));

test('an upstream’s own state is left alone, wherever it stands', () =>
  impatiently(async (one) => {
    const theirs = leg(one, '1', 'upstream-state');
    const taken = takeState(one.deps.attachSecret, theirs);
    assert.equal(taken.request.json, theirs.json);
    assert.equal(taken.state, null);
    for (const [params, rest] of [
      ['{ "requestState" : § , "name":"query"}', '{ "name":"query"}'],
      ['{"name":"query", "requestState":§ }', '{"name":"query" }'],
      ['{"name":"query","requestState":§,"_meta":{}}', '{"name":"query","_meta":{}}'],
    ] as const) {
      const plain = one.request({
        json: `{"id":1,"method":"tools/call","params":${rest}}`,
        protocolVersion: '2026-07-28',
      });
      const answer = JSON.parse(legAnswer(one.deps.attachSecret, plain, { callId: 'hp_1', round: 1 })) as {
        result: { requestState: string };
      };
      const json = plain.json.replace(rest, params.replace('§', JSON.stringify(answer.result.requestState)));
      const back = takeState(one.deps.attachSecret, { ...plain, json });
      assert.deepEqual(back.state, { callId: 'hp_1', round: 1 });
      assert.equal(back.request.json.replaceAll(/\s/g, ''), plain.json.replaceAll(/\s/g, ''));
    }
  }));
