import { UpstreamError } from '../errors.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from './upstream.ts';

/**
 * A session that finds out with its first message, the handshake, how old the upstream's transport is: where
 * streamable HTTP is refused in the way of a server that does not know it, the transport of 2024-11-05 is tried.
 */
export function createDetectingSession(
  streamable: UpstreamSession,
  legacy: () => UpstreamSession,
): UpstreamSession {
  let chosen = streamable;
  let decided = false;

  async function* send(json: string, options: SendOptions): AsyncGenerator<UpstreamMessage, void, void> {
    try {
      for await (const message of chosen.send(json, options)) {
        decided = true;
        yield message;
      }
      decided = true;
    } catch (error) {
      if (decided || !isOldServer(error)) throw error;
      decided = true;
      chosen = legacy();
      yield* chosen.send(json, options);
    }
  }

  return {
    send,
    events: (signal) => chosen.events(signal),
    get resumable() {
      return chosen.resumable;
    },
    close: () => chosen.close(),
  };
}

/** The statuses that the specification names for servers which only know the old transport. */
function isOldServer(error: unknown): boolean {
  const refused = error instanceof UpstreamError && error.code === 'upstream_refused';
  return refused && (error.status === 400 || error.status === 404 || error.status === 405);
}
