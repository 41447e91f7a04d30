import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Puts message and stack trace of every failure among the payloads, which the codec encrypts: a failure may repeat
 * what people or agents said. Loaded by path, by clients, workers and the workflow bundle alike.
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
