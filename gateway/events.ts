import type { IncomingMessage, ServerResponse } from 'node:http';
import { openPassage, type Passage } from './containment/passage.ts';
import { refuseModern } from './era.ts';
import { identify, sessionOf } from './enter.ts';
import type { DefinitionScope } from '../db/tool-definitions.ts';
import { scopeOf } from './definitions/discover.ts';
import { mayChange, plainNotification, withListChanges } from './definitions/list-changes.ts';
import { GatewayError, UpstreamError } from './errors.ts';
import type { PostDeps } from './post.ts';
import { withoutTaskNews } from './tasks/follow-task.ts';
import { relay, type RelayContext } from './relay.ts';
import { recordConnection } from './record.ts';
import { createReplyStream } from './reply-stream.ts';
import { resume } from './resume.ts';
import type { LiveSession } from './sessions/session.ts';
import { placeOf } from './sessions/stream-log.ts';
import { createMessageQueue } from './upstreams/message-queue.ts';
import type { UpstreamMessage } from './upstreams/upstream.ts';

/** Keeps intermediaries from closing a stream on which nothing happens. */
const keepAliveMs = 15_000;

/**
 * `GET /mcp/<connection>`: the stream of what upstream says by itself, each message masked and recorded before it
 * is written. Resolves when the stream has ended.
 * @param stopping ends all streams when the gateway stops
 * @throws GatewayError, UpstreamError before the stream has begun
 */
export async function events(
  deps: PostDeps,
  request: IncomingMessage,
  reply: ServerResponse,
  connection: string,
  correlationId: string,
  stopping: AbortSignal,
): Promise<void> {
  if (!(request.headers.accept ?? '').includes('text/event-stream'))
    throw new GatewayError('not_acceptable', 'the Accept header of a GET must list text/event-stream');
  refuseModern(request.headers);
  const identified = await identify(deps, request, connection);
  const { caller } = identified;
  const asked = { method: null, tool: null };
  const facts = { caller, connection, correlationId, kind: 'stream', asked } as const;
  const over = deps.openReplies.begin(caller);
  let passage: Passage | null = null;
  try {
    passage = openPassage(deps.gate, facts, reply, deps.sessions);
    const session = await sessionOf(deps, identified, request, correlationId);
    passage.join(session);
    const { groups } = caller;
    const scope = scopeOf(identified.upstream, caller);
    await streamTo(deps, { request, reply, session, scope, groups, passage, correlationId, stopping });
  } finally {
    passage?.end();
    over();
  }
}

/** A GET whose session is known. */
interface Following {
  readonly request: IncomingMessage;
  readonly reply: ServerResponse;
  readonly session: LiveSession;
  readonly scope: DefinitionScope;
  /** The caller's. */
  readonly groups: readonly string[];
  readonly passage: Passage;
  readonly correlationId: string;
  readonly stopping: AbortSignal;
}

async function streamTo(
  deps: PostDeps,
  { request, reply, session, scope, groups, passage, correlationId, stopping }: Following,
): Promise<void> {
  const stream = createReplyStream(reply, { headers: {}, passage, progressToken: () => null, log: null });
  const signal = AbortSignal.any([stream.gone, session.ended, stopping]);
  const place = placeOf(request.headers['last-event-id']);
  if (place) return resume(deps, { session, place, stream, signal });
  const messages = await whatHappens(deps, session, signal);
  const { connection } = session.facts;
  const profile = deps.maskers().profileFor({ connection, tool: '', groups });
  const masker = deps.sessionMaskers.of(session, profile);
  const context: RelayContext = {
    recorder: deps.recorder,
    masker,
    session: session.facts,
    callId: null,
    method: null,
    tool: null,
  };
  const timer = setInterval(() => void stream.comment(), keepAliveMs);
  await recordConnection(deps, session, 'connect', { stream: correlationId });
  session.open++;
  await stream.open();
  const deaf = deps.tasks.listen(session.facts.sessionId, { stream, context });
  try {
    const { definitions } = deps;
    const watching = { definitions, scope, notification: plainNotification };
    await relay(context, withListChanges(withoutTaskNews(messages), watching), stream);
  } catch (error) {
    // The stream has begun, so it can only end; the client opens another. Given up by us: no news.
    if (!signal.aborted)
      deps.log.warn(
        { err: error, correlationId, connection: session.facts.connection },
        'an event stream broke off',
      );
  } finally {
    deaf();
    clearInterval(timer);
    session.open--;
    session.lastUsedAtMs = Date.now();
    stream.end();
    if (!session.ended.aborted)
      await recordConnection(deps, session, 'disconnect', { stream: correlationId });
  }
}

/** Upstream's own stream; a silent one where it has none, and Holdpoint itself may have something to tell. */
async function whatHappens(
  deps: PostDeps,
  session: LiveSession,
  signal: AbortSignal,
): Promise<AsyncIterable<UpstreamMessage>> {
  try {
    return await session.upstream.events(signal);
  } catch (error) {
    const hasNone = error instanceof UpstreamError && error.code === 'upstream_no_events';
    if (!hasNone || !mayChange(deps.policy(), session.facts.connection)) throw error;
    const silence = createMessageQueue<UpstreamMessage>();
    if (signal.aborted) silence.end();
    signal.addEventListener('abort', () => silence.end(), { once: true });
    return silence;
  }
}
