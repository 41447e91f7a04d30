import { parseJson } from '../mcp/parse-json.ts';
import type { ExecutedState } from '../../db/held-execution.ts';
import type { Revocation } from '../../db/revocations.ts';
import { callerHandles, sessionHandles } from '../containment/handles.ts';
import { UpstreamError } from '../errors.ts';
import type { UpstreamMessage, UpstreamSession } from '../upstreams/upstream.ts';
import { hasVersionHeader, isModern } from '../mcp/versions.ts';
import { sendFollowing } from '../tasks/follow-task.ts';
import { withRelatedTask } from '../tasks/wire.ts';
import { definitionObjection } from './definition-check.ts';
import { at } from './json-text.ts';
import { preconditionObjection } from './precondition-check.ts';
import { keepReadBack } from './keep-read-back.ts';
import { openRunSession } from './run-session.ts';
import type { RunContext, RunDeps } from './run-call.ts';
import { asSent } from './sealed-call.ts';
import type { Waiter } from './waiters.ts';

/** How sending ended: with upstream's response as it came, or without one and why. */
export interface Sent {
  readonly state: ExecutedState;
  /** In plain words, not yet masked; null when there is nothing to say. */
  readonly because: string | null;
  readonly response: string | null;
}

/** How long upstream has to answer a call that its client cancelled. */
const cancelGraceMs = 5000;
const maxSummaryLength = 500;

/**
 * Records the claim and the message, then sends the stored request, once. Never rejects: whatever goes wrong before
 * the first byte may have left is `failed` (nothing ran), and whatever goes wrong after is `unknown`.
 */
export async function sendCall(deps: RunDeps, context: RunContext, lost: AbortSignal): Promise<Sent> {
  const { facts, json } = context.call;
  const { callId, connection } = facts.bound;
  const { waiter } = context;
  // A call of one era cannot go on a session of the other: it then gets a session of its own.
  const carrier = carrierOf(waiter, facts.protocolVersion);
  const idJson = waiter?.idJson ?? `"${callId}"`;
  const message = asSent(json, idJson, waiter?.stream.progressToken ?? null);
  const stop = new AbortController();
  const signal = AbortSignal.any([lost, stop.signal]);
  let sent = false;
  let session: UpstreamSession | null = null;
  const execution = {
    callId,
    waiter,
    cancel: () => cancelUpstream(deps, context, { session, idJson, sent, stop }),
  };
  deps.running.add(execution);
  let cutBy: Revocation | null = null;
  const unwatch = watchRun(deps, context, (by) => {
    cutBy = by;
    stop.abort(new Error('access was revoked'));
  });
  try {
    await context.record(
      'claim',
      'none',
      context.masker.json(JSON.stringify({ callId, ...context.grant })).text,
    );
    session = carrier?.upstream ?? (await openRunSession(deps, context, signal));
    const headers = headersFor(context, carrier);
    const objection = await definitionObjection(deps, context, session, headers);
    if (objection !== null) return failed(objection);
    const unmet = await preconditionObjection(deps, context, session);
    if (unmet !== null) return failed(unmet);
    await keepReadBack(deps, context);
    const shown = (await context.masker.later.message(message)).text;
    await context.record('message', 'client-to-upstream', shown, message);
    const options = { idJson, signal, headers, onSent: () => void (sent = true) };
    const record = async (json: string): Promise<void> =>
      context.record('message', 'client-to-upstream', (await context.masker.later.message(json)).text, json);
    for await (const answer of sendFollowing(session, message, options, record)) {
      if (answer.kind === 'response') return await sentWith(context, answer);
      await passOn(context, session, carrier, answer);
    }
    return sent ? unknown('its answer never came') : failed('the connection was closed');
  } catch (error) {
    const why = cutBy ? revokedWhy(cutBy) : reasonOf(error, connection);
    deps.log.warn({ callId, sent, err: error }, 'a held call did not get its answer');
    return sent && !refusedAtTheDoor(error) ? unknown(why) : failed(why);
  } finally {
    unwatch();
    deps.running.remove(execution);
    if (!carrier) await session?.close();
  }
}

/** Upstream did not accept the credential (401), which is before it does anything, and there is no other. */
function refusedAtTheDoor(error: unknown): boolean {
  return (
    error instanceof UpstreamError &&
    (error.code === 'sign_in_needed' || error.code === 'credentials_unavailable')
  );
}

/** A waiter whose upstream session can carry the call. */
type Carrier = Waiter & { readonly upstream: UpstreamSession };

function carrierOf(waiter: Waiter | null, protocolVersion: string): Carrier | null {
  if (!waiter?.upstream || isModern(waiter.protocolVersion) !== isModern(protocolVersion)) return null;
  return waiter as Carrier;
}

/** Cuts the run off when whoever asked, or what it runs with, is revoked. @returns what ends the watch */
function watchRun(deps: RunDeps, context: RunContext, cut: (by: Revocation) => void): () => void {
  const { session } = context;
  const { bound, caller } = context.call.facts;
  const { callId, connection, method, tool } = bound;
  const startedAt = new Date(deps.now()).toISOString();
  return deps.gate.watch({
    handles: () => [...callerHandles(caller), ...sessionHandles({ ...session, connection })],
    cut,
    inFlight: () => ({
      kind: 'running',
      connection,
      method,
      tool,
      subject: caller.subject,
      sessionId: session.sessionId,
      correlationId: context.call.facts.correlationId,
      callId,
      startedAt,
    }),
  });
}

function revokedWhy({ id, kind }: Revocation): string {
  return `access of this ${kind} was revoked (${id})`;
}

/** The held request's own mirrors of 2026-07-28; before that, the version of the session that carries it. */
function headersFor(
  { call: { facts } }: RunContext,
  carrier: Waiter | null,
): Readonly<Record<string, string>> {
  const version = carrier?.protocolVersion ?? facts.protocolVersion;
  if (isModern(version)) return facts.headers;
  return hasVersionHeader(version) ? { 'mcp-protocol-version': version } : {};
}

async function sentWith({ masker }: RunContext, { json }: UpstreamMessage): Promise<Sent> {
  const error = at(json, ['error', 'message']);
  const isError = at(json, ['result', 'isError']);
  const failed = error !== null || (isError !== null && json.slice(isError.start, isError.end) === 'true');
  if (!failed) return { state: 'succeeded', because: null, response: json };
  // Masked before it is cut: the half of a secret looks like none.
  const shown = parseJson((await masker.later.message(json)).text) as {
    error?: { message?: unknown };
    result?: { content?: { type?: string; text?: unknown }[] };
  };
  const text = error
    ? (shown.error?.message ?? '')
    : shown.result?.content?.find((item) => item.type === 'text')?.text;
  const because = typeof text === 'string' ? text.slice(0, maxSummaryLength) : null;
  return { state: 'failed', because, response: json };
}

/** Passes on what upstream says while it works: masked and recorded first, to the client if it is still there. */
async function passOn(
  context: RunContext,
  session: UpstreamSession,
  carrier: Carrier | null,
  message: UpstreamMessage,
): Promise<void> {
  const { waiter, masker } = context;
  const taskId = waiter?.stream.taskId;
  const json = taskId === undefined ? message.json : withRelatedTask(message.json, taskId);
  const { text } = await masker.later.message(json);
  await context.record('message', 'upstream-to-client', text, json);
  // An answer of the client's would reach its own session, not one that was opened for this call.
  if (message.kind === 'request' && !carrier?.stream.alive)
    return answerForNobody(context, session, message.json);
  // Progress for a client that asked for none would be a protocol error there.
  if (message.method === 'notifications/progress' && waiter?.stream.progressToken === null) return;
  await waiter?.stream.message(text);
}

/** Upstream asks a client that has gone: it is told so, rather than left waiting. */
async function answerForNobody(
  context: RunContext,
  session: UpstreamSession,
  request: string,
): Promise<void> {
  const id = at(request, ['id']);
  const error = { code: -31051, message: 'The client of this call has gone; nobody can answer.' };
  const json = `{"jsonrpc":"2.0","id":${id ? request.slice(id.start, id.end) : 'null'},"error":${JSON.stringify(error)}}`;
  await post(context, session, json);
}

async function post(context: RunContext, session: UpstreamSession, json: string): Promise<void> {
  const { text } = await context.masker.later.message(json);
  await context.record('message', 'client-to-upstream', text, json);
  const options = { idJson: null, signal: AbortSignal.timeout(10_000) };
  for await (const _ of session.send(json, options)) void _; // Yields nothing; ends when upstream has it.
}

interface Cancelling {
  readonly session: UpstreamSession | null;
  readonly idJson: string;
  readonly sent: boolean;
  readonly stop: AbortController;
}

function cancelUpstream(
  deps: RunDeps,
  context: RunContext,
  { session, idJson, sent, stop }: Cancelling,
): void {
  if (!session || !sent) return stop.abort(new Error('its client cancelled it'));
  const json = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${idJson}}}`;
  post(context, session, json).catch((error: unknown) => {
    const { callId } = context.call.facts.bound;
    deps.log.warn({ callId, err: error }, 'upstream could not be told that a running call was cancelled');
  });
  // A server that heeds the cancellation never answers; what it had done by then nobody knows.
  setTimeout(() => stop.abort(new Error('its client cancelled it while it ran')), cancelGraceMs).unref();
}

function unknown(why: string): Sent {
  return {
    state: 'unknown',
    because: `It was sent, but ${why}; it may or may not have taken effect.`,
    response: null,
  };
}

function failed(why: string): Sent {
  return { state: 'failed', because: `It was not sent: ${why}. Nothing ran.`, response: null };
}

/** Plain words for people. Messages of our own errors hold no secrets; those of others are not repeated. */
function reasonOf(error: unknown, connection: string): string {
  if (error instanceof UpstreamError) return `${connection} failed (${error.code}): ${error.message}`;
  const code = (error as { code?: unknown } | null)?.code;
  return `an error occurred in the gateway (${typeof code === 'string' ? code : 'internal'})`;
}
