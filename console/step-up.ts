import type { ShownCall } from '../db/held-calls-shown.ts';
import type { VoteProof } from '../workflows/contract.ts';
import { stepUpFreshMs } from '../workflows/quorum.ts';
import type { ConsoleContext, Visit } from './deps.ts';
import { approving, isProven } from './passkeys.ts';

/** Whether somebody has proven themselves within the last minutes, by what the identity provider says for certain. */
export function signedInJustNow({ authentication: { provenAt } }: Visit, now: Date): boolean {
  return provenAt !== null && now.getTime() - provenAt.getTime() < stepUpFreshMs;
}

/**
 * The proof that approving a call takes, from what came with the form or from the sign-in.
 * @returns null when there is none that suffices
 */
export async function proofFor(
  context: ConsoleContext,
  visit: Visit,
  call: ShownCall,
  passkeyAnswer: string | undefined,
): Promise<VoteProof | null> {
  if (passkeyAnswer)
    return (await isProven(context, visit, { purpose: approving(call), response: passkeyAnswer }))
      ? { method: 'passkey', atMs: context.now().getTime() }
      : null;
  if (call.stepUp !== 'login' || !signedInJustNow(visit, context.now())) return null;
  return { method: 'login', atMs: visit.authentication.provenAt?.getTime() ?? 0 };
}

/** Where somebody signs in anew and comes back, whatever session they have. */
export function freshSignIn(visit: Visit, to: string): string {
  const back = encodeURIComponent(to);
  return visit.identity.local ? `/login?to=${back}` : `/login/start?fresh=yes&to=${back}`;
}
