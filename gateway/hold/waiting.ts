import type { Logger } from 'pino';
import { replicaQueue } from '../../workflows/contract.ts';
import type { ApprovalsPort } from './approvals-port.ts';
import type { Left, Waiter, Waiters } from './waiters.ts';

/** What waiting for a held call needs. */
export interface WaitingDeps {
  readonly approvals: ApprovalsPort;
  readonly waiters: Waiters;
  readonly replica: string;
  readonly log: Logger;
}

/** Lets a request wait until something makes it leave, its client's going away included. */
export function waitFor({ waiters }: WaitingDeps, waiter: Waiter): Promise<Left> {
  const left = waiters.wait(waiter);
  // Does nothing once it has left.
  waiter.stream.whenGone(() => waiters.leave(waiter, 'gone'));
  return left;
}

/** Tells the workflow that nobody waits here any more, when that is so. */
export async function detach(
  deps: WaitingDeps,
  { waiter, workflowId }: { readonly waiter: Waiter; readonly workflowId: string },
): Promise<void> {
  if (deps.waiters.of(waiter.callId).length > 0) return;
  try {
    await deps.approvals.detached(workflowId, replicaQueue(deps.replica));
  } catch (error) {
    // Not lost: an execution that is sent here finds that nobody waits, and says so.
    deps.log.warn(
      { callId: waiter.callId, err: error },
      'the workflow could not be told that its client left',
    );
  }
}
