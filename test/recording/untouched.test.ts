import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pool } from '../../db/pool.ts';
import { createPurgeStore } from '../../db/records-purge.ts';
import { purgeSession } from '../../recording/purge.ts';
import { testDatabase } from '../support/postgres.ts';
import { facts, message, recorderOn, sequenceAll, signer, verifyPool } from './support.ts';

/** `HOLDPOINT_TEST_RUNS=120` for the long run: more than 1,000 verifications. */
const runs = Number(process.env['HOLDPOINT_TEST_RUNS'] ?? 12);

/** A small generator of its own, so that a run that fails can be repeated by its number. */
function randomOf(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761 + 1;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Everything that may happen to a recording, in an order that the seed decides. */
async function live(pool: Pool, seed: number): Promise<number> {
  let verified = 0;
  const random = randomOf(seed);
  let recorders = [recorderOn(pool), recorderOn(pool), recorderOn(pool)];
  // Before its first checkpoint, a log cannot be told from one whose checkpoints were removed.
  const kept = [await sequenceAll(pool)];
  const session = (): string => `s${random(6)}`;
  try {
    for (let step = 0; step < 25; step += 1) {
      const recorder = recorders[random(3)];
      const what = random(10);
      if (what < 5) {
        const who = facts(session());
        const events = Array.from({ length: 1 + random(12) }, async (_, n) =>
          recorder?.append(who, message('x'.repeat(random(3000)), { tool: `t${n % 3}` })),
        );
        for (const result of await Promise.allSettled(events))
          if (result.status === 'rejected')
            assert.match((result.reason as { code: string }).code, /^session_(ended|purged)$/);
      } else if (what === 5) await recorder?.end(session(), 'over');
      else if (what === 6) kept.push(await sequenceAll(pool));
      else if (what === 7) {
        const index = random(3);
        await recorders[index]?.close();
        recorders = recorders.with(index, recorderOn(pool));
      } else if (what === 8) {
        const store = createPurgeStore(pool);
        await purgeSession({ store, signer, now: () => new Date() }, session(), { person: 'p', reason: 'r' });
      } else await createPurgeStore(pool).reclaim(new AbortController().signal);
      if (random(3) > 0) continue;
      assert.deepEqual((await verifyPool(pool, kept)).problems, [], `run ${seed}, step ${step}`);
      verified += 1;
    }
  } finally {
    await Promise.all(recorders.map((recorder) => recorder.close()));
  }
  kept.push(await sequenceAll(pool));
  assert.deepEqual((await verifyPool(pool, kept)).problems, [], `run ${seed}, at its end`);
  return verified + 1;
}

test(`none of ${runs} untouched recordings raises an alarm, whatever happened in them`, async (t) => {
  let verified = 0;
  for (let seed = 1; seed <= runs; seed += 1) {
    await using db = await testDatabase();
    verified += await live(db.pool, seed);
  }
  t.diagnostic(`${verified} verifications`);
});
