import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { replicaQueue, workflowIdOf } from '../../workflows/contract.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { skippingTime } from './skipping-time.ts';
import { ann, type Workplace } from './support.ts';

const hour = 3_600_000;
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

test('`keep`: approved, with no client for the whole grace period, it ends unsent', async () => {
  const call = await place.hold({
    onDisconnect: 'keep',
    graceMs: 10 * 60_000,
    expiresAtMs: (await env.currentTimeMs()) + 24 * hour,
  });
  // Votes are signed by this machine's clock: only the first test's are still valid by the server's.
  assert.equal((await place.vote(call, ann)).kind, 'counted');
  await env.sleep(9 * 60_000);
  assert.equal((await place.row(call)).state, 'pending');
  await env.sleep(61_000);
  await place.until(call, 'expired');
  assert.match(String((await place.row(call)).because), /did not come in time/);
  assert.equal(place.sent.includes(call.callId), false);
});

test('nobody decides for 24 hours: the request expires, unsent, and a later vote is refused', async () => {
  const call = await place.hold({ expiresAtMs: (await env.currentTimeMs()) + 24 * hour });
  await env.sleep(24 * hour - 60_000);
  assert.equal((await place.row(call)).state, 'pending');
  await env.sleep(61_000);
  assert.equal(await place.until(call, 'expired'), 'expired');
  assert.equal((await place.row(call)).because, 'Nobody decided in time.');
  assert.deepEqual(await place.vote(call, ann), { kind: 'ended' });
  assert.equal(place.sent.includes(call.callId), false);
});

test('Slack away for 24 hours: the request still expires on time, and its workflow ends', async () => {
  place.cards.failing = true;
  const call = await place.hold({ expiresAtMs: (await env.currentTimeMs()) + 24 * hour });
  await env.sleep(24 * hour + 1000);
  await place.until(call, 'expired');
  await env.sleep(25 * hour);
  const { status } = await place.link.client.workflow.getHandle(workflowIdOf(call)).describe();
  assert.equal(status.name, 'COMPLETED');
  place.cards.failing = false;
});

test('`cancel`: a client that reconnects keeps its request, one that stays away loses it', async () => {
  const queue = replicaQueue('here');
  const call = await place.hold({
    onDisconnect: 'cancel',
    holderQueue: queue,
    expiresAtMs: (await env.currentTimeMs()) + 24 * hour,
  });
  const id = workflowIdOf(call);
  await place.approvals.detached(id, queue);
  await env.sleep(10_000);
  await place.approvals.attached(id, queue);
  await env.sleep(hour);
  assert.equal((await place.row(call)).state, 'pending');
  await place.approvals.detached(id, queue);
  await env.sleep(16_000);
  await place.until(call, 'cancelled');
});
