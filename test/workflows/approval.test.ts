import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { SignJWT } from 'jose';
import type { EmbeddedTemporal } from '../../cli/embedded/temporal.ts';
import { type ApprovalInput, names, replicaQueue, workflowIdOf } from '../../workflows/contract.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { ann, bob, carol, voteKey, type Workplace, workplace } from './support.ts';

let db: TestDatabase;
let temporal: EmbeddedTemporal;
let place: Workplace;

before(async () => {
  [db, temporal] = await Promise.all([testDatabase(), startTestTemporal()]);
  place = await workplace(temporal.address, db);
  await place.startWorker();
  await place.startExecutor();
});
after(async () => {
  await place.close();
  await temporal.stop();
  await db[Symbol.asyncDispose]();
});

const timesSent = (call: ApprovalInput): number => place.sent.filter((id) => id === call.callId).length;
const historyOf = async (call: ApprovalInput): Promise<string[]> => {
  const { events } = await place.link.client.workflow.getHandle(workflowIdOf(call)).fetchHistory();
  return (events ?? []).map((event) => String(event.eventType));
};

/** The history, once nothing has been added to it for a while. */
async function quietHistory(call: ApprovalInput): Promise<string[]> {
  for (let last = await historyOf(call); ; ) {
    await sleep(500);
    const now = await historyOf(call);
    if (now.length === last.length) return now;
    last = now;
  }
}

test('an approved call is sent once, and its row, cards and recording say who approved', async () => {
  const call = await place.hold();
  const answer = await place.vote(call, ann, 'approve', { reason: 'checked with the team' });
  assert.equal(answer.kind, 'counted');
  await place.until(call, 'succeeded');
  assert.equal(timesSent(call), 1);
  assert.ok(place.cards.announced.includes(call.callId));
  await place.link.client.workflow.getHandle(workflowIdOf(call)).result();
  assert.deepEqual((await place.row(call)).voters, ['Ann']);
  assert.ok(place.cards.refreshed.includes(call.callId));
  const decisions = place.recorded.filter(
    ({ kind, callId }) => kind === 'decision' && callId === call.callId,
  );
  assert.equal(decisions.length, 1);
  assert.match(String(decisions[0]?.bytes), /checked with the team/);
});

/** All strings and bytes of a value, at any depth. */
function everyText(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('latin1')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(everyText);
}

test('Temporal stores names in clear, and nothing that people or agents said', async () => {
  const call = await place.hold({ reason: 'CLEAR-rule', client: 'CLEAR-client', correlationId: 'CLEAR-id' });
  const person = { keys: ['oidc:https://idp#CLEAR-person'], name: 'CLEAR-name' };
  await place.vote(call, person, 'deny', { reason: 'CLEAR-reason' });
  await place.link.client.workflow.getHandle(workflowIdOf(call)).result();
  const { history } = await place.link.client.workflowService.getWorkflowExecutionHistory({
    namespace: 'default',
    execution: { workflowId: workflowIdOf(call) },
  });
  const stored = everyText(history).join('\n');
  assert.ok(
    stored.includes('"local-agent"'),
    'a search attribute is there: bytes of payloads were looked at',
  );
  assert.doesNotMatch(stored, /CLEAR-/);
});

test('a denied call is never sent, and the row has the reason', async () => {
  const call = await place.hold();
  await place.vote(call, ann, 'deny', { reason: 'only on weekdays' });
  await place.until(call, 'denied');
  assert.equal((await place.row(call)).because, 'Ann: only on weekdays');
  assert.equal(timesSent(call), 0);
});

test('a quorum needs as many distinct people as policy says: one person with two accounts is one', async () => {
  const call = await place.hold({ approvalsNeeded: 2 });
  await place.vote(call, ann);
  const again = await place.vote(call, {
    keys: ['email:ann@example.com', 'slack:T1/UANN'],
    name: 'ann (Slack)',
  });
  assert.equal(again.kind === 'refused' && again.code, 'DuplicateVote');
  assert.match(again.kind === 'refused' ? again.message : '', /^Ann approved already at/);
  assert.equal((await place.row(call)).state, 'pending');
  await place.vote(call, bob);
  await place.link.client.workflow.getHandle(workflowIdOf(call)).result();
  assert.deepEqual((await place.row(call)).voters, ['Ann', 'Bob']);
});

test('who approved may still deny while others are waited for', async () => {
  const call = await place.hold({ approvalsNeeded: 2 });
  await place.vote(call, ann);
  await place.vote(call, ann, 'deny', { reason: 'looked again' });
  await place.until(call, 'denied');
});

test('a second approver is told who decided and when, also after the workflow has ended', async () => {
  const call = await place.hold({ onDisconnect: 'keep', graceMs: 1500 });
  await place.vote(call, ann);
  const late = await place.vote(call, bob);
  assert.equal(late.kind === 'refused' && late.code, 'AlreadyDecided');
  assert.match(late.kind === 'refused' ? late.message : '', /^approved by Ann at \d{4}-/);
  await place.until(call, 'expired');
  await place.link.client.workflow.getHandle(workflowIdOf(call)).result();
  assert.deepEqual(await place.vote(call, carol, 'deny'), { kind: 'ended' });
});

test('two approvers at the same moment: one decision, the other is told of it', async () => {
  for (let round = 0; round < 5; round++) {
    const call = await place.hold();
    const answers = await Promise.all([place.vote(call, ann), place.vote(call, bob, 'deny')]);
    const kinds = answers.map(({ kind }) => kind).toSorted();
    assert.ok(kinds[0] === 'counted' && kinds[1] !== 'counted', kinds.join());
    const won = answers[0].kind === 'counted' ? 'succeeded' : 'denied';
    await place.until(call, won);
    assert.equal(timesSent(call), won === 'succeeded' ? 1 : 0);
  }
});

test('the same click sent three times is one vote', async () => {
  const call = await place.hold({ approvalsNeeded: 2 });
  const updateId = randomUUID();
  const answers = await Promise.all([1, 2, 3].map(() => place.vote(call, ann, 'approve', { updateId })));
  for (const answer of answers) assert.equal(answer.kind === 'counted' && answer.status.votes.length, 1);
});

test('refused votes change nothing and leave no history', async () => {
  const call = await place.hold({ requesterKeys: ['local:agent', 'slack:T1/UCAROL'] });
  const before = await quietHistory(call);
  const handle = place.link.client.workflow.getHandle(workflowIdOf(call));
  const raw = async (argument: unknown): Promise<unknown> => {
    const error = await handle.executeUpdate(names.decide, { args: [argument] }).then(
      () => null,
      (problem: unknown) => problem,
    );
    assert.ok(error instanceof WorkflowUpdateFailedError, String(error));
    return error.cause instanceof ApplicationFailure ? error.cause.type : error.cause?.message;
  };
  const stranger = voteKey('trusted');
  const claims = {
    voteId: 'v',
    callId: call.callId,
    digest: call.digest,
    person: ann,
    decision: 'approve',
    reason: null,
    groups: ['dba'],
    via: 'test',
    decidedAtMs: Date.now(),
  };
  const signed = (change: object, key = place.trusted.privateKey, header: object = {}): Promise<string> =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'holdpoint-vote+jwt', kid: 'trusted', ...header })
      .setExpirationTime('1m')
      .sign(key);
  const refused: [string, unknown][] = [
    ['SelfApproval', { jws: await signed({ person: carol }) }],
    ['NotAnApprover', { jws: await signed({ groups: ['other'] }) }],
    ['DigestMismatch', { jws: await signed({ digest: 'sha256:other' }) }],
    ['ForgedVote', { jws: await signed({ callId: 'another' }) }],
    ['ForgedVote', { jws: await signed({ person: { keys: [], name: 'Nobody' } }) }],
    ['ForgedVote', { jws: await signed({}, stranger.privateKey) }],
    ['ForgedVote', { jws: await signed({}, place.trusted.privateKey, { kid: 'other' }) }],
    ['ForgedVote', { jws: await signed({}, place.trusted.privateKey, { typ: 'JWT' }) }],
    ['VoteExpired', { jws: await expired(claims) }],
    ['ForgedVote', { jws: `${(await signed({})).slice(0, -4)}AAAA` }],
    ['ForgedVote', { decision: 'approve', person: ann }],
    ['ForgedVote', null],
    ['ForgedVote', 'approve'],
  ];
  for (const [code, argument] of refused) assert.equal(await raw(argument), code, JSON.stringify(argument));
  assert.deepEqual(await quietHistory(call), before);
  assert.equal((await place.row(call)).state, 'pending');
});

function expired(claims: object): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'holdpoint-vote+jwt', kid: 'trusted' })
    .setExpirationTime(Math.floor(Date.now() / 1000) - 1)
    .sign(place.trusted.privateKey);
}

test('what anybody may send from the Temporal UI about time changes nothing: a forged extension, a clock signal', async () => {
  const call = await place.hold({
    terms: {
      quorum: { kind: 'together', approvals: 1 },
      remindersMs: [],
      escalation: [],
      extension: { byMs: 60_000, times: 1 },
      onSlackOutage: 'continue',
    },
  });
  const handle = place.link.client.workflow.getHandle(workflowIdOf(call));
  for (const forged of [{ jws: 'e30.e30.AA' }, 'extend', { jws: 7 }])
    await assert.rejects(handle.executeUpdate(names.extend, { args: [forged] }), WorkflowUpdateFailedError);
  await handle.signal(names.clock, { stopped: true });
  const { rows } = await db.pool.query<{ at: Date }>(
    'select expires_at as at from held_calls where call_id = $1',
    [call.callId],
  );
  assert.equal(rows[0]?.at.getTime(), call.expiresAtMs);
  assert.equal((await place.vote(call, ann)).kind, 'counted');
  await place.until(call, 'succeeded');
});

test('a cancelled request says why, and is not sent', async () => {
  const call = await place.hold();
  await place.approvals.cancel(workflowIdOf(call), 'the agent changed its mind');
  await place.until(call, 'cancelled');
  assert.equal((await place.row(call)).because, 'the agent changed its mind');
  await place.link.client.workflow.getHandle(workflowIdOf(call)).result();
  await place.approvals.cancel(workflowIdOf(call), 'again'); // No error for one that has ended.
  assert.equal(timesSent(call), 0);
});

test('cancelled in Temporal itself, the request ends as cancelled', async () => {
  const call = await place.hold();
  await place.link.client.workflow.getHandle(workflowIdOf(call)).cancel();
  await place.until(call, 'cancelled');
  assert.equal(
    (await place.link.client.workflow.getHandle(workflowIdOf(call)).result())['outcome'],
    'cancelled',
  );
});

test('approved with nobody there, `keep` waits, and runs where the client comes back', async () => {
  const home = replicaQueue('home');
  const executor = await place.startExecutor(home);
  const call = await place.hold({ onDisconnect: 'keep', holderQueue: null });
  await place.vote(call, ann);
  assert.equal((await place.row(call)).state, 'pending');
  await place.approvals.attached(workflowIdOf(call), home);
  await place.until(call, 'succeeded');
  assert.equal(timesSent(call), 1);
  await executor.stop();
});

test('when the last client to attach leaves, the one before it is served', async () => {
  const first = replicaQueue('first');
  const executor = await place.startExecutor(first);
  const call = await place.hold({ onDisconnect: 'keep', holderQueue: first });
  await place.approvals.attached(workflowIdOf(call), replicaQueue('second'));
  await place.approvals.detached(workflowIdOf(call), replicaQueue('second'));
  await place.vote(call, ann);
  await place.until(call, 'succeeded');
  await executor.stop();
});

test('a replica that is gone is passed over: `run` uses the shared queue', async () => {
  const call = await place.hold({ onDisconnect: 'run', holderQueue: replicaQueue('gone') });
  await place.vote(call, ann);
  await place.until(call, 'succeeded');
  assert.equal(timesSent(call), 1);
});

test('a replica that is slow is tried again: `keep` does not lose its client', async () => {
  const slow = replicaQueue('slow');
  const call = await place.hold({ onDisconnect: 'keep', holderQueue: slow, graceMs: 30_000 });
  await place.vote(call, ann);
  await sleep(3000);
  const executor = await place.startExecutor(slow);
  await place.until(call, 'succeeded');
  assert.equal(timesSent(call), 1);
  await executor.stop();
});

test('where nothing was sent for certain, the call is tried again: the database was away, the client elsewhere', async () => {
  const [left, right] = [replicaQueue('left'), replicaQueue('right')];
  const refusals = ['NotClaimed', 'NoLiveCaller'];
  const failing = await place.startExecutor(left, undefined, {
    executeHeldCall: async () => {
      const type = refusals.shift() ?? 'asked once too often';
      throw ApplicationFailure.create({ type, message: type, nonRetryable: true });
    },
  });
  const working = await place.startExecutor(right);
  const call = await place.hold({ onDisconnect: 'keep', holderQueue: left, graceMs: 30_000 });
  await place.vote(call, ann);
  while (refusals.length > 0) await sleep(50);
  await place.approvals.attached(workflowIdOf(call), right);
  await place.until(call, 'succeeded');
  assert.equal(timesSent(call), 1);
  await Promise.all([failing.stop(), working.stop()]);
});

test('Slack being away holds back neither the decision nor the execution nor the end of the row', async () => {
  place.cards.failing = true;
  try {
    const call = await place.hold();
    await place.vote(call, ann);
    await place.until(call, 'succeeded');
    assert.deepEqual((await place.row(call)).voters, ['Ann']);
    place.cards.failing = false;
    await place.link.client.workflow.getHandle(workflowIdOf(call)).result();
    assert.ok(place.cards.refreshed.includes(call.callId));
  } finally {
    place.cards.failing = false;
  }
});

test('opening fails when no worker answers, and the workflow is asked to cancel', async () => {
  const other = await startTestTemporal();
  const lonely = await workplace(other.address, db);
  try {
    const call = await lonely.prepare();
    await assert.rejects(lonely.approvals.open(call, { deadlineMs: 1500 }));
    const { events } = await lonely.link.client.workflow.getHandle(workflowIdOf(call)).fetchHistory();
    assert.ok(events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes));
  } finally {
    await lonely.close();
    await other.stop();
  }
});
