import { setTimeout as sleep } from 'node:timers/promises';
import { parseJson } from '../../mcp/parse-json.ts';
import { UpstreamError } from '../../errors.ts';
import { rawParam, readRpcMessage, type RpcMessage, type RpcRequest } from '../../mcp/rpc-message.ts';
import { membersAt, type Span } from '../../mcp/strict-json.ts';
import { isModern, supportedVersions } from '../../mcp/versions.ts';
import { createMessageQueue, type MessageQueue } from '../message-queue.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from '../upstream.ts';
import { createClientQuestions } from './client-questions.ts';
import { listenRequest } from './listen.ts';
import { mirrorsOf, parameterHeaders, type ToolMirrors } from './mirrors.ts';
import { type ClientFacts, modernHeaders, modernRequest } from './modern-request.ts';

const anyDepth = { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' } as const;
/** How often upstream may ask the client within one call. */
const maxRounds = 8;
const emptyRoundMs = 250;

/**
 * A session of a 2025 client with an upstream that knows nothing older than 2026-07-28: what sessions are for is
 * kept and answered here, and every request goes on as one that says everything itself.
 * @param upstream speaks 2026-07-28, without sessions
 */
export function createModernSession(upstream: UpstreamSession, name: string): UpstreamSession {
  const questions = createClientQuestions(name);
  const underWay = new Map<string, AbortController>();
  const subscriptions = new Set<string>();
  const ender = new AbortController();
  let facts: ClientFacts = { clientInfo: '{}', clientCapabilities: '{}', logLevel: null };
  let mirrors: ToolMirrors = new Map();
  let listener: { readonly queue: MessageQueue<UpstreamMessage>; readonly signal: AbortSignal } | null = null;
  let listening: AbortController | null = null;

  async function* send(json: string, options: SendOptions): AsyncGenerator<UpstreamMessage, void, void> {
    const message = readRpcMessage(json, anyDepth);
    if (message.kind !== 'request') {
      if (message.kind === 'response') questions.answer(message);
      else notify(message);
      return;
    }
    const own = ownAnswer(message);
    if (own !== null) {
      options.onSent?.();
      yield response(message, own);
      return;
    }
    const aborter = new AbortController();
    underWay.set(message.idJson, aborter);
    const signal = AbortSignal.any([options.signal, aborter.signal, ender.signal]);
    try {
      if (message.method === 'initialize') yield* shakeHands(message, { ...options, signal });
      else yield* call(message, { ...options, signal });
    } finally {
      underWay.delete(message.idJson);
    }
  }

  /** A cancelled call is one whose connection is closed; what else clients notify of is only for sessions. */
  function notify(message: RpcMessage & { kind: 'notification' }): void {
    if (message.method !== 'notifications/cancelled') return;
    underWay.get(rawParam(message, 'requestId') ?? '')?.abort();
  }

  /** The result of what 2026-07-28 has no request for; null for everything else. */
  function ownAnswer(request: RpcRequest): string | null {
    const uri = request.params?.['uri'];
    switch (request.method) {
      case 'ping':
        return '{}';
      case 'logging/setLevel':
        facts = { ...facts, logLevel: rawParam(request, 'level') };
        return '{}';
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        if (typeof uri !== 'string') return null;
        if (request.method === 'resources/subscribe') subscriptions.add(uri);
        else subscriptions.delete(uri);
        relisten();
        return '{}';
      default:
        return null;
    }
  }

  async function* shakeHands(request: RpcRequest, options: SendOptions): AsyncGenerator<UpstreamMessage> {
    facts = {
      clientInfo: rawParam(request, 'clientInfo') ?? '{}',
      clientCapabilities: rawParam(request, 'capabilities') ?? '{}',
      logLevel: null,
    };
    const discover = readRpcMessage(
      `{"jsonrpc":"2.0","id":${request.idJson},"method":"server/discover"}`,
      anyDepth,
    ) as RpcRequest;
    for await (const message of upstream.send(modernRequest(discover, facts), {
      ...options,
      headers: modernHeaders(discover),
    })) {
      const result = resultOf(message);
      if (message.kind !== 'response' || !result) {
        yield message;
        continue;
      }
      const meta = result['_meta'] as Record<string, unknown> | undefined;
      const serverInfo = meta?.['io.modelcontextprotocol/serverInfo'] ?? { name, version: 'unknown' };
      const { capabilities = {}, instructions } = result;
      const asked = request.params?.['protocolVersion'];
      const protocolVersion =
        supportedVersions.find((version) => version === asked && !isModern(version)) ?? '2025-11-25';
      yield response(request, JSON.stringify({ protocolVersion, capabilities, serverInfo, instructions }));
    }
  }

  async function* call(request: RpcRequest, options: SendOptions): AsyncGenerator<UpstreamMessage> {
    const { idJson, signal, onSent } = options;
    let more: Record<string, string> = {};
    for (let round = 0; round <= maxRounds; round++) {
      let needed: string | null = null;
      const headers = { ...modernHeaders(request), ...parameters(request) };
      const sending = { idJson, signal, headers, ...(round === 0 && onSent && { onSent }) };
      for await (const message of upstream.send(modernRequest(request, facts, more), sending)) {
        const result = resultOf(message);
        if (request.method === 'tools/list' && result) mirrors = new Map([...mirrors, ...mirrorsOf(result)]);
        if (result?.['resultType'] === 'input_required') needed = message.json;
        else yield message;
      }
      if (needed === null) return;
      const result = resultMembers(needed);
      const asked = questions.ask(result.get('inputRequests') ?? '{}', signal);
      yield* asked.requests;
      if (asked.requests.length === 0) await sleep(emptyRoundMs, undefined, { signal });
      const requestState = result.get('requestState');
      more = { inputResponses: await asked.answers(), ...(requestState !== undefined && { requestState }) };
    }
    throw new UpstreamError('upstream_refused', `${name} asked the client more than ${maxRounds} times`, {
      sent: true,
    });
  }

  function parameters(request: RpcRequest): Record<string, string> {
    if (request.method !== 'tools/call') return {};
    return parameterHeaders(mirrors, String(request.params?.['name']), request.params?.['arguments']);
  }

  /** Subscribes anew: a listening stream's filter cannot be changed. */
  function relisten(): void {
    listening?.abort();
    if (!listener) return;
    const mine = new AbortController();
    listening = mine;
    const { queue, signal } = listener;
    const request = listenRequest(subscriptions);
    const options = {
      idJson: request.idJson,
      signal: AbortSignal.any([signal, mine.signal, ender.signal]),
      headers: modernHeaders(request),
      mayBeSilent: true,
    };
    const listen = async (): Promise<void> => {
      for await (const message of upstream.send(modernRequest(request, facts), options))
        if (message.kind === 'notification' && message.method !== 'notifications/subscriptions/acknowledged')
          queue.put(message);
      if (listening === mine) queue.end();
    };
    listen().catch((error: Error) => {
      if (!options.signal.aborted) queue.fail(error);
      else if (listening === mine) queue.end();
    });
  }

  return {
    send,
    async events(signal) {
      listener?.queue.end();
      const queue = createMessageQueue<UpstreamMessage>();
      listener = { queue, signal };
      signal.addEventListener('abort', () => queue.end(), { once: true });
      relisten();
      return queue;
    },
    // What the client said of itself, and what it is asked, is known here alone.
    resumable: null,
    async close() {
      ender.abort();
      listener?.queue.end();
    },
  };
}

function resultOf(message: UpstreamMessage): Record<string, unknown> | null {
  if (message.kind !== 'response') return null;
  const { result } = parseJson(message.json) as { result?: Record<string, unknown> };
  return result ?? null;
}

/** The members of a response's result, as raw JSON texts. */
function resultMembers(json: string): ReadonlyMap<string, string> {
  const result = membersAt(json, json.indexOf('{')).get('result');
  const members = result ? membersAt(json, result.start) : new Map<string, Span>();
  return new Map([...members].map(([key, { start, end }]) => [key, json.slice(start, end)]));
}

function response(request: RpcRequest, resultJson: string): UpstreamMessage {
  return {
    json: `{"jsonrpc":"2.0","id":${request.idJson},"result":${resultJson}}`,
    kind: 'response',
    method: null,
  };
}
