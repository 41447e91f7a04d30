import { termsWithin } from '../db/grants.ts';
import type { ShownCall } from '../db/held-calls-shown.ts';
import type { Decision, GrantTerms } from '../workflows/contract.ts';

/** What somebody says beside approving or denying. */
export interface Said {
  readonly grant?: GrantTerms;
  readonly bounds?: string;
}

/** The longest bounds that a denial may name, in characters. */
export const longestBounds = 200;

/** Reads a form or a command's options. @returns what is said, or in words why it cannot be */
export function saidOf(
  call: ShownCall,
  decision: Decision,
  given: { readonly bounds: string; readonly calls: string; readonly minutes: string },
): Said | string {
  const bounds = given.bounds.trim();
  if (decision === 'deny')
    return bounds.length > longestBounds
      ? `Bounds have at most ${longestBounds} characters.`
      : bounds === ''
        ? {}
        : { bounds };
  if (given.calls.trim() === '' || given.calls.trim() === '0') return {};
  const offer = call.grantOffer;
  if (!offer) return 'Policy offers no grant for this call.';
  const [calls, minutes] = [Number(given.calls), Number(given.minutes)];
  if (!Number.isSafeInteger(calls) || calls < 1 || calls > offer.calls)
    return `Further calls: from 1 to ${offer.calls}, as policy offers.`;
  const forMs = minutes * 60_000;
  if (!(forMs > 0) || forMs > offer.forMs)
    return `Minutes: at most ${Math.floor(offer.forMs / 60_000)}, as policy offers.`;
  const by = { sessionId: call.sessionId, nowMs: Date.now() };
  return { grant: termsWithin(offer, { calls, forMs }, by) };
}
