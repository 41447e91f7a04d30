import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Pool } from '../db/pool.ts';
import { batchMember } from './batch-member.ts';
import type { ClientStream } from './client-stream.ts';
import { openPassage, type Passage } from './containment/passage.ts';
import {
  checkScope,
  enter,
  type EnterDeps,
  type Entered,
  identify,
  type Identified,
  upstreamHeaders,
} from './enter.ts';
import { GatewayError, RefusedRequest } from './errors.ts';
import { carry, type LineDeps } from './line.ts';
import { rawParam, type RpcMessage } from './mcp/rpc-message.ts';
import type { OpenReplies } from './open-replies.ts';
import { read, receive } from './read.ts';
import { recordConnection } from './record.ts';
import { createReplyStream } from './reply-stream.ts';
import type { EventPoll } from './sessions/event-poll.ts';
import { createStreamLog, type StreamLog } from './sessions/stream-log.ts';
import type { AgentSettings } from './settings.ts';

export interface PostDeps extends LineDeps, EnterDeps {
  readonly limits: AgentSettings['limits'];
  readonly pool: Pool;
  readonly eventPoll: EventPoll;
  readonly openReplies: OpenReplies;
  /** Names this process among the replicas. */
  readonly replica: string;
}

/** One POST on its way through the line. */
interface Posting {
  readonly request: IncomingMessage;
  readonly reply: ServerResponse;
  readonly identified: Identified;
  readonly correlationId: string;
  readonly passage: Passage;
}

/**
 * `POST /mcp/<connection>`: the beginning of the line, read → identify. Resolves when the reply has ended.
 * @throws GatewayError, RefusedRequest for what is refused before there is a message to answer
 */
export async function post(
  deps: PostDeps,
  request: IncomingMessage,
  reply: ServerResponse,
  connection: string,
  correlationId: string,
): Promise<void> {
  refuseUnlessAccepted(request);
  const received = await receive(request, deps.limits.bodyBytes);
  const identified = await identify(deps, request, connection);
  const { messages, batch } = read(received, deps.limits);
  for (const message of messages) refuseTooNarrow(deps, identified, message);
  const { caller } = identified;
  const facts = { caller, connection, correlationId, kind: 'request', asked: askedIn(messages[0]) } as const;
  const over = deps.openReplies.begin(caller);
  let passage: Passage | null = null;
  try {
    passage = openPassage(deps.gate, facts, reply, deps.sessions);
    const posting: Posting = { request, reply, identified, correlationId, passage };
    if (batch) await postBatch(deps, posting, messages);
    else if (messages[0]) await postOne(deps, posting, messages[0]);
  } finally {
    passage?.end();
    over();
  }
}

/** Before anything is answered, since the client is told by an HTTP status. One of a batch refuses the whole batch. */
function refuseTooNarrow(deps: PostDeps, identified: Identified, message: RpcMessage): void {
  try {
    checkScope(deps, identified, message);
  } catch (error) {
    throw message.kind === 'request' && error instanceof GatewayError
      ? new RefusedRequest(message.idJson, error)
      : error;
  }
}

async function postOne(deps: PostDeps, posting: Posting, message: RpcMessage): Promise<void> {
  const { request, reply, identified, correlationId, passage } = posting;
  const entered = await enter(deps, identified, message, request, correlationId).catch((error: Error) => {
    throw message.kind === 'request' && error instanceof GatewayError
      ? new RefusedRequest(message.idJson, error)
      : error;
  });
  const { session, newSessionId } = entered;
  passage.join(session);
  const headers: Record<string, string> = newSessionId === null ? {} : { 'mcp-session-id': newSessionId };
  const stream = createReplyStream(reply, {
    headers,
    passage,
    progressToken: () => progressTokenOf(message),
    log: logFor(deps, entered, message, correlationId),
  });
  // Nothing follows the answer: this function need not be kept for as long as that takes.
  if (newSessionId === null && message.kind === 'request')
    return carryOne(deps, posting, entered, message, stream);
  try {
    if (newSessionId !== null)
      await recordConnection(deps, session, 'connect', { protocolVersion: entered.era.version });
    await carryOne(deps, posting, entered, message, stream);
    if (message.kind !== 'request') reply.writeHead(202).end();
  } finally {
    // A handshake that upstream did not accept leaves nothing behind.
    if (newSessionId !== null && session.protocolVersion === null)
      await deps.sessions.end(session, 'the handshake failed');
  }
}

/** A batch (2025-03-26) is exploded: each message is decided on, held and answered by itself. */
async function postBatch(deps: PostDeps, posting: Posting, messages: readonly RpcMessage[]): Promise<void> {
  const { request, reply, identified, correlationId, passage } = posting;
  const [first] = messages;
  if (!first || messages.some((message) => message.kind === 'request' && message.method === 'initialize'))
    throw new GatewayError('invalid_request', 'initialize is never part of a batch');
  const entered = await enter(deps, identified, first, request, correlationId);
  passage.join(entered.session);
  if (entered.era.version !== '2025-03-26')
    throw new GatewayError('invalid_request', `protocol version ${entered.era.version} knows no batches`);
  const shared = createReplyStream(reply, { headers: {}, passage, progressToken: () => null, log: null });
  await Promise.all(
    messages.map((message, index) =>
      carryOne(
        deps,
        { ...posting, correlationId: `${correlationId}.${index}` },
        entered,
        message,
        batchMember(shared, () => progressTokenOf(message)),
      ),
    ),
  );
  if (messages.some((message) => message.kind === 'request')) shared.end();
  else reply.writeHead(202).end();
}

/** Not an async function, which would be kept for as long as the message's answer takes. */
function carryOne(
  deps: PostDeps,
  { request, identified, correlationId }: Posting,
  { session, newSessionId, era }: Entered,
  message: RpcMessage,
  stream: ClientStream,
): Promise<void> {
  const headers = upstreamHeaders(era, request, newSessionId !== null);
  session.open++;
  const carried = carry(deps, {
    message,
    caller: { ...identified.caller, client: session.facts.client },
    upstream: identified.upstream,
    session,
    correlationId,
    newSessionId,
    protocolVersion: era.version,
    headers,
    stream,
  });
  return carried.finally(() => {
    session.open--;
    session.lastUsedAtMs = Date.now();
  });
}

/** Replies are resumable from 2025-11-25 on, until 2026-07-28 took it out; older clients choke on the first event. */
function logFor(
  { pool, replica }: PostDeps,
  { session, era, newSessionId }: Entered,
  message: RpcMessage,
  correlationId: string,
): (() => StreamLog) | null {
  const { sealKey } = session;
  if (
    message.kind !== 'request' ||
    sealKey === null ||
    newSessionId !== null ||
    era.modern ||
    era.version < '2025-11-25'
  )
    return null;
  return () => {
    const { method, idJson } = message;
    const tool = askedIn(message).tool ?? '';
    const progressToken = progressTokenOf(message);
    const { version: protocolVersion } = era;
    const request = { idJson, method, tool, protocolVersion, correlationId, progressToken };
    return createStreamLog({ pool, session, sealKey, replica }, request);
  };
}

const longestName = 200;

/** What a request asks for, as a list of what was under way names it. */
function askedIn(message: RpcMessage | undefined): { method: string | null; tool: string | null } {
  if (message?.kind !== 'request') return { method: null, tool: null };
  const name = message.params?.['name'];
  // No tool is called by a longer name, and the half of a secret could not be masked.
  const isName = typeof name === 'string' && name.length <= longestName;
  const method = message.method.length <= longestName ? message.method : null;
  return { method, tool: isName ? name : null };
}

function progressTokenOf(message: RpcMessage): string | null {
  return message.kind === 'request' ? rawParam(message, '_meta', 'progressToken') : null;
}

/** Both kinds of reply must be welcome, since which one it is depends on what upstream sends first. */
function refuseUnlessAccepted(request: IncomingMessage): void {
  const accept = request.headers.accept ?? '';
  const any = accept.includes('*/*');
  if (any || (accept.includes('application/json') && accept.includes('text/event-stream'))) return;
  throw new GatewayError(
    'not_acceptable',
    'the Accept header must list application/json and text/event-stream',
  );
}
