import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { insertStreamEvent, readStreamEvents } from '../../db/mcp-stream-events.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import { seal, unseal } from '../../recording/seal.ts';
import type { LiveSession } from './session.ts';

/** Remembers what is written on one reply, so that its client can ask for what it missed. */
export interface StreamLog {
  /** The id of the stream's beginning, before any message. */
  readonly firstId: string;
  /**
   * Stores a masked message; resolves with its event id once any replica can repeat it.
   * @param final whether it is the response, after which nothing follows
   */
  append(json: Masked<string>, final: boolean): Promise<string>;
}

/** A place in a stream, as an event id names it. */
export interface StreamPlace {
  readonly streamId: string;
  readonly seq: number;
}

/** Makes the log of one reply. Nothing is stored until something is appended. */
export function createStreamLog(pool: Pool, session: LiveSession, sealKey: Uint8Array): StreamLog {
  const streamId = randomBytes(12).toString('base64url');
  const { sessionId } = session.facts;
  let last = 0;
  return {
    firstId: eventId({ streamId, seq: 0 }),
    async append(json, final) {
      const seq = ++last;
      const sealed = seal(sealKey, Buffer.from(json), contextOf(sessionId, { streamId, seq }));
      await insertStreamEvent(pool, { streamId, seq, sessionId, sealed, final });
      return eventId({ streamId, seq });
    },
  };
}

/** Reads a Last-Event-ID of this gateway's; null for anybody else's. */
export function placeOf(lastEventId: string | string[] | undefined): StreamPlace | null {
  const match = typeof lastEventId === 'string' ? /^gw\.([\w-]{16})\.(\d{1,9})$/.exec(lastEventId) : null;
  return match?.[1] && match[2] ? { streamId: match[1], seq: Number(match[2]) } : null;
}

/** A message that is repeated to a client that came back. */
export interface Repeated {
  readonly id: string;
  readonly json: Masked<string>;
}

const pollMs = 500;

/**
 * What a stream of this session has after a place, and then what comes, until its response. Ends when `signal`
 * aborts. A place in another session's stream has nothing after it.
 */
export async function* follow(
  pool: Pool,
  session: LiveSession,
  sealKey: Uint8Array,
  from: StreamPlace,
  signal: AbortSignal,
): AsyncGenerator<Repeated, void, void> {
  const { sessionId } = session.facts;
  let place = from;
  while (!signal.aborted) {
    for (const row of await readStreamEvents(pool, sessionId, place.streamId, place.seq)) {
      place = { streamId: place.streamId, seq: row.seq };
      const text = unseal(sealKey, row.sealed, contextOf(sessionId, place)).toString();
      // Masked before it was sealed.
      yield { id: eventId(place), json: text as Masked<string> };
      if (row.final) return;
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {});
  }
}

function eventId({ streamId, seq }: StreamPlace): string {
  return `gw.${streamId}.${seq}`;
}

function contextOf(sessionId: string, { streamId, seq }: StreamPlace): string {
  return `mcp-stream-event:${sessionId}:${streamId}:${seq}`;
}
