import type { Masked } from '../../masking/masked.ts';

/** Steps so small that a server's own progress, which follows, is larger whatever unit it counts in. */
const progressStep = 1e-6;

/**
 * A progress notification of the gateway's own, made of masked text and the client's own token.
 * @param tokenJson the client's progress token as raw JSON text
 * @param step counts from 1; progress must increase
 */
export function progressEvent(tokenJson: string, step: number, text: Masked<string>): Masked<string> {
  const progress = (step * progressStep).toFixed(6);
  const params = `{"progressToken":${tokenJson},"progress":${progress},"message":${JSON.stringify(text)}}`;
  return `{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}` as Masked<string>;
}
