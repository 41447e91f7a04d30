import { heldCallState } from '../../db/held-execution.ts';
import type { Returning } from '../hold-port.ts';
import { type AnswerFacts, pendingAnswer } from './answers.ts';
import { budgetFor } from './budget.ts';
import { answer, handOver, type HandOverDeps } from './hand-over.ts';
import { joinWorkflow, type OpenDeps } from './open.ts';
import type { Waiter } from './waiters.ts';
import { detach, waitFor } from './waiting.ts';
import { groupNames, pageOf } from './waiting-request.ts';

/** What waiting once more needs. */
export interface AdoptDeps extends HandOverDeps, OpenDeps {
  readonly consoleUrl: string;
  readonly now: () => number;
}

/** However long a client has waited before, it gets this long here. */
const leastWaitMs = 2000;

/** Waits for a call that was held before, for a task or a client whose own gateway is gone. */
export async function adopt(deps: AdoptDeps, returning: Returning): Promise<void> {
  const { since, ...shared } = returning;
  const { callId, session, stream, masker } = returning;
  const call = await heldCallState(deps.pool, callId);
  if (!call) throw new Error(`held call ${callId} is not in the database`);
  const budgetMs = since === null ? null : await budgetFor(deps.pool, deps.settings, session, stream);
  const waiter: Waiter = {
    ...shared,
    method: call.method,
    tool: masker.text(returning.tool).text,
    waitingText: masker.text(`Waiting for approval of ${callId}.`).text,
    budgetAtMs:
      since === null || budgetMs === null
        ? null
        : Math.max(since.getTime() + budgetMs, deps.now() + leastWaitMs),
  };
  const facts: AnswerFacts = {
    callId,
    connection: call.connection,
    rule: call.rule,
    approverGroups: groupNames(call.approvers),
    expiresAt: call.expiresAt,
    url: pageOf(deps, callId),
  };
  if (call.state !== 'pending' && call.state !== 'executing') return handOver(deps, waiter, facts);
  const leaving = waitFor(deps, waiter);
  await joinWorkflow(deps, callId);
  const left = await leaving;
  if (left === 'ended') return handOver(deps, waiter, facts);
  if (since !== null && (left === 'budget' || left === 'closing'))
    await answer(deps.recorder, waiter, pendingAnswer(waiter, facts, call.state === 'executing'));
  await detach(deps, { waiter, workflowId: call.workflowId });
}
