import { WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from 'pino';
import { setTimeout as sleep } from 'node:timers/promises';
import { endPending, type HeldCallState, heldCallState } from '../../db/held-execution.ts';
import { comeBackTo, markOpened, openHeldCall } from '../../db/held-opening.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masker } from '../../masking/engine.ts';
import type { Recorder } from '../../recording/event.ts';
import { replicaQueue } from '../../workflows/contract.ts';
import { errorResponse, GatewayError } from '../errors.ts';
import type { HeldRequest } from '../hold-port.ts';
import type { ApprovalsPort } from './approvals-port.ts';
import type { Draft } from './draft.ts';
import type { HoldSettings } from './settings.ts';
import type { Waiters } from './waiters.ts';

/** What opening and joining approval requests needs. */
export interface OpenDeps {
  readonly pool: Pool;
  readonly recorder: Recorder;
  readonly approvals: ApprovalsPort;
  readonly waiters: Waiters;
  readonly replica: string;
  readonly settings: HoldSettings;
  readonly log: Logger;
}

/** What a request is to wait for, or why it is not to. */
export type Found =
  | { readonly kind: 'opened' | 'attached' | 'retained' | 'delivered'; readonly callId: string }
  | { readonly kind: 'limit'; readonly open: number }
  | { readonly kind: 'frozen' };

/**
 * The call that the client came back for, the identical one that is open or has an outcome to give, or the new one;
 * waits while another client is just given the outcome.
 * @param callId which call a returning client names; null for one that names none
 */
export async function findOrOpen(
  deps: OpenDeps,
  request: HeldRequest,
  masker: Masker,
  draft: Draft,
  callId: string | null,
): Promise<Found> {
  const limits = { maxOpenPerCaller: deps.settings.heldCallsPerCaller };
  for (let attempt = 1; ; attempt++) {
    const named = callId === null ? null : await comeBackTo(deps.pool, callId);
    const opening = named ?? (await openHeldCall(deps.pool, draft.row, limits));
    if (opening.kind === 'opened') return { kind: 'opened', callId: draft.row.callId };
    if (opening.kind !== 'busy') return opening;
    if (request.stream.gone.aborted)
      throw new GatewayError('internal', 'The client closed its connection before its call was held.');
    if (attempt % 4 === 0)
      await request.stream.keepAlive(masker.text('Waiting for an earlier outcome.').text);
    await sleep(250);
  }
}

/** Starts the workflow of a new call; when that fails, the call is aborted for good. @throws what went wrong */
export async function openWorkflow(deps: OpenDeps, { row, approval }: Draft): Promise<void> {
  const { callId, workflowId } = row;
  try {
    await deps.approvals.open(approval, { deadlineMs: deps.settings.openDeadlineMs });
    if (!(await markOpened(deps.pool, callId))) throw new Error(`held call ${callId} was given up meanwhile`);
  } catch (error) {
    // The row is what executions claim: aborted, it can never run, whatever became of the workflow.
    await endPending(deps.pool, {
      callId,
      state: 'aborted',
      because: 'It could not be put before an approver.',
    });
    deps.approvals.cancel(workflowId, 'could not be opened').catch((cancelError: unknown) => {
      deps.log.warn({ callId, err: cancelError }, 'the workflow of an aborted call could not be cancelled');
    });
    throw error;
  }
}

/** Tells the workflow of a call that is open already that a live caller waits here. @throws what went wrong */
export async function joinWorkflow(deps: OpenDeps, callId: string): Promise<void> {
  // Read only now that the caller waits: what ended before is told by nobody else.
  let call = await heldCallState(deps.pool, callId);
  // Its opener may be at it, or dead, in which case the sweep ends the call.
  while (call?.state === 'pending' && call.openedAt === null && deps.waiters.of(callId).length > 0) {
    await sleep(500);
    call = await heldCallState(deps.pool, callId);
  }
  if (!call) throw new Error(`held call ${callId} is not in the database`);
  if (call.state === 'executing') return;
  if (call.state === 'pending' && (await attached(deps, call))) return;
  deps.waiters.leaveAll(callId, 'ended');
}

/** @returns false when the workflow is gone: the call has ended, or somebody terminated it, and ends now */
async function attached(deps: OpenDeps, { callId, workflowId }: HeldCallState): Promise<boolean> {
  try {
    await deps.approvals.attached(workflowId, replicaQueue(deps.replica));
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    await endPending(deps.pool, { callId, state: 'aborted', because: 'Its approval workflow is gone.' });
    return false;
  }
}

/** Records that a request is held: as a new approval request, or joined to one. */
export async function recordHold(
  deps: OpenDeps,
  request: HeldRequest,
  masker: Masker,
  { callId, how, draft }: { callId: string; how: string; draft: Draft },
): Promise<void> {
  const { rule, risk, policyVersion, approvalsNeeded } = request.verdict;
  const { approvers, expiresAt, digest } = draft.row;
  const what =
    how === 'opened'
      ? {
          callId,
          how,
          asked: request.correlationId,
          digest,
          approvers: approvers.map((group) => group.name),
          approvalsNeeded,
          expiresAt,
        }
      : { callId, how, asked: request.correlationId };
  await deps.recorder.append(request.session, {
    kind: 'hold',
    direction: 'none',
    callId,
    method: request.method,
    tool: masker.text(request.tool).text,
    verdict: 'hold',
    rule,
    policyVersion,
    risk,
    bytes: masker.json(JSON.stringify(what)).text,
  });
}

/** The retryable error of a call that nobody could be asked about. */
export function approvalsUnavailable(request: HeldRequest, callId: string, cause: unknown): string {
  const error = new GatewayError(
    'approvals_unavailable',
    `The call was not executed: it needs approval (${callId}), and approvals cannot be asked for right now. Try again in a moment; calls that need no approval go on working.`,
    { cause, data: { approvalId: callId } },
  );
  return errorResponse(request.idJson, error, request.correlationId);
}
