import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { TestDatabase } from '../support/postgres.ts';
import { testServerPath } from '../support/temporal.ts';
import { type Workplace, workplace } from './support.ts';

/** A workplace with a worker and an executor, on a server that skips time. */
export async function skippingTime(
  db: TestDatabase,
): Promise<{ env: TestWorkflowEnvironment; place: Workplace }> {
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: await testServerPath() } },
  });
  const place = await workplace(env.address, db, () => env.currentTimeMs());
  await place.startWorker();
  await place.startExecutor();
  return { env, place };
}
