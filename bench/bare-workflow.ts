import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';

/** The least that a decision could be in Temporal: start, Update, complete. */
export const decide = defineUpdate<string, [string]>('decide');

export async function bare(): Promise<string> {
  return decided();
}

/** The least that a decision could be which has something run in another process: an activity more. */
export async function bareWithActivity(): Promise<string> {
  const decision = await decided();
  return elsewhere.run(decision);
}

const elsewhere = proxyActivities<{ run(decision: string): Promise<string> }>({
  taskQueue: 'bare-elsewhere',
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 1 },
});

async function decided(): Promise<string> {
  let decision: string | undefined;
  setHandler(decide, (given) => {
    decision = given;
    return given;
  });
  await condition(() => decision !== undefined);
  return decision ?? '';
}
