import { parseJson } from '../mcp/parse-json.ts';
import { UpstreamError } from '../errors.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from './upstream.ts';

/** Sessions of the kinds that an upstream may turn out to need. */
export interface SessionKinds {
  /** Streamable HTTP of the 2025 versions. */
  readonly streamable: UpstreamSession;
  /** The transport of 2024-11-05. */
  readonly oldest: () => UpstreamSession;
  /** 2026-07-28, translated. */
  readonly newest: () => UpstreamSession;
}

/**
 * A session that finds out with its first message, the client's handshake, what upstream is: one that refuses
 * streamable HTTP in the way of a server which does not know it gets the transport of 2024-11-05, and one that
 * answers that it has nothing older than 2026-07-28 gets that.
 */
export function createDetectingSession({ streamable, oldest, newest }: SessionKinds): UpstreamSession {
  let chosen = streamable;
  let decided = false;

  async function* detect(json: string, options: SendOptions): AsyncGenerator<UpstreamMessage, void, void> {
    try {
      for await (const message of chosen.send(json, options)) {
        if (!isTooNew(message)) {
          decided = true;
          yield message;
        } else chosen = newest();
      }
    } catch (error) {
      if (decided || !isTooOld(error)) throw error;
      chosen = oldest();
    }
    const again = !decided;
    decided = true;
    if (again) yield* chosen.send(json, options);
  }

  return {
    send: (json, options) => (decided ? chosen.send(json, options) : detect(json, options)),
    events: (signal) => chosen.events(signal),
    get resumable() {
      return chosen.resumable;
    },
    close: () => chosen.close(),
  };
}

/** The statuses that the specification names for servers which only know the old transport. */
function isTooOld(error: unknown): boolean {
  const refused = error instanceof UpstreamError && error.code === 'upstream_refused';
  return refused && (error.status === 400 || error.status === 404 || error.status === 405);
}

const unsupportedProtocolVersion = -32022;

/** Whether upstream refuses the handshake because it knows only versions that have none. */
function isTooNew({ kind, json }: UpstreamMessage): boolean {
  if (kind !== 'response' || !json.includes(String(unsupportedProtocolVersion))) return false;
  const { error } = parseJson(json) as { error?: { code?: unknown; data?: { supported?: unknown } } };
  const supported = error?.data?.supported;
  return (
    error?.code === unsupportedProtocolVersion && Array.isArray(supported) && supported.includes('2026-07-28')
  );
}
