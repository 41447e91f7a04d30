import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureActivities } from '../../activities/approval-metrics.ts';
import { createActivities } from '../../activities/settling.ts';
import type { CountedVote } from '../../workflows/contract.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { prepareHeld } from '../workflows/held-rows.ts';

const vote: CountedVote = {
  jws: 'x',
  person: { keys: ['oidc:https://idp#ann'], name: 'Ann' },
  decision: 'deny',
  reason: 'no',
  via: 'test',
  atMs: Date.now() + 28_000,
};

const group = 'on "call"';

const noCards = { remind: async () => {}, failOver: async () => true };

async function held(db: TestDatabase): Promise<string> {
  const { callId } = await prepareHeld(db, { id: 'k', publicRaw: 'x' }, Date.now(), {
    approverGroups: [group],
  });
  return callId;
}

test('what waits, how calls end, how long people take and cards that fail are counted', async () => {
  await using db = await testDatabase();
  const cards = { announce: async () => assert.fail('Slack is away'), refresh: async () => {}, ...noCards };
  const measured = measureActivities(
    createActivities({ pool: db.pool, cards, recording: null, log: { info: () => {}, warn: () => {} } }),
    db.pool,
  );
  const callId = await held(db);
  await assert.rejects(measured.activities.announce({ callId }), /Slack is away/);
  assert.match(await measured.text(), /^holdpoint_held_calls_pending\{group="on \\"call\\""\} 1$/m);
  const { state } = await measured.activities.settle({
    callId,
    outcome: 'denied',
    votes: [vote],
    execution: null,
    because: null,
  });
  assert.equal(state, 'denied');
  await measured.ended(callId);
  const text = await measured.text();
  assert.match(text, /^holdpoint_held_calls_ended_total\{state="denied"\} 1$/m);
  assert.match(
    text,
    /^holdpoint_held_calls_ended_by_group_total\{group="on \\"call\\"",state="denied"\} 1$/m,
  );
  assert.match(text, /^holdpoint_frozen 0$/m);
  assert.match(text, /^holdpoint_slack_away_seconds 0$/m);
  assert.match(text, /^holdpoint_cards_failed_total\{what="announce"\} 1$/m);
  assert.match(text, /^holdpoint_decision_seconds_bucket\{group="on \\"call\\"",le="15"\} 0$/m);
  assert.match(text, /^holdpoint_decision_seconds_bucket\{group="on \\"call\\"",le="30"\} 1$/m);
  assert.match(text, /^holdpoint_held_calls_overdue 0$/m);
  assert.doesNotMatch(text, /holdpoint_held_calls_pending\{/);
});

test('settling again changes nothing and says how it ended', async () => {
  await using db = await testDatabase();
  const activities = createActivities({
    pool: db.pool,
    cards: null,
    recording: null,
    log: { info: () => {}, warn: () => {} },
  });
  const callId = await held(db);
  const base = { callId, votes: [], execution: null, because: null };
  assert.deepEqual(await activities.settle({ ...base, outcome: 'expired' }), { state: 'expired' });
  assert.deepEqual(await activities.settle({ ...base, outcome: 'denied', votes: [vote] }), {
    state: 'expired',
  });
  const lost = { execution: 'unknown', summary: 'lost' } as const;
  assert.deepEqual(await activities.settle({ ...base, outcome: 'approved', execution: lost }), {
    state: 'expired',
  });
});

test('a row that is executing is not ended by anything but a lost execution', async () => {
  await using db = await testDatabase();
  const activities = createActivities({
    pool: db.pool,
    cards: null,
    recording: null,
    log: { info: () => {}, warn: () => {} },
  });
  const callId = await held(db);
  await db.pool.query(`update held_calls set state = 'executing' where call_id = $1`, [callId]);
  const base = { callId, votes: [], execution: null, because: null };
  assert.deepEqual(await activities.settle({ ...base, outcome: 'cancelled' }), { state: 'executing' });
  const lost = { execution: 'unknown', summary: 'lost' } as const;
  assert.deepEqual(await activities.settle({ ...base, outcome: 'approved', execution: lost }), {
    state: 'unknown',
  });
});
