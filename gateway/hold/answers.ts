import type { UnknownTask } from '../../db/unknown-tasks.ts';
import type { HeldCallState } from '../../db/held-execution.ts';
import { errorResponse, GatewayError } from '../errors.ts';
import { frozenText } from '../kill-switch.ts';
import { at, splice } from './json-text.ts';

/** What an answer is about. */
export interface AnswerTo {
  readonly idJson: string;
  readonly method: string;
  readonly tool: string;
  readonly protocolVersion: string;
  readonly correlationId: string;
}

/** Facts of a held call that an agent is told. */
export interface AnswerFacts {
  readonly callId: string;
  readonly connection: string;
  readonly rule: string;
  readonly approverGroups: readonly string[];
  readonly expiresAt: Date;
  /** Page where people see the request. */
  readonly url: string;
}

/** The client could not be made to wait any longer; the call still may be decided, or is just running. */
export function pendingAnswer(to: AnswerTo, facts: AnswerFacts, executing: boolean): string {
  const { callId, rule, approverGroups } = facts;
  const what = executing
    ? `PENDING_APPROVAL ${callId}. The call was approved and is running now; its result is not there yet.`
    : `PENDING_APPROVAL ${callId}. The call has not been executed. Rule "${rule}" holds it until ${list(approverGroups)} ` +
      `approves it, at the latest until ${facts.expiresAt.toISOString()}.`;
  return refusal(
    to,
    `${what} To keep waiting and to receive the result, call ${to.tool || to.method} again with exactly the same ` +
      `arguments: that continues this request, asks nobody twice and runs nothing twice. Do not change the ` +
      `arguments and do not try to reach the same effect another way. A person can follow it at ${facts.url}`,
    {
      id: callId,
      status: executing ? 'executing' : 'pending',
      url: facts.url,
      expiresAt: facts.expiresAt.toISOString(),
    },
  );
}

/** Too many calls of this caller wait already. */
export function tooManyAnswer(to: AnswerTo, open: number, url: string): string {
  return refusal(
    to,
    `TOO_MANY_PENDING. The call was not executed, and nobody was asked: ${open} of your calls wait for approval ` +
      `already, which is the limit. Wait for one of them (call it again with the same arguments) before asking for ` +
      `more. A person can see them at ${url}`,
    { status: 'refused', open, url },
  );
}

/** The kill switch is on: nobody is asked about new calls. */
export function frozenAnswer(to: AnswerTo): string {
  return refusal(to, frozenText, { status: 'frozen' });
}

/** The answer of a call that has ended and has no result of its own to give. */
export function endedAnswer(to: AnswerTo, facts: AnswerFacts, call: HeldCallState): string {
  const said =
    call.state === 'denied'
      ? { denial: denial(call.decisions) }
      : call.task?.mark
        ? { outcome: { mark: call.task.mark, by: call.task.markedBy, reason: call.task.reason } }
        : {};
  const meta = { id: call.callId, status: call.state, url: facts.url, ...said };
  return refusal(to, endedText(to, facts, call), meta);
}

function endedText(to: AnswerTo, facts: AnswerFacts, call: HeldCallState): string {
  const { callId, state } = call;
  const because = call.endedBecause ? ` ${call.endedBecause}` : '';
  const name = to.tool || to.method;
  switch (state) {
    case 'denied': {
      const { by, reason, bounds } = denial(call.decisions);
      return (
        `DENIED ${callId}. The call was not executed: ${by} denied it` +
        `${reason === null ? ' and gave no reason' : `, saying ${JSON.stringify(reason)}`}. Do not call it again ` +
        `unchanged and do not try to reach the same effect another way. ${wayOn(name, bounds)} The request: ${facts.url}`
      );
    }
    case 'expired':
      return (
        `EXPIRED ${callId}. The call was not executed: ${list(facts.approverGroups)} did not release it before ` +
        `${facts.expiresAt.toISOString()}.${because} If it is still needed, tell the person you work for, then call ${name} ` +
        `again: that asks anew.`
      );
    case 'cancelled':
      return `CANCELLED ${callId}. The call was not executed: the request was cancelled.${because} If it is still needed, call ${name} again: that asks anew.`;
    case 'unknown':
      if (call.task?.mark) return markedText(facts, call.task, name);
      return (
        `OUTCOME_UNKNOWN ${callId}. The call was approved and may have been executed on ${facts.connection}, but its ` +
        `outcome is not known.${because} Do not simply repeat it. Find out with a call that only reads whether it took ` +
        `effect, or ask a person to look. It is never sent again by itself. The request: ${facts.url}`
      );
    case 'failed':
      return (
        `NOT_EXECUTED ${callId}. The call was approved, but could not be sent; nothing ran.${because} ` +
        `Calling ${name} again asks for approval anew.`
      );
    case 'aborted':
      return `NOT_EXECUTED ${callId}. The call was not executed.${because} Calling ${name} again asks for approval anew.`;
    default:
      return (
        `EXECUTED ${callId}. The call was approved and executed, but its result is no longer stored. Do not ` +
        `repeat it. The request: ${facts.url}`
      );
  }
}

/** Puts the id of the request that waits now into a stored response. */
export function withId(response: string, idJson: string): string {
  const id = at(response, ['id']);
  return id ? splice(response, [{ ...id, with: idJson }]) : response;
}

/**
 * A refusal that the model can read: for `tools/call` a result with `isError` and without `structuredContent`
 * (clients check that against the tool's schema unless `isError` is set); for any other method a JSON-RPC error.
 */
function refusal(to: AnswerTo, text: string, approval: Readonly<Record<string, unknown>>): string {
  if (to.method !== 'tools/call') {
    const error = new GatewayError('hold_failed', text, { data: { 'holdpoint/approval': approval } });
    return errorResponse(to.idJson, error, to.correlationId);
  }
  const result = {
    ...(to.protocolVersion >= '2026-07-28' && { resultType: 'complete' }),
    isError: true,
    content: [{ type: 'text', text }],
    _meta: { 'holdpoint/approval': approval },
  };
  return `{"jsonrpc":"2.0","id":${to.idJson},"result":${JSON.stringify(result)}}`;
}

/** What a person found out about a call that was sent and never answered. */
function markedText(facts: AnswerFacts, { mark, markedBy, reason }: UnknownTask, name: string): string {
  const who = `${markedBy ?? 'An approver'} looked, and says: ${JSON.stringify(reason ?? '')}.`;
  return mark === 'happened'
    ? `OUTCOME_MARKED ${facts.callId}: it happened. The call took effect on ${facts.connection}, although its answer was lost. ${who} Do not repeat it.`
    : `OUTCOME_MARKED ${facts.callId}: it did not happen. The call did not take effect on ${facts.connection}. ${who} If it is still needed, call ${name} again: that asks anew.`;
}

/** What an agent can do about a denial. */
function wayOn(name: string, bounds: string | null): string {
  return bounds === null
    ? 'Take the reason into account, or ask the person you work for how to go on.'
    : `Within these bounds it may be approved: ${JSON.stringify(bounds)}. Call ${name} with arguments that keep to them; ` +
        `the approvers then see what has changed.`;
}

/** Who denied, from the votes as the row keeps them. The database is no authority, so nothing is taken for granted. */
function denial(decisions: unknown): { by: string; reason: string | null; bounds: string | null } {
  const votes: unknown[] = Array.isArray(decisions) ? decisions : [];
  const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
  for (const vote of votes.toReversed()) {
    const { decision, person, reason, bounds } = vote as Readonly<Record<string, unknown>>;
    if (decision !== 'deny') continue;
    const name = text((person as { name?: unknown } | null)?.name);
    return { by: name ?? 'an approver', reason: text(reason), bounds: text(bounds) };
  }
  return { by: 'an approver', reason: null, bounds: null };
}

function list(groups: readonly string[]): string {
  return groups.length === 0 ? 'an approver' : groups.join(' or ');
}
