import type { DataConverter } from '@temporalio/common';
import { type NativeConnection, Worker } from '@temporalio/worker';
import { type GatewayActivities, replicaQueue, taskQueues } from '../../workflows/contract.ts';

/** What the workers of one gateway need. */
export interface ActivityWorkerDeps {
  readonly connection: NativeConnection;
  readonly namespace: string;
  /** Name of this replica; the queue for calls whose client it holds is named after it. */
  readonly replica: string;
  readonly activities: GatewayActivities;
  readonly dataConverter?: DataConverter;
  /** Told when a worker stops by itself: this gateway can then run nothing any more. */
  readonly onFailed: (error: unknown) => void;
}

/** How long a running call may take to end when the gateway stops. */
const shutdownGraceMs = 10_000;

/**
 * Polls for executions: calls whose client this replica holds, and calls that any replica may run. Two pollers a
 * queue, since the server limits how many may poll in a namespace (1200 for each kind) and replicas are many.
 */
export async function startActivityWorkers(deps: ActivityWorkerDeps): Promise<{ close(): Promise<void> }> {
  const create = async (taskQueue: string): Promise<Worker> =>
    Worker.create({
      connection: deps.connection,
      namespace: deps.namespace,
      taskQueue,
      activities: { ...deps.activities },
      maxConcurrentActivityTaskPolls: 2,
      maxConcurrentActivityTaskExecutions: 1000,
      shutdownGraceTime: shutdownGraceMs,
      // Beats are otherwise held back until 80 % of the time after which their absence means death.
      maxHeartbeatThrottleInterval: '2 seconds',
      ...(deps.dataConverter && { dataConverter: deps.dataConverter }),
    });
  const workers = await Promise.all([replicaQueue(deps.replica), taskQueues.execute].map(create));
  const runs = workers.map((worker) => worker.run());
  for (const run of runs) run.catch(deps.onFailed);
  return {
    async close() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    },
  };
}
