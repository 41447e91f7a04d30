import { endPending, heldCallState } from '../../db/held-execution.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masker } from '../../masking/engine.ts';
import type { HeldRequest } from '../hold-port.ts';
import { type AnswerFacts, endedAnswer } from './answers.ts';
import type { Draft } from './draft.ts';
import type { Waiter } from './waiters.ts';

/** A call that nobody is asked about: it ends right here, and its client is told why. */
export async function refusedAtOnce(
  deps: { readonly pool: Pool },
  waiter: Waiter,
  facts: AnswerFacts,
  objection: string,
): Promise<string> {
  const { callId } = facts;
  const because = waiter.masker.text(`Nobody was asked: ${objection}.`).text;
  await endPending(deps.pool, { callId, state: 'aborted', because });
  const call = await heldCallState(deps.pool, callId);
  if (!call) throw new Error(`held call ${callId} is not in the database`);
  return endedAnswer(waiter, facts, call);
}

/** The request as one that waits for a call. */
export function waiterOf(
  request: HeldRequest,
  masker: Masker,
  { callId, draft, budgetAtMs }: { callId: string; draft: Draft; budgetAtMs: number | null },
): Waiter {
  const { session, idJson, method, tool, protocolVersion, correlationId, upstream, stream } = request;
  const { approvers, rule } = draft.row;
  const groups = approvers.map((group) => group.name).join(' or ');
  const waitingText = masker.text(`Waiting for ${groups} to approve ${callId} (rule "${rule}").`).text;
  const shownTool = masker.text(tool).text;
  const to = { callId, session, idJson, method, tool: shownTool, protocolVersion, correlationId };
  return { ...to, masker, upstream, stream, waitingText, budgetAtMs };
}

/** What an agent is told of the call that its request waits for. */
export function factsOf(
  deps: { readonly consoleUrl: string },
  request: HeldRequest,
  callId: string,
  expiresAt: Date,
): AnswerFacts {
  const { session, verdict } = request;
  return {
    callId,
    connection: session.connection,
    rule: verdict.rule,
    approverGroups: verdict.approvers.map((group) => group.name),
    expiresAt,
    url: pageOf(deps, callId),
  };
}

/** The page where people see a call. */
export function pageOf({ consoleUrl }: { readonly consoleUrl: string }, callId: string): string {
  return `${consoleUrl.replace(/\/$/, '')}/approvals/${callId}`;
}

/** Names as the row keeps them; the database is no authority, so that nothing is taken for granted. */
export function groupNames(approvers: unknown): string[] {
  const groups: unknown[] = Array.isArray(approvers) ? approvers : [];
  return groups.flatMap((group) => {
    const name = (group as { name?: unknown } | null)?.name;
    return typeof name === 'string' ? [name] : [];
  });
}
