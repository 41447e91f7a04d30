import { ApplicationFailure } from '@temporalio/common';
import type { ApprovalInput, ApprovalStatus, ExtensionClaims, VoteClaims, VoteRefusal } from './contract.ts';
import { provenEnough, stepUpWords } from './quorum.ts';
import { verifyExtension } from './vote.ts';

/** What is known when somebody acts on a request. */
export interface ActedOn {
  readonly status: ApprovalStatus;
  /** Whether its time is up; not while the clock stands still. */
  readonly overdue: boolean;
  readonly nowMs: number;
}

/**
 * Throws the refusal of a vote that cannot count; returns when it can. Order matters: only what a trusted key has
 * signed for this very call learns anything about the request.
 * @param vote the Update's argument, from whoever can reach Temporal
 * @param read verifies its signature
 * @throws ApplicationFailure of a {@link VoteRefusal} type, with the status as its detail
 */
export function checkVote(
  input: ApprovalInput,
  on: ActedOn,
  vote: unknown,
  read: (jws: string) => VoteClaims | null,
): void {
  const claims = signed(vote, read, input, on.status);
  mayAct(input, on, claims, 'vote');
  const stepUp = input.terms?.stepUp ?? null;
  if (stepUp !== null && !provenEnough(claims, stepUp))
    throw refusal('StepUpNeeded', `approving it takes ${stepUpWords(stepUp)}`, on.status);
  const { person, decision } = claims;
  const { status } = on;
  // People are compared by every key: two accounts of one person share one.
  const earlier = status.votes.find((other) => other.person.keys.some((key) => person.keys.includes(key)));
  // Who has approved may still deny while the request waits for others: that only ever stops a call.
  if (earlier && decision === 'approve')
    throw refusal(
      'DuplicateVote',
      `${earlier.person.name} approved already at ${new Date(earlier.atMs).toISOString()}: another person is needed`,
      status,
    );
}

/** The same for an extension: by someone who could vote, as often as policy allows. */
export function checkExtension(input: ApprovalInput, on: ActedOn, extension: unknown): void {
  const claims = signed(extension, (jws) => verifyExtension(jws, input.votePublicKeys), input, on.status);
  mayAct(input, on, claims, 'extension');
  const allowed = input.terms?.extension?.times ?? 0;
  if (on.status.extensions.length < allowed) return;
  const last = on.status.extensions.at(-1);
  throw refusal(
    'NotExtendable',
    last
      ? `it was extended by ${last.person.name} at ${new Date(last.atMs).toISOString()}, and policy allows no further extension`
      : 'policy allows no extension of this request',
    on.status,
  );
}

/** Reads a signed act. Only what a trusted key has signed for this very call learns anything about the request. */
function signed<T extends VoteClaims | ExtensionClaims>(
  argument: unknown,
  read: (jws: string) => T | null,
  input: ApprovalInput,
  status: ApprovalStatus,
): T {
  const jws = typeof argument === 'object' && argument !== null && 'jws' in argument ? argument.jws : null;
  const claims = typeof jws === 'string' ? read(jws) : null;
  if (!claims || claims.callId !== input.callId)
    throw refusal('ForgedVote', 'the vote is not signed by a trusted key for this request', status);
  if (claims.digest !== input.digest)
    throw refusal('DigestMismatch', 'the vote is for other contents than this request has', status);
  return claims;
}

/** Whether a verified person may act on the request now. */
function mayAct(
  input: ApprovalInput,
  { status, overdue, nowMs }: ActedOn,
  { person, groups, exp }: VoteClaims | ExtensionClaims,
  what: 'vote' | 'extension',
): void {
  if (status.outcome !== null) throw refusal('AlreadyDecided', whoDecided(status), status);
  if (overdue)
    throw refusal(
      'AlreadyDecided',
      `the request expired at ${new Date(status.expiresAtMs).toISOString()}`,
      status,
    );
  if (exp * 1000 <= nowMs)
    throw refusal('VoteExpired', `the ${what} was signed too long ago: decide again`, status);
  if (person.keys.some((key) => input.requesterKeys.includes(key)))
    throw refusal('SelfApproval', 'who asks for a call cannot decide on it', status);
  const asked = [...input.approverGroups, ...status.joined];
  if (!groups.some((group) => asked.includes(group)))
    throw refusal('NotAnApprover', `only members of ${asked.join(', ')} can decide`, status);
}

function whoDecided({ outcome, votes }: ApprovalStatus): string {
  const last = votes.at(-1);
  if ((outcome === 'approved' || outcome === 'denied') && last)
    return `${outcome} by ${last.person.name} at ${new Date(last.atMs).toISOString()}`;
  const approver = last?.decision === 'approve' ? `, after ${last.person.name} had approved it` : '';
  return `the request was ${outcome}${approver}`;
}

/** A refusal as the sender of the Update gets it. */
export function refusal(type: VoteRefusal, message: string, status: ApprovalStatus): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, details: [status] });
}
