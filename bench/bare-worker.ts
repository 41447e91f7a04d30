import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

/** The worker of the bare workflows that `bench/decisions.ts` compares with: `bare-worker.ts ADDRESS`. */
const logger = new DefaultLogger('ERROR');
Runtime.install({ logger });
const workflowsPath = fileURLToPath(new URL('./bare-workflow.ts', import.meta.url));
const connection = await NativeConnection.connect({ address: process.argv[2] ?? '' });
const workers = await Promise.all([
  Worker.create({
    connection,
    namespace: 'default',
    taskQueue: 'bare',
    workflowBundle: await bundleWorkflowCode({ workflowsPath, logger }),
  }),
  Worker.create({
    connection,
    namespace: 'default',
    taskQueue: 'bare-elsewhere',
    activities: { run: async (decision: string) => decision },
    maxConcurrentActivityTaskPolls: 2,
  }),
]);
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
await Promise.all(workers.map((worker) => worker.run()));
