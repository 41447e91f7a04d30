import { randomUUID } from 'node:crypto';
import type { Recorder } from '../../recording/event.ts';
import { errorResponse, GatewayError } from '../errors.ts';
import type { HeldRequest } from '../hold-port.ts';
import { isModern } from '../mcp/versions.ts';
import { maskAndRecord } from '../relay.ts';
import type { AnswerFacts } from './answers.ts';
import { clientSettingsOf, type HoldSettings } from './settings.ts';
import type { Waiter } from './waiters.ts';

/** What a client can be asked: to fill in a form, or to have its user visit a page. */
export type Elicits = 'form' | 'url';

/** What a capabilities object says that a client can be asked. @param capabilities as the client sent it; not trusted */
export function elicitsOf(capabilities: unknown): Elicits[] {
  const elicitation = (capabilities as { elicitation?: unknown } | null | undefined)?.elicitation;
  if (typeof elicitation !== 'object' || elicitation === null) return [];
  // An empty object is what the versions before 2025-11-25 say, and means forms.
  const kinds = (['form', 'url'] as const).filter((kind) => kind in elicitation);
  return kinds.length === 0 ? ['form'] : kinds;
}

type Asked = Pick<HeldRequest, 'caller' | 'session' | 'stream' | 'elicits' | 'protocolVersion'>;

/** Whether the client's user is to be sent to the request's page. */
export function sendsToPage(settings: HoldSettings, request: Asked): boolean {
  return (
    request.stream.taskId === undefined &&
    request.protocolVersion >= '2025-11-25' &&
    request.elicits.includes('url') &&
    elicitOf(settings, request) === 'page'
  );
}

/** Whether a question is to be kept open at the client while its call waits. */
export function keepsQuestion(settings: HoldSettings, request: Asked): boolean {
  return (
    request.stream.taskId === undefined &&
    request.protocolVersion >= '2025-06-18' &&
    !isModern(request.protocolVersion) &&
    request.elicits.includes('form') &&
    elicitOf(settings, request) === 'wait'
  );
}

function elicitOf(settings: HoldSettings, { caller, session }: Asked): 'page' | 'wait' | undefined {
  const { credentialId, subject } = caller;
  return clientSettingsOf(settings, { credentialId, subject, connection: session.connection }).elicit;
}

/** In plain words why there is a page to visit. */
export function pageMessage({ callId, rule }: AnswerFacts): string {
  return `The call waits for approval (${callId}, rule "${rule}"). The request can be followed on this page; opening it approves nothing.`;
}

/** The answer that makes a 2025-11-25 client send its user to the request's page, and then call again. */
export function pageRequired(request: HeldRequest, facts: AnswerFacts): string {
  const { callId: elicitationId, url } = facts;
  const message = pageMessage(facts);
  const error = new GatewayError('page_to_visit', message, {
    data: { elicitations: [{ mode: 'url', elicitationId, url, message }] },
  });
  return errorResponse(request.idJson, error, request.correlationId);
}

const prefix = 'holdpoint-';

/** Whether a client's response answers a question of Holdpoint's own, which upstream knows nothing of. */
export function answersOwnQuestion(idJson: string): boolean {
  return idJson.startsWith(`"${prefix}hp_`);
}

/** The call that such a question is about. */
export function questionedCall(idJson: string): string {
  return idJson.slice(prefix.length + 1).split('.')[0] ?? '';
}

/** Asks a client something that needs no answer, so that its clock stands still. @returns takes the question back */
export async function keepOpen(
  recorder: Recorder,
  waiter: Waiter,
  { callId, url }: AnswerFacts,
): Promise<() => Promise<void>> {
  const id = `${prefix}${callId}.${randomUUID()}`;
  const say = async (method: string, message: object): Promise<void> => {
    const { masker, session, tool } = waiter;
    const context = { recorder, masker, session, callId, method, tool };
    const json = await maskAndRecord(context, JSON.stringify({ jsonrpc: '2.0', ...message, method }), method);
    await waiter.stream.message(json);
  };
  const words =
    `${waiter.waitingText} Nothing is asked of you here: no answer approves it, and closing this ends the waiting only. ` +
    `The request: ${url}`;
  const params = { message: words, requestedSchema: { type: 'object', properties: {} } };
  await say('elicitation/create', { id, params });
  return () =>
    say('notifications/cancelled', { params: { requestId: id, reason: 'The call waits no longer.' } });
}

/** Tells a client that the page which its user was sent to has served its purpose. */
export async function pageServed(recorder: Recorder, waiter: Waiter): Promise<void> {
  const { masker, session, tool, callId, stream } = waiter;
  const method = 'notifications/elicitation/complete';
  const json = JSON.stringify({ jsonrpc: '2.0', method, params: { elicitationId: callId } });
  await stream.message(
    await maskAndRecord({ recorder, masker, session, callId, method, tool }, json, method),
  );
}
