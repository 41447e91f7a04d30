import type { HoldVerdict } from '../policy/verdict.ts';
import type { MaskedExchange } from './exchange.ts';
import type { HoldPort } from './hold-port.ts';
import { rawParam, type RpcRequest } from './mcp/rpc-message.ts';
import type { Tasks } from './tasks/tasks.ts';
import { scopeOf } from './definitions/discover.ts';
import type { ToolDefinitions } from './definitions/registry.ts';

/** Hands a request over to be held; resolves when it was answered or its client is gone. */
export async function holdRequest(
  deps: { readonly hold: HoldPort; readonly definitions: ToolDefinitions },
  exchange: MaskedExchange,
  request: RpcRequest,
  verdict: HoldVerdict,
): Promise<void> {
  const { caller, session, correlationId, protocolVersion, target, headers, masker, recent, stream } =
    exchange;
  const stated = exchange.stated?.intent;
  await deps.hold.hold({
    caller,
    session: session.facts,
    correlationId,
    protocolVersion,
    json: request.json,
    idJson: request.idJson,
    method: request.method,
    tool: target,
    argsJson: rawParam(request, 'arguments'),
    definitionHash: deps.definitions.find(scopeOf(exchange.upstream, caller), target)?.hash ?? null,
    verdict,
    intent: typeof stated === 'string' ? masker.text(stated).text : null,
    recent,
    masker,
    headers,
    upstream: session.upstream,
    stream,
  });
}

/** A client that cancels a request which is held here. @returns true when it was, so that nothing goes upstream */
export async function withdraw(
  { hold, tasks }: { readonly hold: HoldPort; readonly tasks: Tasks },
  exchange: MaskedExchange,
): Promise<boolean> {
  const { message, session } = exchange;
  if (message.kind !== 'notification' || message.method !== 'notifications/cancelled') return false;
  const requestIdJson = rawParam(message, 'requestId');
  if (requestIdJson === null) return false;
  if (tasks.cancelled(session.facts.sessionId, requestIdJson)) return true;
  const reason = message.params?.['reason'];
  return hold.cancelled(session.facts.sessionId, requestIdJson, typeof reason === 'string' ? reason : null);
}
