import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { failureConverterPath } from './failure-path.ts';

/** Bundles the workflows from source (2 to 3 seconds). */
export async function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('./index.ts', import.meta.url)),
    failureConverterPath: failureConverterPath(),
    // Set up once a worker, not once a workflow: it keeps no state but tables of constants.
    preloadModules: [fileURLToPath(new URL('./vote.ts', import.meta.url))],
    logger: new DefaultLogger('WARN'),
  });
}

// `node workflows/bundle.ts OUT.js`: what an image is built with.
if (import.meta.main) {
  const out = process.argv[2];
  if (!out) throw new Error('usage: node workflows/bundle.ts OUT.js');
  await writeFile(out, (await bundleWorkflows()).code);
}
