import type { ClientStream } from './client-stream.ts';
import { errorResponse, GatewayError } from './errors.ts';
import type { PostDeps } from './post.ts';
import { maskAndRecord } from './relay.ts';
import type { ReplyStream } from './reply-stream.ts';
import type { LiveSession } from './sessions/session.ts';
import {
  findStream,
  follow,
  type FoundStream,
  type LogOwner,
  type StreamPlace,
} from './sessions/stream-log.ts';

/** Keeps intermediaries from closing a stream on which nothing happens. */
const keepAliveMs = 15_000;

/** A client that is back for the rest of a reply. */
export interface Returned {
  readonly session: LiveSession;
  readonly place: StreamPlace;
  readonly stream: ReplyStream;
  readonly signal: AbortSignal;
}

/**
 * Gives a client that came back what it missed of a reply, and what is still to come (2025-11-25), whatever became of
 * the gateway that began it: a client that waits for a held call is one of its live callers again, and gets its
 * outcome; where a passed call's gateway is gone, it is told that nobody knows how the call ended.
 */
export async function resume(deps: PostDeps, { session, place, stream, signal }: Returned): Promise<void> {
  const { sealKey } = session;
  if (sealKey === null) throw new GatewayError('session_unknown', 'this session keeps no streams');
  const owner: LogOwner = { pool: deps.pool, session, sealKey, replica: deps.replica };
  await stream.open();
  const answered = new AbortController();
  const over = AbortSignal.any([signal, answered.signal]);
  const timer = setInterval(() => void stream.comment(), keepAliveMs);
  session.open++;
  try {
    const found = await findStream(owner, place.streamId);
    const waiting = found?.callId && !found.answered ? rejoin(deps, session, found, stream, answered) : null;
    // What cannot be waited for here may still be answered by whoever began it.
    waiting?.catch((error: unknown) =>
      deps.log.warn({ err: error }, 'a client that came back could not rejoin'),
    );
    for await (const next of follow(deps.eventPoll, owner, place, over)) {
      if (next !== 'orphaned') await stream.repeat(next.id, next.json);
      else if (found && found.callId === null) await tellLost(deps, session, found);
    }
    await waiting?.catch(() => {});
  } finally {
    clearInterval(timer);
    session.open--;
    stream.end();
  }
}

/** Waits for the held call of a stream as its first request did, and writes the outcome where any replica repeats it. */
async function rejoin(
  deps: PostDeps,
  session: LiveSession,
  { request, callId, createdAt, log }: FoundStream,
  reply: ReplyStream,
  answered: AbortController,
): Promise<void> {
  const { idJson, tool, protocolVersion, correlationId, progressToken } = request;
  const stream: ClientStream = {
    get alive() {
      return reply.alive;
    },
    gone: reply.gone,
    whenGone: (run) => reply.whenGone(run),
    progressToken,
    // Repeated from the log, in the order of everything else.
    message: async (json) => void (await log.append(json, false)),
    keepAlive: () => reply.comment(),
    async respond(json) {
      const id = await log.append(json, true);
      if (id === null) return false;
      answered.abort();
      await reply.repeat(id, json);
      return reply.alive;
    },
  };
  await deps.hold.adopt({
    callId: callId ?? '',
    idJson,
    session: session.facts,
    protocolVersion,
    correlationId,
    tool,
    masker: deps.sessionMasker(session, 'default'),
    upstream: session.upstream,
    stream,
    since: createdAt,
  });
}

/** The gateway that carried a request is gone, and nobody else knows what came of it. A stream is opened only after sending. */
async function tellLost(deps: PostDeps, session: LiveSession, { request, log }: FoundStream): Promise<void> {
  const { connection } = session.facts;
  const error = new GatewayError(
    'outcome_unknown',
    `the gateway that carried this request to ${connection} was lost before the answer came. It was sent, and may have ` +
      'been carried out. Do not simply repeat it: find out first whether it took effect',
  );
  const masker = deps.sessionMasker(session, 'default');
  const context = {
    recorder: deps.recorder,
    masker,
    session: session.facts,
    callId: request.correlationId,
    method: request.method,
    tool: request.tool === '' ? null : masker.text(request.tool).text,
  };
  deps.onFault(error.code);
  await log.append(
    await maskAndRecord(context, errorResponse(request.idJson, error, request.correlationId), null),
    true,
  );
}
