import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import { policyOf } from '../support/gateway.ts';
import { testDatabase } from '../support/postgres.ts';
import { startReplica, testApprovals } from '../gateway/hold/support.ts';
import { response } from '../gateway/hold/ends.ts';
import { seed } from './model-seed.ts';
import { definition, grantPolicy, type GrantSeen, type GrantStage, playGrant } from './grant-play.ts';
import { checkGrantPromises } from './grant-promises.ts';
import { type GrantScenario, grantScenarios } from './grant-scenario.ts';

const runs = Number(process.env['HOLDPOINT_TEST_MODEL_RUNS'] ?? 100);
/** The same each time unless told otherwise; `npm run soak` takes another. */
const atOnce = 8;
const deadlineMs = Number(process.env['HOLDPOINT_TEST_MODEL_MINUTES'] ?? 2) * 60_000;
const runsAtLeast = Math.min(runs, 50);

test(`whatever happens while a grant is open, nothing runs but what it covers (${runs} runs, seed ${seed})`, async (t) => {
  await using db = await testDatabase();
  const policy = policyOf(grantPolicy(1), ['db']);
  const approvals = testApprovals(db.pool);
  const replica = async (name: string, under: typeof policy) => {
    const one = await startReplica(db, approvals, {
      policy: under,
      name,
      settings: { heldCallsPerCaller: 1000 },
    });
    one.upstream.tools.push(definition);
    one.upstream.behave = async function* (json, idJson, onSent) {
      onSent();
      // The gateway loses what upstream says: nobody knows how it ended.
      if (json.includes('"lost":true')) throw new Error('the connection broke');
      yield response(idJson, { content: [{ type: 'text', text: 'done' }] });
    };
    return one;
  };
  const stage: GrantStage = {
    db,
    approvals,
    policy,
    replicas: [await replica('one', policy), await replica('two', policy)],
    changed: [
      await replica('three', policyOf(grantPolicy(2), ['db'])),
      await replica('four', policyOf(grantPolicy(2), ['db'])),
    ],
  };
  try {
    const next = fc.sample(grantScenarios, { numRuns: runs, seed }).values();
    const lateMs = Date.now() + deadlineMs;
    let played = 0;
    let ran = 0;
    const player = async (): Promise<void> => {
      for (const scenario of next) {
        const seen = await playGrant(stage, scenario);
        ran += check(seen);
        played += 1;
        if (Date.now() > lateMs) return;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, player));
    t.diagnostic(`${played} of ${runs} runs played; ${ran} calls ran under grants`);
    assert.ok(played >= runsAtLeast, `only ${played} runs in ${deadlineMs} ms`);
    assert.ok(ran > played / 4, 'grants were used');
  } finally {
    await Promise.all([...stage.replicas, ...stage.changed].map((one) => one.stop()));
  }
});

/** @returns how many calls ran under the grant */
function check(seen: GrantSeen): number {
  try {
    checkGrantPromises(seen);
  } catch (error) {
    throw new Error(`a promise was broken; seed ${seed}: ${JSON.stringify(seen, null, 1)}`, { cause: error });
  }
  return seen.grant?.used ?? 0;
}

test('the check of grants itself notices broken promises', () => {
  const call = {
    do: 'call',
    session: 0,
    caller: 0,
    env: 0,
    table: 0,
    definition: 0,
    policy: 0,
    replica: 0,
    lost: 0,
  } as const;
  const scenario: GrantScenario = { calls: 1, forMs: 60_000, voters: 'one', moments: [[call]] };
  const ran = {
    call,
    n: 1,
    ranByItself: true,
    beside: [],
    fromMs: 5,
    untilMs: 9,
    timesSent: 1,
    states: ['succeeded'],
  };
  const good: GrantSeen = {
    scenario,
    calls: [ran],
    grant: { used: 1, calls: 1, uses: [1] },
    lateUses: 0,
    approvedCallSent: 1,
  };
  checkGrantPromises(good);
  const elsewhere = { ...call, env: 1 } as const;
  const broken: Partial<GrantSeen>[] = [
    { approvedCallSent: 2 },
    { grant: null },
    { grant: { used: 2, calls: 1, uses: [1, 2] } },
    { grant: { used: 1, calls: 1, uses: [2] } },
    { lateUses: 1 },
    { calls: [{ ...ran, timesSent: 2 }] },
    { calls: [{ ...ran, timesSent: 0 }] },
    { calls: [{ ...ran, ranByItself: false }] },
    { calls: [{ ...ran, call: elsewhere }], scenario: { ...scenario, moments: [[elsewhere]] } },
    { scenario: { ...scenario, moments: [[{ do: 'revoke' }], [call]] } },
    { scenario: { ...scenario, voters: 'the requester' } },
  ];
  for (const change of broken)
    assert.throws(() => checkGrantPromises({ ...good, ...change }), JSON.stringify(change));
});
