import type { IncomingMessage } from 'node:http';
import type { MaskingEngine } from '../masking/engine.ts';
import type { Caller } from '../policy/caller.ts';
import type { Gate } from './containment/gate.ts';
import { callerHandles } from './containment/handles.ts';
import { eraOf, type Era } from './era.ts';
import { GatewayError } from './errors.ts';
import type { Identifier } from './identify/identify.ts';
import { type IdentityRefusal, isRefusal } from './identify/refusal.ts';
import { mirrorHeaders } from './mcp/mirror-headers.ts';
import type { RpcMessage } from './mcp/rpc-message.ts';
import { hasVersionHeader } from './mcp/versions.ts';
import type { LiveSession } from './sessions/session.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { Upstream } from './upstreams/upstream.ts';
import type { Upstreams } from './upstreams/upstreams.ts';

export interface EnterDeps {
  readonly identifier: Identifier;
  readonly sessions: Sessions;
  readonly upstreams: Upstreams;
  readonly gate: Gate;
  readonly maskers: () => MaskingEngine;
  readonly publicUrl: string;
}

/** Who calls, and which upstream they call. */
export interface Identified {
  readonly caller: Caller;
  readonly upstream: Upstream;
}

/** The session in which a message is said. */
export interface Entered {
  readonly session: LiveSession;
  /** The id to give to the client, when this message begins the session. */
  readonly newSessionId: string | null;
  readonly era: Era;
}

/**
 * Who calls, if nothing of it is revoked.
 * @throws GatewayError `unknown_connection`, `unauthorized`, `insufficient_scope`, `identity_unavailable`, `revoked`,
 * `revocation_unconfirmed`
 */
export async function identify(
  deps: EnterDeps,
  request: IncomingMessage,
  connection: string,
): Promise<Identified> {
  const identified = await deps.identifier.identify({
    authorization: request.headers.authorization,
    dpop: dpopOf(request),
    method: request.method ?? 'POST',
    resource: resourceOf(deps, connection),
  });
  if (isRefusal(identified)) throw refusalError(identified);
  await deps.gate.admit(() => [...callerHandles(identified), `connection:${connection}`]);
  const upstream = deps.upstreams.get(connection);
  // Only who is known is told which connections there are.
  if (!upstream)
    throw new GatewayError(
      'unknown_connection',
      'there is no connection of that name; see `connections` in holdpoint.yaml',
    );
  return { caller: identified, upstream };
}

/**
 * Refuses a message that the caller's credential is too narrow for.
 * @throws GatewayError `insufficient_scope`, with every scope that is needed now
 */
export function checkScope(deps: EnterDeps, { caller, upstream }: Identified, message: RpcMessage): void {
  if (message.kind !== 'request' || message.method !== 'tools/call') return;
  const name = message.params?.['name'];
  const tool = typeof name === 'string' ? name : '';
  const lacking = deps.identifier.lacks(caller, { resource: resourceOf(deps, upstream.connection), tool });
  if (lacking) throw refusalError(lacking);
}

function resourceOf({ publicUrl }: EnterDeps, connection: string): string {
  return `${publicUrl}/mcp/${connection}`;
}

/** RFC 9449 section 4.1: exactly one. Two are joined by Node with a comma, and no proof has one. */
function dpopOf({ headers }: IncomingMessage): string | undefined {
  const value = headers['dpop'];
  return Array.isArray(value) ? value.join(', ') : value;
}

const refusalCodes = {
  400: 'unauthorized',
  401: 'unauthorized',
  403: 'insufficient_scope',
  503: 'identity_unavailable',
} as const;

function refusalError({ status, message, challenge, nonce }: IdentityRefusal): GatewayError {
  return new GatewayError(refusalCodes[status], message, {
    headers: {
      ...(challenge !== null && { 'www-authenticate': challenge }),
      ...(nonce !== undefined && { 'dpop-nonce': nonce }),
    },
  });
}

/**
 * Finds or begins the session of a message.
 * @throws GatewayError `session_missing`, `session_unknown`, `too_many_sessions`, `unsupported_version`, …
 */
export async function enter(
  deps: EnterDeps,
  { caller, upstream }: Identified,
  message: RpcMessage,
  request: IncomingMessage,
  correlationId: string,
): Promise<Entered> {
  const era = eraOf(message, request.headers);
  if (era.modern) {
    const session = await deps.sessions.stateless(caller, upstream, correlationId);
    return { session, newSessionId: null, era };
  }
  if (message.kind === 'request' && message.method === 'initialize') {
    const named = caller.client === null ? { ...caller, client: clientName(deps, message.params) } : caller;
    const { session, id } = await deps.sessions.begin(named, upstream, correlationId);
    return { session, newSessionId: id, era };
  }
  const session = await sessionOf(deps, { caller, upstream }, request, correlationId);
  const version = session.protocolVersion ?? era.version;
  return { session, newSessionId: null, era: { ...era, version } };
}

/** The session that a request names. @throws GatewayError `session_missing`, `session_unknown` */
export function sessionOf(
  deps: EnterDeps,
  { caller, upstream }: Identified,
  request: IncomingMessage,
  correlationId: string,
): Promise<LiveSession> {
  const id = request.headers['mcp-session-id'];
  if (typeof id !== 'string' || id === '')
    throw new GatewayError('session_missing', 'the Mcp-Session-Id header is missing; initialize first');
  return deps.sessions.find(id, caller, upstream, correlationId);
}

/** MCP headers for upstream: the version, and the mirrors of 2026-07-28. Nothing else of the client's goes on. */
export function upstreamHeaders(
  era: Era,
  request: IncomingMessage,
  isHandshake: boolean,
): Record<string, string> {
  if (era.modern) return { ...mirrorHeaders(request.headers), 'mcp-protocol-version': era.version };
  return !isHandshake && hasVersionHeader(era.version) ? { 'mcp-protocol-version': era.version } : {};
}

/** What is longer is no name, and is not kept. */
const longestClientName = 500;

/** The client's own name for itself, which nothing proves; it is shown and stored, so it is masked first. */
function clientName({ maskers }: EnterDeps, params: Readonly<Record<string, unknown>> | null): string | null {
  const info = params?.['clientInfo'];
  const name = typeof info === 'object' && info !== null ? (info as { name?: unknown }).name : null;
  // Not cut before it is masked: the half of a secret looks like none.
  return typeof name === 'string' && name.length <= longestClientName
    ? `mcp:${maskers().masker('default').text(name).text.slice(0, 100)}`
    : null;
}
