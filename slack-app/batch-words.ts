import type { BatchPart } from '../db/batches.ts';

/**
 * What somebody who decided on several calls at once is told, in one message: nothing when everything counted and the
 * card says so itself.
 */
export function batchWords(parts: readonly BatchPart[], decision: 'approve' | 'deny'): string | null {
  const refused = parts.filter(({ state }) => state === 'refused');
  const waiting = parts.filter(({ state, text }) => state === 'counted' && text !== counted);
  const done = decision === 'approve' ? 'Your approval' : 'Your denial';
  const reasons = [...new Set(refused.map(({ text }) => text))];
  const lines = [
    ...(refused.length === 0
      ? []
      : [`${done} counts for ${parts.length - refused.length} of ${parts.length} calls.`, ...reasons]),
    ...(waiting.length === 0 ? [] : [...new Set(waiting.map(({ text }) => text))]),
  ];
  return lines.length === 0 ? null : lines.join(' ');
}

/** What is kept of a decision that counted and after which nothing is left to say. */
export const counted = 'Your decision counts.';
