import { UpstreamError } from '../errors.ts';
import { isModern } from '../mcp/versions.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from '../upstreams/upstream.ts';
import { at } from './json-text.ts';
import type { RunContext, RunDeps } from './run-call.ts';

/** Id of the one request that comes before the call; the call's own id is a string. */
const initializeId = '1';

/**
 * A session of its own for a call whose client has gone: opened, and initialized where the protocol has that.
 * Declares no client capabilities, for nobody could answer. Whoever gets it closes it.
 * @throws UpstreamError when upstream cannot be reached or refuses
 */
export async function openRunSession(
  deps: RunDeps,
  context: RunContext,
  signal: AbortSignal,
): Promise<UpstreamSession> {
  const { facts } = context.call;
  const { connection } = facts.bound;
  const upstream = deps.upstreams.get(connection);
  if (!upstream)
    throw new UpstreamError('upstream_unreachable', `no connection "${connection}" is configured`, {
      sent: false,
    });
  const { caller, correlationId } = facts;
  const session = await upstream.open({
    connection,
    sessionId: context.session.sessionId,
    caller,
    correlationId,
    stateless: isModern(facts.protocolVersion),
  });
  try {
    if (!isModern(facts.protocolVersion)) await initialize(context, session, signal);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function initialize(context: RunContext, session: UpstreamSession, signal: AbortSignal): Promise<void> {
  const { protocolVersion, bound } = context.call.facts;
  const params = {
    protocolVersion,
    capabilities: {},
    clientInfo: { name: 'holdpoint', version: '0.1.0' },
  };
  const request = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params,
  });
  let answered = false;
  for await (const message of exchange(context, session, request, { idJson: initializeId, signal })) {
    if (message.kind !== 'response') continue;
    if (!at(message.json, ['result']))
      throw new UpstreamError('upstream_invalid', `${bound.connection} refused to begin a session`, {
        sent: false,
      });
    answered = true;
  }
  if (!answered)
    throw new UpstreamError('upstream_closed', `${bound.connection} did not answer initialize`, {
      sent: false,
    });
  const ready = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  for await (const _ of exchange(context, session, ready, { idJson: null, signal })) void _;
}

async function* exchange(
  context: RunContext,
  session: UpstreamSession,
  json: string,
  options: SendOptions,
): AsyncGenerator<UpstreamMessage> {
  const { masker } = context;
  await context.record('message', 'client-to-upstream', (await masker.later.message(json)).text, json);
  for await (const message of session.send(json, options)) {
    await context.record(
      'message',
      'upstream-to-client',
      (await masker.later.message(message.json)).text,
      message.json,
    );
    yield message;
  }
}
