import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { testStream } from './ends.ts';
import { rowOf, startReplica } from './support.ts';
import { togetherIn } from './together.ts';
import { countedVote } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const together = togetherIn(() => db);

test('the identical call attaches to the request that is open, asks nobody again and runs nothing twice', () =>
  together(async (one, approvals) => {
    const two = await startReplica(db, approvals, { name: 'two' });
    const first = one.request({ args: '{"a":1,"b":2}' });
    void one.hold.hold(first).catch(() => {});
    const input = await approvals.next();
    first.stream.disconnect();
    const second = two.request({ args: '{ "b": 2.0, "a": 1 }', idJson: '"again"', sessionId: 'session-2' });
    const held = two.hold.hold(second);
    await until('one has let go and two waits', () => approvals.log.length === 2);
    assert.deepEqual(approvals.log.toSorted(), [
      'attached holdpoint-gateway-two',
      'detached holdpoint-gateway-one',
    ]);
    await two.execute({ ...input, votes: [countedVote(input)] });
    assert.equal((await second.stream.response()).id, 'again');
    await held;
    assert.equal(approvals.opened.length, 1);
    // What runs is the call that was shown, in its own spelling, under the id of whoever waits.
    assert.deepEqual(two.upstream.calls(), [first.json.replace('"id":1', '"id":"again"')]);
    await two.stop();
  }));

test('a client that went away gets the outcome by calling again, once; the next identical call is a new one', () =>
  together(async (one, approvals) => {
    const first = one.request({ verdict: { onDisconnect: 'run' } });
    const held = one.hold.hold(first);
    const input = await approvals.next();
    first.stream.disconnect();
    await held;
    await one.execute({ ...input, votes: [countedVote(input)] });
    assert.equal(one.upstream.opened, 1);
    assert.equal(one.upstream.closed, 1);
    assert.equal((await rowOf(db.pool, input.callId))?.delivered, false);

    const back = [one.request({ idJson: '7' }), one.request({ idJson: '8' })];
    void Promise.allSettled(back.map((request) => one.hold.hold(request)));
    await approvals.next(2);
    const answered = back.filter((request) => request.stream.responses.length > 0);
    assert.equal(answered.length, 1);
    assert.equal((await answered[0]?.stream.response())?.result?.content[0]?.text, 'done');
    assert.equal((await rowOf(db.pool, input.callId))?.delivered, true);
    assert.equal(one.upstream.calls().length, 1);
  }));

test('an outcome whose client vanished while it was handed over is given to the next identical call', () =>
  together(async (one, approvals) => {
    const stream = testStream();
    stream.respond = async () => false;
    const held = one.hold.hold(one.request({ stream }));
    const input = await approvals.next();
    await one.execute({ ...input, votes: [countedVote(input)] });
    await held;
    const back = one.request({ idJson: '2' });
    await one.hold.hold(back);
    assert.equal((await back.stream.response()).id, 2);
    assert.equal(one.upstream.calls().length, 1);
  }));

test('without a live caller a kept call is not claimed, and can still run later', () =>
  together(async (one, approvals) => {
    const request = one.request();
    const held = one.hold.hold(request);
    const input = await approvals.next();
    request.stream.disconnect();
    await held;
    const votes = [countedVote(input)];
    await assert.rejects(one.execute({ ...input, votes }), { type: 'NoLiveCaller' });
    assert.equal((await rowOf(db.pool, input.callId))?.state, 'pending');
    const back = one.request({ idJson: '2' });
    void one.hold.hold(back).catch(() => {});
    while (one.deps.waiters.size === 0) await sleep(10);
    await one.execute({ ...input, votes });
    assert.equal((await back.stream.response()).id, 2);
  }));
