import { randomUUID } from 'node:crypto';
import { errorResponse, GatewayError } from '../../errors.ts';
import { paramSpan, readRpcMessage, type RpcRequest, withId } from '../../mcp/rpc-message.ts';
import { skipSpace } from '../../mcp/parse-json.ts';
import { membersAt } from '../../mcp/strict-json.ts';
import { metaKeys } from '../../mcp/versions.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from '../upstream.ts';

/** A server of the 2025 versions with the session that the gateway keeps there. */
export interface LegacyServer {
  readonly session: UpstreamSession;
  /** The version header of that session. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its answer to the handshake. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** Results that 2026-07-28 wants to say for how long they may be kept: not at all, since nobody has said. */
const cacheable =
  /^(?:server\/discover|(?:tools|prompts|resources|resources\/templates)\/list|resources\/read)$/;
const anyDepth = { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' } as const;

/**
 * One request of a 2026-07-28 client, asked in the gateway's own session with a 2025 server. Ids and progress tokens
 * are the gateway's own, since many clients share the session, and are turned back on the way.
 */
export async function* legacyCall(
  server: LegacyServer,
  request: RpcRequest,
  options: SendOptions,
  name: string,
): AsyncGenerator<UpstreamMessage, void, void> {
  if (request.method === 'server/discover') {
    if (canBeAsked(request))
      yield refusal(request, `${name} speaks an older protocol version; initialize there`);
    else yield { json: discovery(server, request), kind: 'response', method: null };
    return;
  }
  if (request.method === 'subscriptions/listen') {
    yield refusal(request, `${name} speaks an older protocol version, which has no ${request.method}`);
    return;
  }
  const { session, headers } = server;
  const idJson = JSON.stringify(`gw-${randomUUID()}`);
  const { json, token } = renamed(request, idJson);
  const { signal, onSent } = options;
  for await (const message of session.send(json, { idJson, signal, headers, ...(onSent && { onSent }) })) {
    if (message.kind === 'request') await decline(server, message, signal);
    else if (message.kind === 'notification') yield { ...message, json: restored(message.json, token) };
    else yield { ...message, json: complete(message.json, request) };
  }
}

/**
 * Whether the client says that servers may ask it things. Then it gets more by the older version itself, to which it
 * falls back when discovery fails, just as it would directly.
 */
function canBeAsked(request: RpcRequest): boolean {
  const meta = request.params?.['_meta'] as Record<string, unknown> | undefined;
  const capabilities = (meta?.[metaKeys.clientCapabilities] ?? {}) as Record<string, unknown>;
  return ['sampling', 'elicitation', 'roots'].some((capability) => capability in capabilities);
}

/** What 2026-07-28 asks of every server, from what a 2025 server said in the handshake. */
function discovery({ about }: LegacyServer, request: RpcRequest): string {
  const { capabilities = {}, serverInfo, instructions } = about;
  const result = {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities,
    instructions,
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
  };
  return `{"jsonrpc":"2.0","id":${request.idJson},"result":${JSON.stringify(result)}}`;
}

function refusal(request: RpcRequest, because: string): UpstreamMessage {
  const error = new GatewayError('method_not_found', because);
  return { json: errorResponse(request.idJson, error, 'none'), kind: 'response', method: null, status: 404 };
}

/** The request under another id and, where it has one, with the same id for its progress token. */
function renamed(request: RpcRequest, idJson: string): { json: string; token: string | null } {
  const token = paramSpan(request, '_meta', 'progressToken');
  const id = request.idSpan;
  const places = token ? [id, token].sort((a, b) => b.start - a.start) : [id];
  const json = places.reduce(
    (text, { start, end }) => text.slice(0, start) + idJson + text.slice(end),
    request.json,
  );
  return { json, token: token && request.json.slice(token.start, token.end) };
}

/** A notification with the client's own progress token back in its place. */
function restored(json: string, token: string | null): string {
  const message = readRpcMessage(json, anyDepth);
  if (token === null || message.kind !== 'notification' || message.method !== 'notifications/progress')
    return json;
  const place = paramSpan(message, 'progressToken');
  return place ? json.slice(0, place.start) + token + json.slice(place.end) : json;
}

/** The response under the client's own id, and as complete as 2026-07-28 wants it. */
function complete(json: string, { idJson, method }: RpcRequest): string {
  // The one look at all of it: a response may be megabytes.
  const members = membersAt(json, json.indexOf('{'));
  const idSpan = members.get('id') ?? null;
  const own = (text: string): string => withId({ json: text, idSpan, idJson: '' }, idJson);
  const result = members.get('result');
  if (!result || json[result.start] !== '{') return own(json);
  const hints = cacheable.test(method) ? ',"ttlMs":0,"cacheScope":"private"' : '';
  const at = result.start + 1;
  const separator = json[skipSpace(json, at)] === '}' ? '' : ',';
  const said = `"resultType":"complete"${hints}${separator}`;
  // From the back, so that the other place stays where it was found.
  const isIdFirst = idSpan === null || idSpan.start < at;
  if (isIdFirst) return own(`${json.slice(0, at)}${said}${json.slice(at)}`);
  const named = own(json);
  return `${named.slice(0, at)}${said}${named.slice(at)}`;
}

/** Upstream asks something: `ping` is answered, everything else would need a client that stays. */
async function decline(server: LegacyServer, { json }: UpstreamMessage, signal: AbortSignal): Promise<void> {
  const question = readRpcMessage(json, anyDepth);
  if (question.kind !== 'request') return;
  const words = `${question.method} cannot be asked of a 2026-07-28 client through a session of an older version`;
  const answer =
    question.method === 'ping'
      ? `{"jsonrpc":"2.0","id":${question.idJson},"result":{}}`
      : errorResponse(question.idJson, new GatewayError('method_not_found', words), 'none');
  const sent = server.session.send(answer, { idJson: null, signal, headers: server.headers });
  for await (const nothing of sent) void nothing;
}
