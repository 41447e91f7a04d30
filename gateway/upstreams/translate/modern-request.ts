import { encodeHeaderValue, nameOf } from '../../mcp/mirror-headers.ts';
import { paramSpan, type RpcRequest } from '../../mcp/rpc-message.ts';
import { membersAt } from '../../mcp/strict-json.ts';
import { metaKeys } from '../../mcp/versions.ts';

/** The version that is spoken to upstreams which have no older one. */
export const modernVersion = '2026-07-28';

/** What a client said of itself in its handshake, as raw JSON text. */
export interface ClientFacts {
  readonly clientInfo: string;
  readonly clientCapabilities: string;
  /** The log level that it has asked for, as raw JSON text; null when it has not. */
  readonly logLevel: string | null;
}

/** Members to put into an object, as raw JSON texts. */
type Members = Readonly<Record<string, string>>;

/**
 * A request of a 2025 client as 2026-07-28 wants it: the same text, with what a session knew put into its `_meta`.
 * @param more further members of `params` (the answers to what upstream needed, and its state)
 */
export function modernRequest(request: RpcRequest, facts: ClientFacts, more: Members = {}): string {
  const meta: Members = {
    [metaKeys.protocolVersion]: JSON.stringify(modernVersion),
    [metaKeys.clientInfo]: facts.clientInfo,
    [metaKeys.clientCapabilities]: facts.clientCapabilities,
    ...(facts.logLevel !== null && { 'io.modelcontextprotocol/logLevel': facts.logLevel }),
  };
  const { json, paramsSpan } = request;
  if (!paramsSpan) {
    const params = inserted('{}', 0, { _meta: inserted('{}', 0, meta), ...more });
    return inserted(json, json.indexOf('{'), { params });
  }
  const own = paramSpan(request, '_meta');
  if (!own || json[own.start] !== '{')
    return inserted(json, paramsSpan.start, { _meta: inserted('{}', 0, meta), ...more });
  // The later place first, so that the earlier one stays where it is.
  return inserted(inserted(json, own.start, meta), paramsSpan.start, more);
}

/** Puts members at the beginning of the object that begins at `start`. */
function inserted(json: string, start: number, members: Members): string {
  const written = Object.entries(members).map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  if (written.length === 0) return json;
  const separator = membersAt(json, start).size === 0 ? '' : ',';
  return `${json.slice(0, start + 1)}${written.join(',')}${separator}${json.slice(start + 1)}`;
}

/** The headers of such a request. */
export function modernHeaders(request: RpcRequest): Record<string, string> {
  const name = nameOf(request);
  return {
    'mcp-protocol-version': modernVersion,
    'mcp-method': request.method,
    ...(name !== null && { 'mcp-name': encodeHeaderValue(name) }),
  };
}
