import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startReconciling } from '../../activities/reconcile.ts';
import { freePort } from '../../cli/embedded/postgres.ts';
import { sweepDead } from '../../db/held-execution.ts';
import type { EmbeddedTemporal } from '../../cli/embedded/temporal.ts';
import { lostWorkflows } from '../../workflows/client.ts';
import { type ApprovalInput, workflowIdOf } from '../../workflows/contract.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { ann, bob, type Workplace, workplace } from './support.ts';

let db: TestDatabase;
let temporal: EmbeddedTemporal;
let place: Workplace;
let folder: string;
let port: number;

const start = (): Promise<EmbeddedTemporal> =>
  startTestTemporal({ port, dbFile: join(folder, 'temporal.sqlite') });

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdpoint-temporal-'));
  port = await freePort();
  [db, temporal] = await Promise.all([testDatabase(), start()]);
  place = await workplace(temporal.address, db);
});
after(async () => {
  await place.close();
  await temporal.stop();
  await db[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const handleOf = (call: ApprovalInput) => place.link.client.workflow.getHandle(workflowIdOf(call));

test('the worker is gone between vote and vote: the next one goes on from history', async () => {
  const first = await place.startWorker();
  const executor = await place.startExecutor();
  const call = await place.hold({ approvalsNeeded: 2 });
  await place.vote(call, ann);
  await first.stop();
  const updateId = randomUUID();
  await assert.rejects(place.vote(call, bob, 'approve', { updateId }), 'no worker, no answer');
  const second = await place.startWorker();
  // The person tries again, by the same click: one vote, whether or not the first try was kept.
  const answer = await place.vote(call, bob, 'approve', { updateId });
  assert.notEqual(answer.kind, 'refused');
  await handleOf(call).result();
  assert.deepEqual(await place.row(call), { state: 'succeeded', because: null, voters: ['Ann', 'Bob'] });
  assert.equal(place.sent.filter((id) => id === call.callId).length, 1);
  await second.stop();
  await executor.stop();
});

test('Temporal stopped and started with a call held: the call goes on', async () => {
  const worker = await place.startWorker();
  const executor = await place.startExecutor();
  const call = await place.hold({ expiresAtMs: Date.now() + 120_000 });
  await temporal.stop();
  await assert.rejects(place.hold(), 'nothing can be held meanwhile');
  temporal = await start();
  for (let tries = 0; ; tries++) {
    const counted = await place.vote(call, ann, 'approve', { updateId: 'one click' }).then(
      () => true,
      (error: unknown) => (tries === 10 ? Promise.reject(error as Error) : false),
    );
    if (counted) break;
  }
  await place.until(call, 'succeeded');
  assert.equal(place.sent.filter((id) => id === call.callId).length, 1);
  await worker.stop();
  await executor.stop();
});

test('a workflow that is reset after its call ran goes through it again without running it again', async () => {
  const worker = await place.startWorker();
  const executor = await place.startExecutor();
  const call = await place.hold();
  await place.vote(call, ann);
  await handleOf(call).result();
  const { events } = await handleOf(call).fetchHistory();
  const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes)?.eventId;
  const { runId } = await place.link.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: workflowIdOf(call) },
    workflowTaskFinishEventId: firstTask ?? null,
    requestId: randomUUID(),
    reason: 'test',
  });
  assert.ok(runId);
  const again: { state?: string } = await handleOf(call).result();
  assert.equal(again.state, 'succeeded');
  assert.equal(place.sent.filter((id) => id === call.callId).length, 1);
  await worker.stop();
  await executor.stop();
});

test('terminated in Temporal, the call ends as cancelled and can never run', async () => {
  const worker = await place.startWorker();
  const call = await place.hold();
  await handleOf(call).terminate('an operator pressed the button');
  const reconciling = startReconciling({
    pool: db.pool,
    lostWorkflows: (withinMs) => lostWorkflows(place.link.client, withinMs),
    cancelWorkflow: async () => {},
    log: { warn: assert.fail, info: () => {} },
  });
  const until = Date.now() + 10_000;
  while ((await place.row(call)).state === 'pending' && Date.now() < until) await reconciling.look();
  reconciling.stop();
  assert.equal((await place.row(call)).state, 'cancelled');
  assert.deepEqual(await place.vote(call, ann), { kind: 'ended' });
  await worker.stop();
});

test('the gateway dies before it wrote down that its request is open: people are asked once, and it is not given up', async () => {
  const worker = await place.startWorker();
  const executor = await place.startExecutor();
  const call = await place.hold();
  for (let tries = 0; !place.cards.announced.includes(call.callId) && tries < 400; tries++) await sleep(25);
  await sweepDead(db.pool, { silentMs: 60_000, unopenedMs: 0 });
  assert.equal((await place.row(call)).state, 'pending');
  await place.vote(call, ann);
  await place.until(call, 'succeeded');
  await executor.stop();
  await worker.stop();
});

test('an executor killed after it sent leaves `unknown`, once, and nothing is sent again', async () => {
  const worker = await place.startWorker();
  const dying = await executorProcess('sent');
  const call = await place.hold({ approvalsNeeded: 1 });
  await place.vote(call, ann);
  await dying.reached(call.callId);
  dying.kill();
  const other = await place.startExecutor();
  await place.until(call, 'unknown');
  assert.match(String((await place.row(call)).because), /whether it took effect is not known/);
  await handleOf(call).result();
  assert.equal(place.sent.includes(call.callId), false);
  await other.stop();
  await worker.stop();
});

test('an executor killed before it claimed: the call runs on another one, once, and nobody decides again', async () => {
  const worker = await place.startWorker();
  const dying = await executorProcess('before');
  const call = await place.hold();
  await place.vote(call, ann);
  await dying.reached(call.callId);
  dying.kill();
  const other = await place.startExecutor();
  await place.until(call, 'succeeded');
  await handleOf(call).result();
  assert.equal(place.sent.filter((id) => id === call.callId).length, 1);
  await other.stop();
  await worker.stop();
});

async function executorProcess(mode: string) {
  const script = fileURLToPath(new URL('./executor-process.ts', import.meta.url));
  const child: ChildProcess = spawn(
    process.execPath,
    [script, temporal.address, db.url, place.codecKey.toString('hex'), mode],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    lines.push(line);
    for (const wake of waiting.splice(0)) wake();
  });
  const said = async (line: string): Promise<void> => {
    while (!lines.includes(line)) {
      await new Promise<void>((resolve, reject) => {
        waiting.push(resolve);
        child.once('exit', () => reject(new Error('the executor ended')));
      });
    }
  };
  await said('ready');
  return { reached: (callId: string) => said(`reached ${callId}`), kill: () => child.kill('SIGKILL') };
}
