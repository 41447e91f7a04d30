import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker';

/** The worker of the bare workflows that `bench/decisions.ts` compares with: `bare-worker.ts ADDRESS`. */
const workflowsPath = fileURLToPath(new URL('./bare-workflow.ts', import.meta.url));
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: process.argv[2] ?? '' }),
  namespace: 'default',
  taskQueue: 'bare',
  workflowBundle: await bundleWorkflowCode({ workflowsPath }),
});
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
await worker.run();
