import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { replicaQueue, workflowIdOf } from '../../workflows/contract.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import { ann, settlingExecutor, type Workplace, workplace } from './support.ts';

// What a decision costs in Temporal where there is no Slack and gateways record the votes they run by.

let db: TestDatabase;
let temporal: Awaited<ReturnType<typeof startTestTemporal>>;
let place: Workplace;

before(async () => {
  db = await testDatabase();
  temporal = await startTestTemporal();
  place = await workplace(temporal.address, db);
  await place.startWorker(undefined, undefined, false);
  await place.startExecutor(replicaQueue('settling'), undefined, settlingExecutor(db));
  await place.startExecutor(replicaQueue('0.3.0'), undefined, settlingExecutor(db, { settled: true }));
});

after(async () => {
  await place.close();
  await temporal.stop();
  await db[Symbol.asyncDispose]();
});

/** What the history has after the decision; activities by their type. */
async function afterDecision(workflowId: string): Promise<string[]> {
  const { events } = await place.link.client.workflow.getHandle(workflowId).fetchHistory();
  const all = events ?? [];
  const accepted = all.findLastIndex((event) => event.workflowExecutionUpdateAcceptedEventAttributes);
  return all.slice(accepted).flatMap((event) => {
    const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (activity) return [activity];
    if (event.markerRecordedEventAttributes) return ['a look at the row'];
    return event.workflowTaskStartedEventAttributes ? ['workflow task'] : [];
  });
}

/** Nobody decides before the approvers have been asked. */
async function announced(workflowId: string): Promise<void> {
  const asked = async (): Promise<boolean> => {
    const { events } = await place.link.client.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes).length >= 2;
  };
  while (!(await asked())) await sleep(25);
}

test('an approved call is one activity and one workflow task after its decision', async () => {
  const call = await place.hold({ onDisconnect: 'keep', holderQueue: replicaQueue('settling') });
  const workflowId = workflowIdOf(call);
  await announced(workflowId);
  await place.vote(call, ann);
  const end: unknown = await place.link.client.workflow.getHandle(workflowId).result();
  assert.deepEqual(end, {
    state: 'succeeded',
    outcome: 'approved',
    execution: { execution: 'succeeded', summary: null, settled: true, rowEnded: true },
  });
  assert.deepEqual(await afterDecision(workflowId), ['executeHeldCall', 'workflow task']);
  assert.deepEqual((await place.row(call)).voters, ['Ann']);
});

test('what a gateway of 0.3.0 has run is looked at once more, in the same workflow task', async () => {
  const call = await place.hold({ onDisconnect: 'keep', holderQueue: replicaQueue('0.3.0') });
  const workflowId = workflowIdOf(call);
  await announced(workflowId);
  await place.vote(call, ann);
  const end: unknown = await place.link.client.workflow.getHandle(workflowId).result();
  assert.equal((end as { state: string }).state, 'succeeded');
  assert.deepEqual(await afterDecision(workflowId), [
    'executeHeldCall',
    'workflow task',
    'a look at the row',
  ]);
});

test('an approval that waits for its client is shown meanwhile', async () => {
  const call = await place.hold({ onDisconnect: 'keep', holderQueue: null });
  await announced(workflowIdOf(call));
  await place.vote(call, ann);
  while ((await place.row(call)).voters.length === 0) await sleep(25);
  assert.deepEqual((await place.row(call)).state, 'pending');
  await place.approvals.attached(workflowIdOf(call), replicaQueue('settling'));
  assert.equal(await place.until(call, 'succeeded'), 'succeeded');
});

test('so is one whose gateway does not answer', async () => {
  const call = await place.hold({ onDisconnect: 'keep', holderQueue: replicaQueue('silent') });
  await announced(workflowIdOf(call));
  await place.vote(call, ann);
  while ((await place.row(call)).voters.length === 0) await sleep(25);
  await place.approvals.attached(workflowIdOf(call), replicaQueue('settling'));
  assert.equal(await place.until(call, 'succeeded'), 'succeeded');
});

test('a denied call is settled as ever', async () => {
  const call = await place.hold();
  await announced(workflowIdOf(call));
  await place.vote(call, ann, 'deny', { reason: 'no' });
  assert.equal(await place.until(call, 'denied'), 'denied');
  const { because, voters } = await place.row(call);
  assert.deepEqual({ because, voters }, { because: 'Ann: no', voters: ['Ann'] });
});

test('every call that ends is counted, by whomever its end was written', async () => {
  const calls = [
    await place.hold({ onDisconnect: 'keep', holderQueue: replicaQueue('settling') }),
    await place.hold({ onDisconnect: 'keep', holderQueue: replicaQueue('0.3.0') }),
    await place.hold(),
  ];
  for (const [n, call] of calls.entries()) {
    await announced(workflowIdOf(call));
    await place.vote(call, ann, n === 2 ? 'deny' : 'approve', { reason: 'no' });
    await place.link.client.workflow.getHandle(workflowIdOf(call)).result();
  }
  for (const { callId } of calls)
    assert.equal(await until('it is counted', () => place.ended.filter((id) => id === callId).length), 1);
});
