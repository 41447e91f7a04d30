import { heldCallState } from '../../db/held-execution.ts';
import { isFollowed } from '../../db/mcp-tasks.ts';
import { GatewayError } from '../errors.ts';
import type { HeldRequest, HoldPort } from '../hold-port.ts';
import { adopt } from './adopt.ts';
import { type AnswerFacts, endedAnswer, frozenAnswer, pendingAnswer, tooManyAnswer } from './answers.ts';
import type { ApprovalsPort } from './approvals-port.ts';
import { budgetOf, learnFrom } from './budget.ts';
import {
  keepOpen,
  keepsQuestion,
  pageMessage,
  pageRequired,
  pageServed,
  questionedCall,
  sendsToPage,
} from './elicit.ts';
import { isModern } from '../mcp/versions.ts';
import { detach, waitFor } from './waiting.ts';
import { draftCall, type DraftDeps } from './draft.ts';
import { claimGranted, type GrantedDeps, runGranted } from './granted.ts';
import { answer, handOver, type HandOverDeps } from './hand-over.ts';
import { approvalsUnavailable, findOrOpen, joinWorkflow, openWorkflow, recordHold } from './open.ts';
import { prepare } from './prepare.ts';
import { resumeCall } from './question.ts';
import { legAnswer, mayComeBack, type RequestState, takeState } from './request-state.ts';
import type { Running } from './running.ts';
import type { HoldSettings } from './settings.ts';
import type { Left, Waiter, Waiters } from './waiters.ts';
import { factsOf, refusedAtOnce, waiterOf } from './waiting-request.ts';

/** What holding needs. */
export interface HoldDeps extends HandOverDeps, DraftDeps, GrantedDeps {
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
  readonly request: HeldRequest;
  /** What the client brought back from the leg before. */
  readonly state: RequestState | null;
  readonly waiter: Waiter;
  readonly facts: AnswerFacts;
  readonly workflowId: string;
}

/**
 * The hold step of the line: finds or opens the approval request, keeps the client alive while it waits, and hands
 * over what became of it.
 */
export function createHold(deps: HoldDeps): HoldPort {
  const active = new Set<Promise<void>>();
  let closing = false;
  // Not an async function, which would be kept for as long as the call is held.
  const tracked = (work: () => Promise<void>): Promise<void> => {
    if (closing)
      return Promise.reject(
        new GatewayError('stopping', 'This gateway is stopping. Call again: another one answers.'),
      );
    const done = work();
    active.add(done);
    return done.finally(() => active.delete(done));
  };
  return {
    hold: (request) => tracked(() => hold(deps, request)),
    adopt: (task) => tracked(() => adopt(deps, task)),
    resume: (request) => resumeCall(deps, request),
    async withdraw(callId, because) {
      const call = await heldCallState(deps.pool, callId);
      if (call?.state === 'pending' && deps.waiters.of(callId).length === 0)
        await deps.approvals.cancel(call.workflowId, because);
    },
    answered(sessionId, idJson) {
      const asked = deps.waiters
        .of(questionedCall(idJson))
        .filter((waiter) => waiter.session.sessionId === sessionId);
      for (const waiter of asked) deps.waiters.leave(waiter, 'budget');
    },
    waiting() {
      const counts = new Map<string, number>();
      for (const { session } of deps.waiters.all())
        counts.set(session.connection, (counts.get(session.connection) ?? 0) + 1);
      return counts;
    },
    letGo(sessionId, requestIdJson) {
      const waiter = deps.waiters.find(sessionId, requestIdJson);
      if (waiter) deps.waiters.leave(waiter, 'moved');
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

async function hold(deps: HoldDeps, asked: HeldRequest): Promise<void> {
  const startedAtMs = deps.now();
  const waiting = await begin(deps, asked, startedAtMs);
  if (!waiting) return;
  const { held } = waiting;
  const { request, waiter, facts } = held;
  if (waiting.isNew && sendsToPage(deps.settings, request)) return sendToPage(deps, held, waiting.left);
  const takeBack = keepsQuestion(deps.settings, request)
    ? await keepOpen(deps.recorder, waiter, facts)
    : null;
  const because = await waiting.left;
  await learnFrom(deps.pool, request, because, deps.now() - startedAtMs);
  if (because !== 'gone') await takeBack?.();
  if (because === 'ended' && !isModern(request.protocolVersion) && sendsToPage(deps.settings, request))
    await pageServed(deps.recorder, waiter);
  await leave(deps, held, because);
}

/** Has a client send its user to the page of a new request, and come back. Being there decides nothing. */
async function sendToPage(deps: HoldDeps, held: Held, left: Promise<Left>): Promise<void> {
  const { request, waiter, facts } = held;
  deps.waiters.leave(waiter, 'moved');
  if ((await left) === 'ended') return handOver(deps, waiter, facts);
  const { callId, url } = facts;
  const json = isModern(request.protocolVersion)
    ? legAnswer(deps.attachSecret, request, { callId, round: 1 }, { message: pageMessage(facts), url })
    : pageRequired(request, facts);
  await answer(deps.recorder, waiter, json);
  await detach(deps, held);
}

/**
 * Finds or opens the call and begins to wait for it. A function of its own, so that what only opening needs is not
 * kept for as long as somebody waits.
 * @returns null when the request was answered already
 */
async function begin(
  deps: HoldDeps,
  asked: HeldRequest,
  startedAtMs: number,
): Promise<{ held: Held; left: Promise<Left>; isNew: boolean } | null> {
  const { request, state } = takeState(deps.attachSecret, asked);
  const { masker } = request;
  const draft = await draftCall(deps, request, masker, startedAtMs);
  const opening = await findOrOpen(deps, request, masker, draft, state?.callId ?? null);
  const callId = 'callId' in opening ? opening.callId : draft.row.callId;
  const budgetMs = await budgetOf(deps.pool, deps.settings, request);
  const waiter = waiterOf(request, masker, {
    callId,
    draft,
    budgetAtMs: budgetMs === null ? null : startedAtMs + budgetMs,
  });
  const say = async (json: string): Promise<null> => {
    await answer(deps.recorder, waiter, json);
    return null;
  };
  if (opening.kind === 'frozen') return say(frozenAnswer(waiter));
  if (opening.kind === 'limit') return say(tooManyAnswer(waiter, opening.open, deps.consoleUrl));

  const call = opening.kind === 'opened' ? null : await heldCallState(deps.pool, callId);
  const held: Held = {
    request,
    state,
    waiter,
    facts: factsOf(deps, request, callId, call?.expiresAt ?? draft.row.expiresAt),
    workflowId: call?.workflowId ?? draft.row.workflowId,
  };
  await request.stream.heldAs?.(callId, waiter.waitingText);
  await recordHold(deps, request, masker, { callId, how: opening.kind, draft });
  const { correlationId, verdict } = request;
  deps.log.info({ callId, correlationId, rule: verdict.rule, how: opening.kind }, 'a call is held');
  if (call && opening.kind === 'delivered') return say(endedAnswer(waiter, held.facts, call));
  if (opening.kind === 'retained') {
    await handOver(deps, waiter, held.facts);
    return null;
  }
  const granted = opening.kind === 'opened' ? await claimGranted(deps, draft) : null;
  const left = waitFor(deps, waiter);
  if (granted) {
    runGranted(deps, granted, waiter, masker);
    return { held, left, isNew: false };
  }
  if (opening.kind === 'opened') {
    const objection = await prepare(deps, request, masker, draft);
    if (objection !== null) {
      deps.waiters.leave(waiter, 'closing');
      return say(await refusedAtOnce(deps, waiter, held.facts, objection));
    }
  }
  try {
    await (opening.kind === 'opened' ? openWorkflow(deps, draft) : joinWorkflow(deps, callId));
  } catch (error) {
    deps.log.warn({ callId, err: error }, 'a call could not be put before an approver');
    deps.waiters.leave(waiter, 'closing');
    return say(approvalsUnavailable(request, callId, error));
  }
  return { held, left, isNew: opening.kind === 'opened' };
}

async function leave(deps: HoldDeps, held: Held, left: Left): Promise<void> {
  const { waiter, facts, workflowId } = held;
  switch (left) {
    case 'ended':
      return handOver(deps, waiter, facts);
    case 'cancelled':
      if (deps.waiters.of(waiter.callId).length === 0 && !(await isFollowed(deps.pool, waiter.callId)))
        await deps.approvals.cancel(workflowId, 'the client cancelled the request');
      return;
    case 'gone':
      if (held.request.verdict.onDisconnect === 'cancel' && deps.waiters.of(waiter.callId).length === 0)
        return deps.approvals.cancel(workflowId, 'the client closed its connection');
      return detach(deps, held);
    case 'timed-out':
    case 'moved':
      return detach(deps, held);
    case 'budget':
    case 'closing': {
      // A task is never answered that it waits: another gateway sees to it.
      if (waiter.stream.taskId !== undefined) return detach(deps, held);
      const call = await heldCallState(deps.pool, waiter.callId);
      if (call && call.state !== 'pending' && call.state !== 'executing')
        return handOver(deps, waiter, facts);
      const { request, state } = held;
      if (left === 'budget' && mayComeBack(request, state)) {
        // The client is back in a moment: the workflow need not hear of it.
        const next = { callId: waiter.callId, round: (state?.round ?? 0) + 1 };
        await answer(deps.recorder, waiter, legAnswer(deps.attachSecret, request, next));
        return;
      }
      await answer(deps.recorder, waiter, pendingAnswer(waiter, facts, call?.state === 'executing'));
      return detach(deps, held);
    }
  }
}
