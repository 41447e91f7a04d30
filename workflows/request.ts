import * as wf from '@temporalio/workflow';
import {
  type ApprovalInput,
  type ApprovalStatus,
  type CountedVote,
  type ExecuteResult,
  names,
  type Outcome,
  type VoteClaims,
  type VoteRefusal,
} from './contract.ts';
import { showState } from './display.ts';
import { counted, verifyVote } from './vote.ts';

/** Asks the workflow for its state; the gateway opens by update-with-start of this one. */
export const opened = wf.defineUpdate<ApprovalStatus, []>(names.opened);
/** One signed vote. One that cannot count is refused by the validator and leaves no history. */
export const decide = wf.defineUpdate<ApprovalStatus, [{ jws: string }]>(names.decide);
/** A replica holds a live client of this call. */
export const attached = wf.defineSignal<[{ queue: string }]>(names.attached);
/** That replica's last client of this call has gone. */
export const detached = wf.defineSignal<[{ queue: string }]>(names.detached);

/** The state of one approval request, changed by its handlers and by the workflow's own ending. */
export interface Request {
  outcome(): Outcome | null;
  votes(): readonly CountedVote[];
  /** Queue of the replica that holds the latest live client, or null. */
  holder(): string | null;
  /** The replica did not answer: it holds nobody. */
  lost(queue: string): void;
  /** Ends the request; the first terminal outcome stays, except that an approval may still be withdrawn. */
  end(outcome: Outcome): void;
  show(execution: ExecuteResult | null): void;
}

/** Registers the handlers and keeps what they learn. */
export function openRequest(input: ApprovalInput, onVote: () => void): Request {
  const votes: CountedVote[] = [];
  let outcome: Outcome | null = null;
  // Replicas with a live client, the latest last.
  let holders: readonly string[] = input.holderQueue === null ? [] : [input.holderQueue];
  const without = (queue: string): readonly string[] => holders.filter((held) => held !== queue);
  const status = (): ApprovalStatus => ({
    outcome,
    votes,
    approvalsNeeded: input.approvalsNeeded,
    expiresAtMs: input.expiresAtMs,
  });
  const show = (execution: ExecuteResult | null): void => showState(input, status(), execution);
  wf.setHandler(opened, status);
  wf.setHandler(
    decide,
    ({ jws }) => {
      const claims = verifyVote(jws, input.votePublicKeys);
      if (!claims)
        throw refusal('ForgedVote', 'the vote is not signed by a key that this request knows', status());
      votes.push(counted(jws, claims, Date.now()));
      if (claims.decision === 'deny') outcome = 'denied';
      else if (votes.length >= input.approvalsNeeded) outcome = 'approved';
      show(null);
      onVote();
      return status();
    },
    { validator: ({ jws }) => checkVote(input, status(), verifyVote(jws, input.votePublicKeys)) },
  );
  wf.setHandler(attached, ({ queue }) => {
    holders = [...without(queue), queue];
  });
  wf.setHandler(detached, ({ queue }) => {
    holders = without(queue);
  });
  show(null);
  return {
    outcome: () => outcome,
    votes: () => votes,
    holder: () => holders.at(-1) ?? null,
    lost: (queue) => {
      holders = without(queue);
    },
    end: (how) => {
      if (outcome === null || (outcome === 'approved' && how !== 'approved')) outcome = how;
    },
    show,
  };
}

function checkVote(input: ApprovalInput, status: ApprovalStatus, claims: VoteClaims | null): void {
  if (!claims || claims.callId !== input.callId)
    throw refusal('ForgedVote', 'the vote is not signed by a key that this request knows', status);
  if (status.outcome !== null) throw refusal('AlreadyDecided', whoDecided(status), status);
  if (claims.digest !== input.digest)
    throw refusal('DigestMismatch', 'the vote is for other contents than this request has', status);
  const now = Date.now();
  if (claims.exp * 1000 <= now)
    throw refusal('VoteExpired', 'the vote was signed too long ago; decide again', status);
  if (now >= input.expiresAtMs) throw refusal('AlreadyDecided', 'the request has expired', status);
  if (!Array.isArray(claims.person?.keys) || claims.person.keys.length === 0)
    throw refusal('ForgedVote', 'the vote names no person', status);
  if (claims.person.keys.some((key) => input.requesterKeys.includes(key)))
    throw refusal('SelfApproval', 'who asks for a call cannot decide on it', status);
  if (!claims.groups.some((group) => input.approverGroups.includes(group)))
    throw refusal(
      'NotAnApprover',
      'the person belongs to none of the approver groups of this request',
      status,
    );
  const earlier = status.votes.find((vote) =>
    vote.person.keys.some((key) => claims.person.keys.includes(key)),
  );
  if (earlier && claims.decision === 'approve')
    throw refusal(
      'DuplicateVote',
      `${earlier.person.name} has approved already; another person is needed`,
      status,
    );
}

function whoDecided({ outcome, votes }: ApprovalStatus): string {
  const last = votes.at(-1);
  if ((outcome === 'approved' || outcome === 'denied') && last)
    return `${outcome} by ${last.person.name} at ${new Date(last.atMs).toISOString()}`;
  return `the request is ${outcome}`;
}

function refusal(type: VoteRefusal, message: string, status: ApprovalStatus): wf.ApplicationFailure {
  return wf.ApplicationFailure.create({ type, message, nonRetryable: true, details: [status] });
}
