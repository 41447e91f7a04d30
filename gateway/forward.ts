import type { MaskedExchange } from './exchange.ts';
import { privateResult } from './mcp/cache-scope.ts';
import type { RpcRequest } from './mcp/rpc-message.ts';
import { membersAt } from './mcp/strict-json.ts';
import { isModern } from './mcp/versions.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { ToolDefinitions } from './tool-definitions.ts';
import type { UpstreamMessage } from './upstreams/upstream.ts';

export interface ForwardDeps {
  readonly sessions: Sessions;
  readonly definitions: ToolDefinitions;
}

/**
 * Sends a request upstream, exactly as it was read, and yields what comes back. On the way it learns what a
 * response tells the gateway itself: that a session is open, and what a connection's tools are.
 * @throws UpstreamError; GatewayError `database_unavailable` when an opened session could not be stored
 */
export async function* forward(
  deps: ForwardDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
  signal: AbortSignal,
): AsyncGenerator<UpstreamMessage, void, void> {
  const { session, headers, stream } = exchange;
  const { idJson, json, method } = request;
  const modern = isModern(exchange.protocolVersion);
  const options = {
    idJson,
    signal,
    headers,
    mayBeSilent: method === 'subscriptions/listen',
    onStream: () => stream.openSoon?.(),
  };
  for await (const message of session.upstream.send(json, options)) {
    if (message.kind === 'response') {
      if (method === 'initialize') await establish(deps, exchange, message.json);
      else if (method === 'tools/list') deps.definitions.learn(session.facts.connection, message.json);
    }
    yield modern && message.kind === 'response'
      ? { ...message, json: privateResult(method, message.json) }
      : message;
  }
}

/** Upstream has accepted the handshake: from here on the client's session id is good, on every replica. */
async function establish(deps: ForwardDeps, exchange: MaskedExchange, responseJson: string): Promise<void> {
  const { session, newSessionId } = exchange;
  const result = membersAt(responseJson, responseJson.indexOf('{')).get('result');
  if (!result || newSessionId === null) return;
  const { protocolVersion } = JSON.parse(responseJson.slice(result.start, result.end)) as {
    protocolVersion?: unknown;
  };
  await deps.sessions.establish(
    newSessionId,
    session,
    typeof protocolVersion === 'string' ? protocolVersion : exchange.protocolVersion,
  );
}
