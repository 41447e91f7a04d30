import { heldCallState } from '../../db/held-execution.ts';
import type { MaskingEngine, Masker } from '../../masking/engine.ts';
import { replicaQueue } from '../../workflows/contract.ts';
import { GatewayError } from '../errors.ts';
import type { HeldRequest, HoldPort } from '../hold-port.ts';
import { type AnswerFacts, pendingAnswer, tooManyAnswer } from './answers.ts';
import type { ApprovalsPort } from './approvals-port.ts';
import { type Draft, draftCall, type DraftDeps } from './draft.ts';
import { answer, handOver, type HandOverDeps } from './hand-over.ts';
import { approvalsUnavailable, findOrOpen, joinWorkflow, openWorkflow, recordHold } from './open.ts';
import type { Running } from './running.ts';
import type { HoldSettings } from './settings.ts';
import type { Left, Waiter, Waiters } from './waiters.ts';

/** What holding needs. */
export interface HoldDeps extends HandOverDeps, DraftDeps {
  readonly maskers: () => MaskingEngine;
  readonly approvals: ApprovalsPort;
  readonly waiters: Waiters;
  readonly running: Running;
  readonly settings: HoldSettings;
  /** The console's public address; a request's page is `<consoleUrl>/approvals/<id>`. */
  readonly consoleUrl: string;
  readonly now: () => number;
}

/** A request that waits, and what is known of the call that it waits for. */
interface Held {
  readonly waiter: Waiter;
  readonly facts: AnswerFacts;
  readonly workflowId: string;
  readonly cancelWhenGone: boolean;
}

/**
 * The hold step of the line: finds or opens the approval request, keeps the client alive while it waits, and hands
 * over what became of it.
 */
export function createHold(deps: HoldDeps): HoldPort {
  const active = new Set<Promise<void>>();
  let closing = false;
  return {
    async hold(request) {
      if (closing)
        throw new GatewayError('stopping', 'This gateway is stopping. Call again: another one answers.');
      const held = hold(deps, request);
      active.add(held);
      try {
        await held;
      } finally {
        active.delete(held);
      }
    },
    async cancelled(sessionId, requestIdJson, reason) {
      const waiter = deps.waiters.find(sessionId, requestIdJson);
      if (!waiter) return false;
      if (isTimeout(reason)) {
        deps.waiters.leave(waiter, 'timed-out');
        return true;
      }
      const execution = deps.running.get(waiter.callId);
      if (execution?.waiter === waiter) execution.cancel();
      deps.waiters.leave(waiter, 'cancelled');
      return true;
    },
    async close() {
      closing = true;
      for (const callId of deps.waiters.calls()) deps.waiters.leaveAll(callId, 'closing');
      await Promise.allSettled(active);
    },
  };
}

/**
 * A client that cancels because its own timer ran out has not changed its mind: it detaches, and the request stays
 * open. The TypeScript SDK says "McpError: MCP error -32001: Request timed out".
 */
function isTimeout(reason: string | null): boolean {
  return reason !== null && /\btim(?:ed|e)?[ -]?out\b|-32001/i.test(reason);
}

async function hold(deps: HoldDeps, request: HeldRequest): Promise<void> {
  const masker = deps.maskers().masker(request.verdict.maskProfile);
  const draft = await draftCall(deps, request, masker, deps.now());
  const opening = await findOrOpen(deps, request, masker, draft);
  if (opening.kind === 'limit') {
    const waiter = waiterOf(deps, request, masker, draft.row.callId, draft);
    await answer(deps.recorder, waiter, tooManyAnswer(waiter, opening.open, deps.consoleUrl));
    return;
  }
  const { callId } = opening;
  const waiter = waiterOf(deps, request, masker, callId, draft);
  const call = opening.kind === 'opened' ? null : await heldCallState(deps.pool, callId);
  const held: Held = {
    waiter,
    facts: factsOf(deps, request, callId, call?.expiresAt ?? draft.row.expiresAt),
    workflowId: call?.workflowId ?? draft.row.workflowId,
    cancelWhenGone: request.verdict.onDisconnect === 'cancel',
  };
  await recordHold(deps, request, masker, { callId, how: opening.kind, draft });
  if (opening.kind === 'retained') return handOver(deps, waiter, held.facts);

  const left = waitFor(deps, waiter);
  const opened = opening.kind === 'opened' ? openWorkflow(deps, draft) : joinWorkflow(deps, callId);
  try {
    await opened;
  } catch (error) {
    deps.waiters.leave(waiter, 'closing');
    await answer(deps.recorder, waiter, approvalsUnavailable(request, callId, error));
    return;
  }
  await leave(deps, held, await left);
}

function waitFor(deps: HoldDeps, waiter: Waiter): Promise<Left> {
  const { gone } = waiter.stream;
  const left = deps.waiters.wait(waiter);
  const onGone = (): void => deps.waiters.leave(waiter, 'gone');
  if (gone.aborted) onGone();
  else gone.addEventListener('abort', onGone, { once: true });
  return left.finally(() => gone.removeEventListener('abort', onGone));
}

async function leave(deps: HoldDeps, held: Held, left: Left): Promise<void> {
  const { waiter, facts, workflowId } = held;
  switch (left) {
    case 'ended':
      return handOver(deps, waiter, facts);
    case 'cancelled':
      if (deps.waiters.of(waiter.callId).length === 0)
        await deps.approvals.cancel(workflowId, 'the client cancelled the request');
      return;
    case 'gone':
      if (held.cancelWhenGone && deps.waiters.of(waiter.callId).length === 0)
        return deps.approvals.cancel(workflowId, 'the client closed its connection');
      return detach(deps, held);
    case 'timed-out':
      return detach(deps, held);
    case 'budget':
    case 'closing': {
      const call = await heldCallState(deps.pool, waiter.callId);
      if (call && call.state !== 'pending' && call.state !== 'executing')
        return handOver(deps, waiter, facts);
      await answer(deps.recorder, waiter, pendingAnswer(waiter, facts, call?.state === 'executing'));
      return detach(deps, held);
    }
  }
}

/** Tells the workflow that nobody waits here any more, when that is so. */
async function detach(deps: HoldDeps, { waiter, workflowId }: Held): Promise<void> {
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

function waiterOf(
  deps: HoldDeps,
  request: HeldRequest,
  masker: Masker,
  callId: string,
  { row }: Draft,
): Waiter {
  const { settings } = deps;
  const { session, idJson, method, tool, protocolVersion, correlationId, upstream, stream } = request;
  const budgetMs = stream.progressToken === null ? settings.replyBudgetMs : settings.progressBudgetMs;
  const groups = row.approvers.map((group) => group.name).join(' or ');
  return {
    callId,
    session,
    idJson,
    method,
    tool,
    protocolVersion,
    correlationId,
    masker,
    upstream,
    stream,
    waitingText: masker.text(`Waiting for ${groups} to approve ${callId} (rule "${row.rule}").`).text,
    budgetAtMs: deps.now() + budgetMs,
  };
}

function factsOf(deps: HoldDeps, request: HeldRequest, callId: string, expiresAt: Date): AnswerFacts {
  const { session, verdict } = request;
  return {
    callId,
    connection: session.connection,
    rule: verdict.rule,
    approverGroups: verdict.approvers.map((group) => group.name),
    expiresAt,
    url: `${deps.consoleUrl.replace(/\/$/, '')}/approvals/${callId}`,
  };
}
