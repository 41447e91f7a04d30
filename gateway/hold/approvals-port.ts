import type { ApprovalInput } from '../../workflows/contract.ts';

/** What holding needs of Temporal. Everything fails within a short deadline of its own. */
export interface ApprovalsPort {
  /**
   * Starts the approval workflow and resolves once it runs. Safe to repeat.
   * @throws when that was not known to have happened within the deadline
   */
  open(input: ApprovalInput, options: { deadlineMs: number }): Promise<void>;
  /** Cancels an open approval; one that has ended stays as it is. */
  cancel(workflowId: string, because: string): Promise<void>;
  /** A live caller waits on the replica that polls `queue`. @throws WorkflowNotFoundError when the workflow is gone */
  attached(workflowId: string, queue: string): Promise<void>;
  /** No caller waits on that replica any more. */
  detached(workflowId: string, queue: string): Promise<void>;
}
