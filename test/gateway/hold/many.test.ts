import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { startReplica, testApprovals } from './support.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

interface Load {
  readonly timers: number;
  readonly connections: number;
  readonly queries: number;
  readonly timersMade: number;
}

test('no timer, query or database connection is kept for each call that is held', async () => {
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, {
    settings: { heldCallsPerCaller: 1000, replyBudgetMs: 600_000, progressBudgetMs: 600_000 },
  });
  const failures: unknown[] = [];
  let begun = 0;
  const hold = async (count: number): Promise<void> => {
    while (begun < count) {
      const n = ++begun;
      const request = one.request({ args: `{"n":${n}}`, idJson: String(n) });
      one.hold.hold(request).catch((error: unknown) => failures.push(error));
      // A few at a time: what is opened at once waits for connections.
      if (n % 10 !== 0) continue;
      while (one.deps.waiters.size < begun) {
        assert.deepEqual(failures, []);
        await sleep(10);
      }
    }
    await approvals.next(count);
    // Until the last of them is settled.
    await sleep(500);
  };
  const load = async (): Promise<Load> => {
    const query = mock.method(db.pool, 'query');
    const connect = mock.method(db.pool, 'connect');
    const timeout = mock.method(globalThis, 'setTimeout');
    await sleep(2000);
    const timersMade = timeout.mock.callCount();
    for (const spy of [query, connect, timeout]) spy.mock.restore();
    return {
      timers: process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length,
      connections: db.pool.totalCount - db.pool.idleCount,
      queries: query.mock.callCount() + connect.mock.callCount(),
      timersMade,
    };
  };
  try {
    await hold(20);
    const few = await load();
    const interval = mock.method(globalThis, 'setInterval');
    await hold(200);
    assert.equal(interval.mock.callCount(), 0, 'the timer that serves the first serves all');
    interval.mock.restore();
    const many = await load();
    // 180 more calls: whatever were made for each of them would show as at least that many.
    for (const what of ['timers', 'connections', 'queries', 'timersMade'] as const)
      assert.ok(many[what] < few[what] + 60, `${what}: ${few[what]} for 20 calls, ${many[what]} for 200`);
    assert.equal(one.deps.waiters.size, 200);
  } finally {
    await one.stop();
  }
});
