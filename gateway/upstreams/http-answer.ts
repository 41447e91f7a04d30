import { setTimeout as sleep } from 'node:timers/promises';
import { UpstreamError } from '../errors.ts';
import { type ResponseEnvelope, type RpcEnvelope, withId } from '../mcp/rpc-message.ts';
import { createSseReader, SseError, type SseEvent } from '../mcp/sse-reader.ts';
import { membersAt } from '../mcp/strict-json.ts';
import type { HttpReply } from './http-exchange.ts';
import type { UpstreamLimits } from './limits.ts';
import type { SecretRemover } from './own-secrets.ts';
import type { TextReader } from './text-reader.ts';
import type { UpstreamMessage } from './upstream.ts';

/** How an upstream's bytes are read. */
export interface ReadContext {
  readonly name: string;
  readonly withoutSecrets: SecretRemover;
  readonly reader: TextReader;
  readonly limits: UpstreamLimits;
}

export interface AnswerContext extends ReadContext {
  /** Raw id of the request that is answered; null when none is. */
  readonly idJson: string | null;
  readonly signal: AbortSignal;
  /** Whether the message was sent within an upstream session, which upstream may have lost. */
  readonly inSession: boolean;
  /** Asks upstream for the rest of a stream that broke off (2025-11-25). */
  readonly resume: (eventId: string, signal: AbortSignal) => Promise<HttpReply>;
}

/**
 * Reads upstream's reply to one POST, either kind. For a request, the response comes last and exactly once.
 * @throws UpstreamError
 */
export async function* readAnswer(
  reply: HttpReply,
  context: AnswerContext,
): AsyncGenerator<UpstreamMessage, void, void> {
  const type = reply.headers['content-type'] ?? '';
  if (reply.status === 200 && type.startsWith('text/event-stream')) {
    yield* context.idJson === null ? [] : readStream(reply, context);
    return;
  }
  const text = await reply.text(context.limits.messageBytes);
  if (reply.status < 200 || reply.status >= 300) {
    yield await refusedAnswer(reply.status, type, text, context);
    return;
  }
  if (context.idJson === null) return;
  if (!type.startsWith('application/json'))
    throw invalid(context.name, 'answered a request with neither JSON nor an event stream');
  let answered = false;
  for (const message of await parse(text, context)) {
    const passed = accept(message, context);
    yield passed;
    answered ||= passed.kind === 'response';
  }
  if (!answered) throw invalid(context.name, 'answered without the response');
}

/** A status that is no success: upstream's own JSON-RPC error where it gave one, else what the status means. */
async function refusedAnswer(
  status: number,
  type: string,
  text: string,
  context: AnswerContext,
): Promise<UpstreamMessage> {
  const special = status === 401 || status === 403 || (status >= 300 && status < 400) || status >= 500;
  const lost = status === 404 && context.inSession;
  if (!special && context.idJson !== null && type.startsWith('application/json')) {
    const [message, second] = await tryParse(text, context);
    const isError = message?.kind === 'response' && message.errorSpan !== null && !second;
    if (isError && !(lost && !isUnknownMethod(message)))
      return { json: withId(message, context.idJson), kind: 'response', method: null, status };
  }
  throw refusalOf(status, context.name, context.inSession);
}

/** What an HTTP status means that is no answer. */
export function refusalOf(status: number, name: string, inSession: boolean): UpstreamError {
  const sent = { sent: true, status };
  if (status >= 300 && status < 400)
    return new UpstreamError(
      'upstream_redirected',
      `${name} answered with a redirect, which is not followed; configure its final URL`,
      sent,
    );
  if (status === 401 || status === 403)
    return new UpstreamError(
      'upstream_unauthorized',
      `${name} does not accept Holdpoint's credentials (HTTP ${status}); whoever runs Holdpoint must renew them`,
      sent,
    );
  if (status === 404 && inSession)
    return new UpstreamError(
      'upstream_session_lost',
      `${name} no longer knows this session; initialize again`,
      sent,
    );
  return new UpstreamError('upstream_refused', `${name} refused the message (HTTP ${status})`, sent);
}

/** Longest wait before a broken stream is asked for again, whatever upstream's `retry` says. */
const maxRetryMs = 30_000;
const maxFailures = 2;

/** Reads a reply's event stream to the response, resuming it where upstream gave event ids (2025-11-25). */
async function* readStream(
  first: HttpReply,
  context: AnswerContext,
): AsyncGenerator<UpstreamMessage, void, void> {
  let lastEventId: string | null = null;
  let retryMs = 1000;
  let failures = 0;
  let reply = first;
  for (;;) {
    try {
      for await (const event of eventsOf(reply, context)) {
        failures = 0;
        lastEventId = event.id ?? lastEventId;
        retryMs = Math.min(event.retryMs ?? retryMs, maxRetryMs);
        if (event.data === '') continue;
        for (const message of await parse(event.data, context)) {
          const passed = accept(message, context);
          yield passed;
          if (passed.kind === 'response') return;
        }
      }
    } catch (error) {
      if (!isBreak(error) || lastEventId === null || ++failures > maxFailures) throw error;
    }
    if (lastEventId === null || failures > maxFailures)
      throw new UpstreamError(
        'upstream_closed',
        `${context.name} ended the stream before its response; the call may have been carried out`,
        { sent: true },
      );
    await sleep(retryMs, undefined, { signal: context.signal }).catch(() => {
      throw new UpstreamError('upstream_aborted', `the call to ${context.name} was given up`, { sent: true });
    });
    failures++;
    reply = await context.resume(lastEventId, context.signal);
    if (reply.status !== 200) {
      reply.abort();
      throw refusalOf(reply.status, context.name, true);
    }
  }
}

function isBreak(error: unknown): boolean {
  return error instanceof UpstreamError && error.code === 'upstream_closed';
}

/** The messages of a stream that belongs to no request. Responses have no place there and end it. */
export async function* readEvents(
  reply: HttpReply,
  context: ReadContext,
  onEventId: (id: string) => void,
): AsyncGenerator<UpstreamMessage, void, void> {
  for await (const event of eventsOf(reply, context)) {
    if (event.id !== null) onEventId(event.id);
    if (event.data === '') continue;
    for (const message of await parse(event.data, context)) {
      if (message.kind === 'response')
        throw invalid(context.name, 'sent a response on a stream that belongs to no request');
      yield { json: message.json, kind: message.kind, method: message.method };
    }
  }
}

async function* eventsOf(reply: HttpReply, context: ReadContext): AsyncGenerator<SseEvent, void, void> {
  const reader = createSseReader(context.limits.messageBytes);
  for await (const chunk of reply.chunks()) {
    let events: SseEvent[];
    try {
      events = reader.push(chunk);
    } catch (error) {
      if (!(error instanceof SseError)) throw error;
      const code = error.code === 'event_too_large' ? 'upstream_too_large' : 'upstream_invalid';
      throw new UpstreamError(code, `${context.name}: ${error.message}`, { cause: error, sent: true });
    }
    // Only `message` events carry JSON-RPC; others are for transports that are not this one.
    for (const event of events) if (event.event === 'message') yield event;
  }
}

function accept(message: RpcEnvelope, context: AnswerContext): UpstreamMessage {
  if (message.kind !== 'response') return { json: message.json, kind: message.kind, method: message.method };
  if (!answers(message, context.idJson))
    throw invalid(context.name, 'answered with the id of another request');
  return { json: withId(message, context.idJson ?? 'null'), kind: 'response', method: null };
}

/** Whether a response is for this request: same id, or an error whose sender could not read the id. */
function answers(response: ResponseEnvelope, idJson: string | null): boolean {
  if (response.idJson === idJson) return true;
  if (response.idJson === 'null') return response.errorSpan !== null;
  return idJson?.[0] === '"' && JSON.parse(response.idJson) === JSON.parse(idJson);
}

async function parse(
  text: string,
  { name, withoutSecrets, reader, limits }: ReadContext,
): Promise<readonly RpcEnvelope[]> {
  const read = await reader.read(text, { forms: withoutSecrets.forms(), depth: limits.depth });
  if (read.problem !== null) throw invalid(name, `sent what is no valid message: ${read.problem}`);
  return read.messages;
}

async function tryParse(text: string, context: ReadContext): Promise<readonly RpcEnvelope[]> {
  try {
    return await parse(text, context);
  } catch (error) {
    if (error instanceof UpstreamError) return [];
    throw error;
  }
}

/** -32601: upstream knows no such method. */
function isUnknownMethod({ json, errorSpan }: ResponseEnvelope): boolean {
  const code = errorSpan && membersAt(json, errorSpan.start).get('code');
  return code ? Number(json.slice(code.start, code.end)) === -32601 : false;
}

function invalid(name: string, what: string): UpstreamError {
  return new UpstreamError('upstream_invalid', `${name} ${what}`, { sent: true });
}
