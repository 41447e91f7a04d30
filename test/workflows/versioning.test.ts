import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedTemporal } from '../../cli/embedded/temporal.ts';
import { NativeConnection } from '@temporalio/worker';
import { type ApprovalInput, workflowIdOf } from '../../workflows/contract.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { ann, type Workplace, workplace } from './support.ts';

let db: TestDatabase;
let temporal: EmbeddedTemporal;
let place: Workplace;

before(async () => {
  [db, temporal] = await Promise.all([testDatabase(), startTestTemporal()]);
  place = await workplace(temporal.address, db);
  await place.startExecutor();
});
after(async () => {
  await place.close();
  await temporal.stop();
  await db[Symbol.asyncDispose]();
});

/** What the deploy step of docs/runbook.md does, once the build's workers poll. */
async function makeCurrent(buildId: string): Promise<void> {
  for (let tries = 0; ; tries++)
    try {
      await place.link.client.workflowService.setWorkerDeploymentCurrentVersion({
        namespace: 'default',
        deploymentName: 'holdpoint',
        buildId,
      });
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await sleep(100);
    }
}

async function buildOf(call: ApprovalInput): Promise<unknown> {
  const { workflowExecutionInfo } = await place.link.client.workflowService.describeWorkflowExecution({
    namespace: 'default',
    execution: { workflowId: workflowIdOf(call) },
  });
  return workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
}

test('a roll-out: requests stay with the build they were opened under, new ones go to the current build', async () => {
  const old = await place.startWorker(undefined, { name: 'holdpoint', buildId: '1' });
  await makeCurrent('1');
  const before = await place.hold();
  assert.equal(await buildOf(before), '1');
  const connection = await NativeConnection.connect({ address: temporal.address });
  const young = await place.startWorker(connection, { name: 'holdpoint', buildId: '2' });
  await makeCurrent('2');
  const later = await place.hold();
  assert.equal(await buildOf(later), '2');
  assert.equal((await place.vote(before, ann)).kind, 'counted');
  assert.equal((await place.vote(later, ann)).kind, 'counted');
  await place.until(before, 'succeeded');
  await place.until(later, 'succeeded');
  assert.equal(await buildOf(before), '1', 'it ended under the build that it began under');
  await old.stop();
  await young.stop();
  await connection.close();
});
