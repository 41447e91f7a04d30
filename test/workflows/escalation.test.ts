import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { type ApprovalInput, type DecidingTerms, workflowIdOf } from '../../workflows/contract.ts';
import { plainTerms } from '../support/plain-hold.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { skippingTime } from './skipping-time.ts';
import { ann, bob, carol, type Workplace } from './support.ts';

const minute = 60_000;
const hour = 60 * minute;
let db: TestDatabase;
let env: TestWorkflowEnvironment;
let place: Workplace;

before(async () => {
  db = await testDatabase();
  ({ env, place } = await skippingTime(db));
});
after(async () => {
  await place.close();
  await env.teardown();
  await db[Symbol.asyncDispose]();
});

const terms = (more: Partial<DecidingTerms>): DecidingTerms => ({ ...plainTerms, escalation: [], ...more });
const hold = async (more: Partial<DecidingTerms>, lifeMs: number): Promise<ApprovalInput> =>
  place.hold({ terms: terms(more), expiresAtMs: (await env.currentTimeMs()) + lifeMs });
/** A decision made by the server's clock, which is ahead of this machine's. */
const act = async (call: ApprovalInput) => ({
  workflowId: workflowIdOf(call),
  callId: call.callId,
  digest: call.digest,
  updateId: randomUUID(),
  via: 'test',
  nowMs: await env.currentTimeMs(),
});
const groupsOf = async ({ callId }: ApprovalInput): Promise<string[]> => {
  const { rows } = await db.pool.query<{ names: string[] }>(
    `select array(select g ->> 'name' from jsonb_array_elements(approvers) g) as names from held_calls where call_id = $1`,
    [callId],
  );
  return rows[0]?.names ?? [];
};
const deadline = async ({ callId }: ApprovalInput): Promise<number> => {
  const { rows } = await db.pool.query<{ at: Date }>(
    'select expires_at as at from held_calls where call_id = $1',
    [callId],
  );
  return rows[0]?.at.getTime() ?? 0;
};
/** An outage of Slack, or a freeze, by the server's clock. */
const stop = async (kind: 'freeze' | 'slack', call: ApprovalInput): Promise<void> => {
  const now = new Date(await env.currentTimeMs());
  await db.pool.query('insert into clock_stops (kind, began_at) values ($1, $2)', [kind, now]);
  await db.pool.query('update held_calls set clock_stopped_at = $2 where call_id = $1', [call.callId, now]);
};
const goOn = async (kind: 'freeze' | 'slack', call: ApprovalInput): Promise<void> => {
  await db.pool.query('update clock_stops set ended_at = $2 where kind = $1 and ended_at is null', [
    kind,
    new Date(await env.currentTimeMs()),
  ]);
  await db.pool.query(
    `update held_calls set clock_stopped_at = null,
       expires_at = base_expires_at + clock_stood_still(created_at, on_slack_outage) where call_id = $1`,
    [call.callId],
  );
};

test('over 24 hours: reminders come, leads and then directors join in their turn, and one of them decides', async () => {
  const remindersMs = [hour, 12 * hour];
  const escalation = [
    { afterMs: 6 * hour, groups: ['leads'] },
    { afterMs: 18 * hour, groups: ['directors'] },
  ];
  const call = await hold({ remindersMs, escalation }, 24 * hour);
  const reminded = (): number => place.cards.reminded.filter((id) => id === call.callId).length;
  const early = await place.approvals.decide({
    ...(await act(call)),
    person: bob,
    decision: 'approve',
    reason: null,
    groups: ['directors'],
  });
  assert.equal(early.kind === 'refused' && early.code, 'NotAnApprover');
  await env.sleep(2 * hour);
  assert.equal(reminded(), 1);
  assert.deepEqual(await groupsOf(call), ['dba']);
  await env.sleep(5 * hour);
  assert.deepEqual(await groupsOf(call), ['dba', 'leads']);
  await env.sleep(12 * hour);
  assert.equal(reminded(), 2);
  assert.deepEqual(await groupsOf(call), ['dba', 'leads', 'directors']);
  const joined = place.recorded.filter(
    ({ callId, bytes }) => callId === call.callId && String(bytes).includes('escalated'),
  );
  assert.equal(joined.length, 2, 'each stage is recorded');
  await decideAt(call, carol, ['directors']);
  await place.until(call, 'succeeded');
});

/** Votes as somebody would whose clock is the server's. */
async function decideAt(call: ApprovalInput, person: typeof ann, groups: string[]): Promise<void> {
  const real = Date.now;
  const now = await env.currentTimeMs();
  Date.now = () => now;
  try {
    const answer = await place.approvals.decide({
      ...(await act(call)),
      person,
      decision: 'approve',
      reason: null,
      groups,
    });
    assert.equal(answer.kind, 'counted', JSON.stringify(answer));
  } finally {
    Date.now = real;
  }
}

test('an approver extends as often as policy allows, and the request then expires later', async () => {
  const call = await hold({ extension: { byMs: 30 * minute, times: 1 } }, hour);
  const before = await deadline(call);
  const extend = async (person: typeof ann) => {
    const real = Date.now;
    const now = await env.currentTimeMs();
    Date.now = () => now;
    try {
      return await place.approvals.extend({ ...(await act(call)), person, groups: ['dba'] });
    } finally {
      Date.now = real;
    }
  };
  const first = await extend(ann);
  assert.equal(first.kind, 'counted', JSON.stringify(first));
  assert.equal(await deadline(call), before + 30 * minute, 'durable before it is answered');
  const again = await extend(bob);
  assert.equal(again.kind === 'refused' && again.code, 'NotExtendable');
  const requester = await extend({ keys: ['local:agent'], name: 'Agent' });
  assert.equal(requester.kind === 'refused' && requester.code, 'SelfApproval');
  await env.sleep(hour + minute);
  assert.equal((await place.row(call)).state, 'pending');
  await env.sleep(30 * minute);
  assert.equal(await place.until(call, 'expired'), 'expired');
});

test('Slack is away across the deadline: under `freeze` the clock stands still, and goes on where it stood', async () => {
  const call = await hold({ onSlackOutage: 'freeze' }, hour);
  await env.sleep(30 * minute);
  await stop('slack', call);
  await env.sleep(5 * hour);
  assert.equal((await place.row(call)).state, 'pending', 'nobody could answer');
  await goOn('slack', call);
  await place.approvals.clockChanged(workflowIdOf(call));
  await env.sleep(25 * minute);
  assert.equal((await place.row(call)).state, 'pending');
  await env.sleep(10 * minute);
  await place.until(call, 'expired');
});

test('Slack is away across the deadline: under `deny` the request is denied, and says why', async () => {
  const call = await hold({ onSlackOutage: 'deny' }, hour);
  await db.pool.query(`insert into clock_stops (kind) values ('slack')`);
  await env.sleep(hour + minute);
  await place.until(call, 'denied');
  assert.match(String((await place.row(call)).because), /Slack could not be reached when the time was up/);
  await db.pool.query('update clock_stops set ended_at = now() where ended_at is null');
  assert.equal(place.sent.includes(call.callId), false);
});

test('nobody could be asked from the start: under `deny` the request does not wait for its deadline', async () => {
  place.cards.failing = true;
  const call = await hold({ onSlackOutage: 'deny' }, 24 * hour);
  await env.sleep(10 * minute);
  await place.until(call, 'denied');
  assert.match(String((await place.row(call)).because), /no approver could be asked/);
  place.cards.failing = false;
});

test('frozen across deadline, reminder and escalation: nothing happens until it is lifted, then each in its turn', async () => {
  const escalation = [{ afterMs: 40 * minute, groups: ['leads'] }];
  const call = await hold({ escalation }, hour);
  await env.sleep(30 * minute);
  await stop('freeze', call);
  await env.sleep(8 * hour);
  assert.deepEqual(await groupsOf(call), ['dba']);
  assert.equal((await place.row(call)).state, 'pending');
  await goOn('freeze', call);
  await place.approvals.clockChanged(workflowIdOf(call));
  await env.sleep(12 * minute);
  assert.deepEqual(await groupsOf(call), ['dba', 'leads']);
  assert.equal((await place.row(call)).state, 'pending');
  await env.sleep(20 * minute);
  await place.until(call, 'expired');
});
