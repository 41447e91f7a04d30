import { setTimeout as sleep } from 'node:timers/promises';
import { UpstreamError } from '../errors.ts';
import { rawParam, readRpcMessage, type RpcRequest } from '../mcp/rpc-message.ts';
import { hasVersionHeader, isModern, supportedVersions } from '../mcp/versions.ts';
import { ownRequest } from '../upstreams/translate/own-request.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from '../upstreams/upstream.ts';
import { signInTool } from './elicitation.ts';
import { signInNeeded } from './user-tokens.ts';

/** What a session of a connection at which people sign in works with. */
export interface SignInSessionParts {
  readonly connection: string;
  /** Names the question to sign in, in this client session. */
  readonly elicitationId: string;
  /** The session with upstream itself, not initialized yet unless it is resumed. */
  readonly inner: UpstreamSession;
  readonly signedIn: () => Promise<boolean>;
}

const anyDepth = { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' } as const;
const lookEveryMs = 1_000;
const prefix = 'not-begun ';

/** Whether a session that is resumed has not begun upstream yet. */
export function notBegun(resumable: string): boolean {
  return resumable.startsWith(prefix);
}

/**
 * A session that can begin before its person has signed in. Until then nothing goes upstream: the handshake is answered
 * here, and there is one tool, which asks to sign in. After it, the client's handshake is made up for with upstream, and
 * the client is told that the tools have changed.
 * @param resumable what another replica's session of this kind said of itself; null for a new one
 */
export function createSignInSession(parts: SignInSessionParts, resumable: string | null): UpstreamSession {
  const { inner, signedIn, connection } = parts;
  /** Parameters of the client's handshake, while upstream has not seen it. */
  let unbegun: string | null = resumable === null ? null : resumable.slice(prefix.length);
  let beginning: Promise<void> | null = null;
  /** Headers of the version that upstream agreed to, where that was made up for. */
  let agreed: Readonly<Record<string, string>> | null = null;

  async function begin(params: string): Promise<void> {
    const signal = AbortSignal.timeout(60_000);
    const handshake = ownRequest('initialize', JSON.parse(params) as object);
    let version: unknown = null;
    for await (const { kind, json } of inner.send(handshake.json, { idJson: handshake.idJson, signal }))
      if (kind === 'response')
        version = (JSON.parse(json) as { result?: { protocolVersion?: unknown } }).result?.protocolVersion;
    if (typeof version !== 'string')
      throw new UpstreamError('upstream_refused', `upstream "${connection}" refused to begin a session`, {
        sent: false,
      });
    const headers = hasVersionHeader(version) ? { 'mcp-protocol-version': version } : {};
    const ready = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    for await (const nothing of inner.send(ready, { idJson: null, signal, headers })) void nothing;
    agreed = headers;
    unbegun = null;
  }

  async function begun(): Promise<void> {
    if (unbegun === null) return;
    beginning ??= begin(unbegun).finally(() => {
      beginning = null;
    });
    await beginning;
  }

  async function* send(json: string, options: SendOptions): AsyncGenerator<UpstreamMessage, void, void> {
    if (await signedIn()) {
      await begun();
      const headers = agreed === null ? options.headers : { ...options.headers, ...agreed };
      yield* inner.send(json, headers ? { ...options, headers } : options);
      return;
    }
    const message = readRpcMessage(json, anyDepth);
    if (message.kind !== 'request') return;
    if (message.method === 'initialize')
      unbegun = message.paramsSpan ? json.slice(message.paramsSpan.start, message.paramsSpan.end) : '{}';
    const result = ownResult(connection, message);
    if (result === null) throw signInNeeded(connection);
    yield {
      json: `{"jsonrpc":"2.0","id":${message.idJson},"result":${JSON.stringify(result)}}`,
      kind: 'response',
      method: null,
      own: true,
    };
  }

  return {
    send,
    async events(signal) {
      if (!(await signedIn())) return untilSignedIn(parts, signal);
      await begun();
      return inner.events(signal);
    },
    get resumable() {
      return unbegun === null ? inner.resumable : prefix + unbegun;
    },
    close: () => inner.close(),
  };
}

/** What the client is told on its own stream once its person has signed in; it then opens another, with upstream. */
async function* untilSignedIn(
  { signedIn, elicitationId }: SignInSessionParts,
  signal: AbortSignal,
): AsyncGenerator<UpstreamMessage, void, void> {
  const aborted = (): boolean => signal.aborted;
  while (!aborted() && !(await signedIn()))
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
  if (aborted()) return;
  const notification = (method: string, params?: object): UpstreamMessage => ({
    json: JSON.stringify({ jsonrpc: '2.0', method, ...(params && { params }) }),
    kind: 'notification',
    method,
  });
  yield notification('notifications/elicitation/complete', { elicitationId });
  yield notification('notifications/tools/list_changed');
}

/** What can be answered without upstream; null for the rest. */
function ownResult(connection: string, request: RpcRequest): object | null {
  const version = rawParam(request, '_meta', 'io.modelcontextprotocol/protocolVersion');
  const modern = version !== null && isModern(JSON.parse(version) as string);
  const about = {
    capabilities: { tools: { listChanged: true } },
    instructions: `Nobody has signed in to ${connection} yet. Call the tool ${signInTool} to learn where the person you work for signs in; then list the tools again.`,
  };
  const serverInfo = { name: connection, version: 'not signed in' };
  switch (request.method) {
    case 'initialize': {
      const asked = request.params?.['protocolVersion'];
      const protocolVersion =
        supportedVersions.find((known) => known === asked && !isModern(known)) ?? '2025-11-25';
      return { protocolVersion, serverInfo, ...about };
    }
    case 'server/discover':
      return {
        resultType: 'complete',
        supportedVersions: [...supportedVersions].reverse(),
        ...about,
        ttlMs: 0,
        cacheScope: 'private',
        _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
      };
    case 'tools/list':
      return {
        tools: [toolFor(connection)],
        ...(modern && { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }),
      };
    case 'ping':
    case 'logging/setLevel':
      return {};
    default:
      return null;
  }
}

function toolFor(connection: string): object {
  return {
    name: signInTool,
    title: `Sign in to ${connection}`,
    description: `${connection} wants each person to sign in themselves. This tells where: give the link to the person you work for, and list the tools again once they have signed in.`,
    inputSchema: { type: 'object', properties: {} },
    annotations: { readOnlyHint: true, openWorldHint: false },
  };
}
