import { ApplicationFailure } from '@temporalio/common';
import type { ApprovalInput, ApprovalStatus, VoteClaims, VoteRefusal } from './contract.ts';
import { verifyVote } from './vote.ts';

/**
 * Throws the refusal of a vote that cannot count; returns when it can. Order matters: only what a trusted key has
 * signed for this very call learns anything about the request.
 * @param vote the Update's argument, from whoever can reach Temporal
 * @throws ApplicationFailure of a {@link VoteRefusal} type, with the status as its detail
 */
export function checkVote(input: ApprovalInput, status: ApprovalStatus, vote: unknown, nowMs: number): void {
  const jws = typeof vote === 'object' && vote !== null && 'jws' in vote ? vote.jws : null;
  const claims = typeof jws === 'string' ? verifyVote(jws, input.votePublicKeys) : null;
  if (!claims || claims.callId !== input.callId)
    throw refusal('ForgedVote', 'the vote is not signed by a trusted key for this request', status);
  if (claims.digest !== input.digest)
    throw refusal('DigestMismatch', 'the vote is for other contents than this request has', status);
  if (status.outcome !== null) throw refusal('AlreadyDecided', whoDecided(status), status);
  if (nowMs >= input.expiresAtMs)
    throw refusal(
      'AlreadyDecided',
      `the request expired at ${new Date(input.expiresAtMs).toISOString()}`,
      status,
    );
  if (claims.exp * 1000 <= nowMs)
    throw refusal('VoteExpired', 'the vote was signed too long ago: decide again', status);
  checkPerson(input, status, claims);
}

function checkPerson(
  input: ApprovalInput,
  status: ApprovalStatus,
  { person, decision, groups }: VoteClaims,
): void {
  if (person.keys.some((key) => input.requesterKeys.includes(key)))
    throw refusal('SelfApproval', 'who asks for a call cannot decide on it', status);
  if (!groups.some((group) => input.approverGroups.includes(group)))
    throw refusal('NotAnApprover', `only members of ${input.approverGroups.join(', ')} can decide`, status);
  // People are compared by every key: two accounts of one person share one.
  const earlier = status.votes.find((vote) => vote.person.keys.some((key) => person.keys.includes(key)));
  // Who has approved may still deny while the request waits for others: that only ever stops a call.
  if (earlier && decision === 'approve')
    throw refusal(
      'DuplicateVote',
      `${earlier.person.name} approved already at ${new Date(earlier.atMs).toISOString()}: another person is needed`,
      status,
    );
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
