import { parseJson } from '../../mcp/parse-json.ts';
import { UpstreamError } from '../../errors.ts';
import { readRpcMessage } from '../../mcp/rpc-message.ts';
import { hasVersionHeader } from '../../mcp/versions.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from '../upstream.ts';
import { ownRequest } from './own-request.ts';
import { type LegacyServer, legacyCall } from './legacy-call.ts';
import { modernHeaders, modernRequest } from './modern-request.ts';

/** The sessions that an upstream may turn out to need. */
export interface BridgedKinds {
  /** Speaks 2026-07-28, without sessions. */
  readonly modern: UpstreamSession;
  /** A session of the 2025 versions, not initialized yet. */
  readonly legacy: () => UpstreamSession;
}

const gatewayFacts = {
  clientInfo: '{"name":"holdpoint","version":"1"}',
  clientCapabilities: '{}',
  logLevel: null,
} as const;

/**
 * What 2026-07-28 clients of one caller use. Upstream is asked once whether it speaks that version; where it does
 * not, a session of the 2025 versions is kept for them, in which the gateway is the client: all works that needs no
 * request from upstream to the client.
 */
export function createBridgedSession({ modern, legacy }: BridgedKinds, name: string): UpstreamSession {
  let deciding: Promise<LegacyServer | null> | null = null;
  let session: UpstreamSession = modern;

  /** @returns the server behind the kept session, or null when upstream speaks 2026-07-28 */
  async function decide(signal: AbortSignal): Promise<LegacyServer | null> {
    if (await speaksModern(signal)) return null;
    session = legacy();
    const handshake = ownRequest('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'holdpoint', version: '1' },
    });
    const { result } = await answerOf(session.send(handshake.json, { idJson: handshake.idJson, signal }));
    if (!result)
      throw new UpstreamError('upstream_refused', `${name} accepts no handshake of any version`, {
        sent: true,
      });
    const version = typeof result['protocolVersion'] === 'string' ? result['protocolVersion'] : '2025-03-26';
    const headers: Record<string, string> = hasVersionHeader(version)
      ? { 'mcp-protocol-version': version }
      : {};
    const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    for await (const nothing of session.send(initialized, { idJson: null, signal, headers })) void nothing;
    return { session, headers, about: result };
  }

  async function speaksModern(signal: AbortSignal): Promise<boolean> {
    const discover = ownRequest('server/discover', {});
    const options = { idJson: discover.idJson, signal, headers: modernHeaders(discover) };
    try {
      const { result, error } = await answerOf(modern.send(modernRequest(discover, gatewayFacts), options));
      return offers(result?.['supportedVersions']) || (error !== null && isModernRefusal(error));
    } catch (error) {
      // Servers without sessions of the new kind refuse the request in many ways; a dead one is no answer.
      if (error instanceof UpstreamError && error.code === 'upstream_refused') return false;
      throw error;
    }
  }

  function decided(signal: AbortSignal): Promise<LegacyServer | null> {
    deciding ??= decide(signal).catch((error: Error) => {
      deciding = null;
      throw error;
    });
    return deciding;
  }

  async function* send(json: string, options: SendOptions): AsyncGenerator<UpstreamMessage, void, void> {
    // Its own end, not that of the request which happened to be first, ends what all of them use.
    const server = await decided(AbortSignal.timeout(60_000));
    if (!server) {
      yield* modern.send(json, options);
      return;
    }
    const message = readRpcMessage(json, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' });
    // What clients of that version notify of has no meaning in a session that is the gateway's.
    if (message.kind !== 'request') return;
    try {
      yield* legacyCall(server, message, options, name);
    } catch (error) {
      // The next request shakes hands again.
      if (error instanceof UpstreamError && error.code === 'upstream_session_lost') deciding = null;
      throw error;
    }
  }

  return {
    send,
    events: (signal) => session.events(signal),
    resumable: null,
    close: () => session.close(),
  };
}

function offers(versions: unknown): boolean {
  return Array.isArray(versions) && versions.includes('2026-07-28');
}

/**
 * Whether a refusal shows that the server speaks 2026-07-28 all the same: that version's own codes for headers and
 * capabilities, or one that names it among the versions that it supports.
 */
function isModernRefusal({ code, data }: Record<string, unknown>): boolean {
  if (code === -32020 || code === -32021) return true;
  return code === -32022 && offers((data as { supported?: unknown } | null | undefined)?.supported);
}

interface Answer {
  readonly result: Record<string, unknown> | null;
  readonly error: Record<string, unknown> | null;
}

/** What a request is answered with. */
async function answerOf(messages: AsyncIterable<UpstreamMessage>): Promise<Answer> {
  let answer: Answer = { result: null, error: null };
  for await (const { kind, json } of messages) {
    if (kind !== 'response') continue;
    const { result = null, error = null } = parseJson(json) as Partial<Answer>;
    answer = { result, error };
  }
  return answer;
}
