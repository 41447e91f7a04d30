import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MaskingEngine } from '../masking/engine.ts';
import { enter, identify, upstreamHeaders, type EnterDeps, type Entered } from './enter.ts';
import { GatewayError } from './errors.ts';
import { carry, type LineDeps } from './line.ts';
import { rawParam, type RpcMessage } from './mcp/rpc-message.ts';
import { read } from './read.ts';
import { createReplyStream } from './reply-stream.ts';
import type { AgentSettings } from './settings.ts';

export interface PostDeps extends LineDeps, EnterDeps {
  readonly limits: AgentSettings['limits'];
  readonly maskers: () => MaskingEngine;
}

/**
 * `POST /mcp/<connection>`: the beginning of the line. Resolves when the reply has ended.
 * @throws GatewayError for what is refused before there is a message to answer
 */
export async function post(
  deps: PostDeps,
  request: IncomingMessage,
  reply: ServerResponse,
  connection: string,
  correlationId: string,
): Promise<void> {
  refuseUnlessAccepted(request);
  const { messages, batch } = await read(request, deps.limits);
  const identified = await identify(deps, request, connection);
  const [message] = messages;
  if (!message || batch)
    throw new GatewayError('invalid_request', 'batches are not part of the protocol version of this session');
  const entered = await enter(deps, identified, message, request, correlationId);
  const { session, newSessionId, era } = entered;
  if (newSessionId !== null) await recordConnect(deps, entered, message);
  const stream = createReplyStream(
    reply,
    newSessionId === null ? {} : { 'mcp-session-id': newSessionId },
    () => (message.kind === 'request' ? rawParam(message, '_meta', 'progressToken') : null),
  );
  try {
    await carry(deps, {
      message,
      caller: { ...identified.caller, client: session.facts.client },
      upstream: identified.upstream,
      session,
      correlationId,
      newSessionId,
      protocolVersion: era.version,
      headers: upstreamHeaders(era, newSessionId !== null),
      stream,
    });
    if (message.kind !== 'request') reply.writeHead(202).end();
  } finally {
    // A handshake that upstream did not accept leaves nothing behind.
    if (newSessionId !== null && session.protocolVersion === null)
      await deps.sessions.end(session, 'the handshake failed');
  }
}

async function recordConnect(deps: PostDeps, { session, era }: Entered, message: RpcMessage): Promise<void> {
  const about = {
    client: session.facts.client,
    subject: session.facts.subject,
    transport: 'streamable-http',
    protocolVersion: era.version,
  };
  await deps.recorder.append(session.facts, {
    kind: 'connect',
    direction: 'none',
    callId: null,
    method: message.kind === 'response' ? null : message.method,
    tool: null,
    verdict: null,
    rule: null,
    policyVersion: null,
    bytes: deps.maskers().masker('default').json(JSON.stringify(about)).text,
  });
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
