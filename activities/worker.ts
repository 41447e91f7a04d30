import { setTimeout as sleep } from 'node:timers/promises';
import { type InjectedSinks, type NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import { searchAttributes, taskQueues, type WorkerActivities } from '../workflows/contract.ts';
import type { ApprovalSinks } from '../workflows/sinks.ts';

/** What the worker process is started with. */
export interface WorkerDeps {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly dataConverter: DataConverter;
  readonly activities: WorkerActivities;
  /** A prebuilt bundle's path or the bundle's code. */
  readonly workflowBundle: NonNullable<WorkerOptions['workflowBundle']>;
  /** Names the build: requests stay with the one that they were opened under. Left out, they go to any worker. */
  readonly deployment?: { readonly name: string; readonly buildId: string } | null;
  readonly onFailed: (error: Error) => void;
  /** A call has ended, whoever wrote its end. Not waited for; told again after a workflow task that failed. */
  readonly onEnded: (callId: string) => void;
}

/** A worker that polls. */
export interface RunningWorker {
  /** Finishes what is under way, then ends. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Registers the search attributes that requests are started with, and waits until the server knows them. Those that
 * exist stay.
 * @throws Error that says how to create them, where this credential may not
 */
export async function registerSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<void> {
  const keyword = 2;
  const missingNow = async (): Promise<string[]> => {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return Object.values(searchAttributes).filter((name) => !Object.hasOwn(customAttributes ?? {}, name));
  };
  const missing = await missingNow();
  if (missing.length === 0) return;
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
    });
  } catch (error) {
    // Two workers may start at the same moment.
    if (!/already exists/i.test(String(error)))
      throw new Error(
        `Temporal namespace ${namespace} lacks search attributes, and they could not be registered. Create them as keywords: temporal operator search-attribute create --namespace ${namespace} ${missing.map((name) => `--name ${name} --type Keyword`).join(' ')}`,
        { cause: error },
      );
  }
  for (let tries = 0; tries < 50 && (await missingNow()).length > 0; tries++) await sleep(200);
}

/** Runs workflows and the worker's own activities on the approvals queue. */
export async function runWorker(deps: WorkerDeps): Promise<RunningWorker> {
  const sinks: InjectedSinks<ApprovalSinks> = {
    approvals: { ended: { fn: (_workflow, callId) => deps.onEnded(callId) } },
  };
  const worker = await Worker.create({
    connection: deps.connection,
    namespace: deps.namespace,
    taskQueue: taskQueues.approvals,
    workflowBundle: deps.workflowBundle,
    activities: { ...deps.activities },
    sinks,
    dataConverter: deps.dataConverter,
    ...(deps.deployment && {
      workerDeploymentOptions: {
        version: { deploymentName: deps.deployment.name, buildId: deps.deployment.buildId },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'PINNED' as const,
      },
    }),
    // A worker that was killed shall not delay a decision: its cached workflows go to another one after this long.
    stickyQueueScheduleToStartTimeout: '5 seconds',
    shutdownGraceTime: '10 seconds',
  });
  let failed: Error | undefined;
  const ended = worker.run().catch((error: Error) => {
    failed = error;
    deps.onFailed(error);
  });
  return {
    stop: async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
      if (failed) throw failed;
    },
  };
}
