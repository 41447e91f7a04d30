import type { HoldVerdict } from '../policy/verdict.ts';
import type { MaskedExchange } from './exchange.ts';
import { answersQuestion } from './hold/question.ts';
import type { HeldRequest, HoldPort, Resumed } from './hold-port.ts';
import { type Elicits, elicitsOf } from './hold/elicit.ts';
import { isModern, metaKeys } from './mcp/versions.ts';
import { rawParam, type RpcRequest } from './mcp/rpc-message.ts';
import type { Tasks } from './tasks/tasks.ts';
import { scopeOf } from './definitions/discover.ts';
import type { ToolDefinitions } from './definitions/registry.ts';

/** What handing a request over needs. */
export interface HoldRequestDeps {
  readonly hold: HoldPort;
  readonly definitions: ToolDefinitions;
}

/** Hands a request over to be held; resolves when it was answered or its client is gone. */
export function holdRequest(
  deps: HoldRequestDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
  verdict: HoldVerdict,
): Promise<void> {
  return deps.hold.hold({ ...heldOf(deps, exchange, request), verdict });
}

/** Whether a request answers what upstream asked in the middle of a call that was approved. */
export function goesOn({ protocolVersion }: MaskedExchange, request: RpcRequest): boolean {
  return isModern(protocolVersion) && answersQuestion(request.json);
}

/** Such a request as it goes upstream, once. @throws GatewayError `invalid_params` */
export function resumeRequest(
  deps: HoldRequestDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
): Promise<Resumed | null> {
  return deps.hold.resume({ ...heldOf(deps, exchange, request), verdict: exchange.verdict });
}

function heldOf(
  { definitions }: HoldRequestDeps,
  exchange: MaskedExchange,
  request: RpcRequest,
): Omit<HeldRequest, 'verdict'> {
  const { caller, session, correlationId, protocolVersion, target, headers, masker, recent, stream } =
    exchange;
  const stated = exchange.stated?.intent;
  return {
    caller,
    session: session.facts,
    correlationId,
    protocolVersion,
    json: request.json,
    idJson: request.idJson,
    method: request.method,
    tool: target,
    argsJson: rawParam(request, 'arguments'),
    definitionHash: definitions.find(scopeOf(exchange.upstream, caller), target)?.hash ?? null,
    intent: typeof stated === 'string' ? masker.text(stated).text : null,
    recent,
    masker,
    ...(exchange.restored && { restored: exchange.restored }),
    headers,
    upstream: session.upstream,
    elicits: elicitsFrom(exchange, request),
    stream,
  };
}

/** What the client that sent a request says that it can be asked. */
export function elicitsFrom(
  { protocolVersion, session }: MaskedExchange,
  request: RpcRequest,
): readonly Elicits[] {
  return isModern(protocolVersion) ? elicitsOf(clientCapabilities(request)) : session.elicits;
}

function clientCapabilities({ params }: RpcRequest): unknown {
  const meta = params?.['_meta'] as Record<string, unknown> | null | undefined;
  return meta?.[metaKeys.clientCapabilities];
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
