import * as wf from '@temporalio/workflow';
import { checkVote, refusal } from './check-vote.ts';
import {
  type ApprovalInput,
  type ApprovalStatus,
  type CountedVote,
  names,
  type Outcome,
} from './contract.ts';
import { counted, verifyVote } from './vote.ts';

/** Asks the workflow for its state; the gateway opens by update-with-start of this one. */
export const opened = wf.defineUpdate<ApprovalStatus>(names.opened);
/** One signed vote. One that cannot count is refused by the validator and leaves no history. */
export const decide = wf.defineUpdate<ApprovalStatus, [{ jws: string }]>(names.decide);
/** A replica holds a live client of this call. */
export const attached = wf.defineSignal<[{ queue: string }]>(names.attached);
/** That replica's last client of this call has gone. */
export const detached = wf.defineSignal<[{ queue: string }]>(names.detached);

/** The request is to be cancelled, and why; Temporal's own cancellation does the same without a reason. */
export const withdraw = wf.defineSignal<[{ because: string }]>(names.withdraw);

/** The state of one approval request, changed by its handlers and by the workflow's own ending. */
export interface Request {
  outcome(): Outcome | null;
  /** Why it is to be cancelled; null while nobody has said so. */
  withdrawn(): string | null;
  votes(): readonly CountedVote[];
  status(): ApprovalStatus;
  /** Queue of the replica that a client attached to last and still waits on, or null when nobody waits. */
  holder(): string | null;
  /** The replica holds nobody, whatever it said before. */
  lost(queue: string): void;
  /** The replica does not answer now: others go first. */
  last(queue: string): void;
  /** Ends the request; the first terminal outcome stays, except that an approval may still come to nothing. */
  end(outcome: Outcome): void;
}

/**
 * Registers the handlers and keeps what they learn. Runs before anything else in the workflow, so that no message
 * finds no handler.
 * Messages that came before the workflow's first task are handled before this returns.
 * @param on.vote called after each vote that counted
 * @param on.withdrawal called when somebody withdraws the request
 */
export function openRequest(
  input: ApprovalInput,
  on: { vote: (status: ApprovalStatus) => void; withdrawal: () => void },
): Request {
  const votes: CountedVote[] = [];
  let outcome: Outcome | null = null;
  let withdrawn: string | null = null;
  // A call's clients may wait on several replicas, and each leaves for itself: the last to come is served first.
  let holders: readonly string[] = input.holderQueue === null ? [] : [input.holderQueue];
  const without = (queue: string): string[] => holders.filter((other) => other !== queue);
  const status = (): ApprovalStatus => ({
    outcome,
    votes: [...votes],
    approvalsNeeded: input.approvalsNeeded,
    expiresAtMs: input.expiresAtMs,
  });
  wf.setHandler(opened, status);
  wf.setHandler(
    decide,
    ({ jws }) => {
      // Verified here too: what a reset or another version admits again did not pass this validator.
      const claims = verifyVote(jws, input.votePublicKeys);
      if (!claims) throw refusal('ForgedVote', 'the vote is not signed by a trusted key', status());
      votes.push(counted(jws, claims, Date.now()));
      if (claims.decision === 'deny') outcome = 'denied';
      else if (votes.length >= input.approvalsNeeded) outcome = 'approved';
      on.vote(status());
      return status();
    },
    { validator: (vote) => checkVote(input, status(), vote, Date.now()) },
  );
  wf.setHandler(attached, ({ queue }) => {
    holders = [...without(queue), queue];
  });
  wf.setHandler(detached, ({ queue }) => {
    holders = without(queue);
  });
  wf.setHandler(withdraw, ({ because }) => {
    withdrawn ??= because;
    on.withdrawal();
  });
  return {
    outcome: () => outcome,
    withdrawn: () => withdrawn,
    votes: () => votes,
    status,
    holder: () => holders.at(-1) ?? null,
    lost: (queue) => {
      holders = without(queue);
    },
    last: (queue) => {
      holders = [queue, ...without(queue)];
    },
    end: (how) => {
      if (outcome === null || (outcome === 'approved' && how !== 'denied')) outcome = how;
    },
  };
}
