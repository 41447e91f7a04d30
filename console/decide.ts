import type { ApprovalStatus, Decision, Person, VoteRefusal } from '../workflows/contract.ts';

/** A person's act, ready to be signed and sent. */
export interface Act {
  readonly callId: string;
  readonly workflowId: string;
  /** What the person was shown. */
  readonly digest: string;
  readonly person: Person;
  readonly decision: Decision;
  readonly reason: string | null;
  /** The request's approver groups to which the person belongs at this moment. */
  readonly groups: readonly string[];
  readonly via: 'console' | 'cli';
}

/** What became of it, as the workflow said. `message` is for people. */
export type Answer =
  | { readonly counted: true; readonly status: ApprovalStatus }
  | {
      readonly counted: false;
      readonly refusal: VoteRefusal | 'NotFound';
      readonly message: string;
      readonly status: ApprovalStatus | null;
    };

/**
 * Signs and sends a vote and waits for the workflow's answer.
 * @throws Error when no answer came: the vote may or may not have counted, and asking again is safe
 */
export type Decide = (act: Act) => Promise<Answer>;
