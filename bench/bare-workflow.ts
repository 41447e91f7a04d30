import { condition, defineUpdate, setHandler } from '@temporalio/workflow';

/** The least that a decision could be in Temporal: start, Update, complete. */
export const decide = defineUpdate<string, [string]>('decide');

export async function bare(): Promise<string> {
  let decision: string | undefined;
  setHandler(decide, (given) => {
    decision = given;
    return given;
  });
  await condition(() => decision !== undefined);
  return decision ?? '';
}
