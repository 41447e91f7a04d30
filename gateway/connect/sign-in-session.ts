import { setTimeout as sleep } from 'node:timers/promises';
import { UpstreamError } from '../errors.ts';
import { readRpcMessage, type RpcRequest } from '../mcp/rpc-message.ts';
import { hasVersionHeader } from '../mcp/versions.ts';
import { ownRequest } from '../upstreams/translate/own-request.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from '../upstreams/upstream.ts';
import { emptyList, lookAgain, resultBeforeSignIn } from './before-sign-in.ts';
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
const acknowledged = 'notifications/subscriptions/acknowledged';

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
      yield* promised(json, inner.send(json, headers ? { ...options, headers } : options));
      return;
    }
    const message = readRpcMessage(json, anyDepth);
    if (message.kind !== 'request') return;
    if (message.method === 'subscriptions/listen') {
      options.onStream?.();
      yield* listening(parts, message, options);
      return;
    }
    if (message.method === 'initialize')
      unbegun = message.paramsSpan ? json.slice(message.paramsSpan.start, message.paramsSpan.end) : '{}';
    const result = resultBeforeSignIn(connection, message);
    if (result === null) throw signInNeeded(connection);
    yield responseTo(message, result);
  }

  return {
    send,
    async events(signal) {
      if (!(await signedIn())) return tellSignedIn(parts, signal);
      await begun();
      return inner.events(signal);
    },
    get resumable() {
      return unbegun === null ? inner.resumable : prefix + unbegun;
    },
    close: () => inner.close(),
  };
}

function responseTo({ idJson }: RpcRequest, result: object): UpstreamMessage {
  const json = `{"jsonrpc":"2.0","id":${idJson},"result":${JSON.stringify(result)}}`;
  return { json, kind: 'response', method: null, own: true };
}

/** @param paramsJson JSON text; left out for none */
function notification(method: string, paramsJson?: string): UpstreamMessage {
  const params = paramsJson === undefined ? '' : `,"params":${paramsJson}`;
  return { json: `{"jsonrpc":"2.0","method":"${method}"${params}}`, kind: 'notification', method };
}

/** Upstream's answer; where it has no such list, which was promised before anybody could know, an empty one. */
async function* promised(
  json: string,
  messages: AsyncIterable<UpstreamMessage>,
): AsyncGenerator<UpstreamMessage, void, void> {
  if (!json.includes('/list"')) {
    yield* messages;
    return;
  }
  const request = readRpcMessage(json, anyDepth);
  const empty = request.kind === 'request' ? emptyList(request) : null;
  for await (const message of messages) {
    const missing =
      empty !== null && request.kind === 'request' && message.kind === 'response' && isUnknownMethod(message);
    yield missing ? responseTo(request, empty) : message;
  }
}

function isUnknownMethod({ json }: UpstreamMessage): boolean {
  const message = readRpcMessage(json, anyDepth);
  return message.kind === 'response' && message.error?.['code'] === -32601;
}

async function untilSignedIn(signedIn: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if (await signedIn()) return true;
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

/** What the client is told on its own stream once its person has signed in; it then opens another, with upstream. */
async function* tellSignedIn(
  { signedIn, elicitationId }: SignInSessionParts,
  signal: AbortSignal,
): AsyncGenerator<UpstreamMessage, void, void> {
  if (!(await untilSignedIn(signedIn, signal))) return;
  yield notification('notifications/elicitation/complete', JSON.stringify({ elicitationId }));
  for (const method of lookAgain) yield notification(method);
}

/**
 * A subscription (`subscriptions/listen`, 2026-07-28) that begins before the sign-in: acknowledged as it was asked for,
 * told to look again once the person has signed in, and from then on upstream's own, which acknowledges it no second time.
 */
async function* listening(
  { signedIn, inner }: SignInSessionParts,
  request: RpcRequest,
  options: SendOptions,
): AsyncGenerator<UpstreamMessage, void, void> {
  const meta = `"_meta":{"io.modelcontextprotocol/subscriptionId":${request.idJson}}`;
  const wanted = (request.params?.['notifications'] ?? {}) as Readonly<Record<string, unknown>>;
  const told = ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged'];
  const notifications = Object.fromEntries(told.map((name) => [name, wanted[name] === true]));
  yield notification(acknowledged, `{${meta},"notifications":${JSON.stringify(notifications)}}`);
  if (!(await untilSignedIn(signedIn, options.signal))) return;
  for (const [at, method] of lookAgain.entries())
    if (notifications[told[at] ?? '']) yield notification(method, `{${meta}}`);
  for await (const message of inner.send(request.json, options))
    if (message.method !== acknowledged) yield message;
}
