import { randomBytes } from 'node:crypto';
import {
  findReplyStream,
  insertReplyStream,
  insertStreamEvent,
  lastStreamEvent,
  noteStreamCall,
} from '../../db/mcp-stream-events.ts';
import type { Pool } from '../../db/pool.ts';
import type { Masked } from '../../masking/masked.ts';
import { seal, unseal } from '../../recording/seal.ts';
import type { EventPoll } from './event-poll.ts';
import type { LiveSession } from './session.ts';

/** What the request behind a stream is, for whoever must answer it in another's place. */
export interface StreamRequest {
  readonly idJson: string;
  readonly method: string;
  readonly tool: string;
  readonly protocolVersion: string;
  readonly correlationId: string;
  /** Raw JSON of the client's progress token; null when it sent none. */
  readonly progressToken: string | null;
}

/** Remembers what is written on one reply, so that its client can ask for what it missed. */
export interface StreamLog {
  /** The id of the stream's beginning, before any message. */
  readonly firstId: string;
  /** Makes the stream findable. Its client may be told of it only then. */
  begin(): Promise<void>;
  /** Notes the held call that the request waits for, so that the stream can be taken over. */
  heldAs(callId: string): Promise<void>;
  /**
   * Stores a masked message; resolves with its event id once any replica can repeat it.
   * @param final whether it is the response, after which nothing follows
   * @returns null when somebody else has written the response
   */
  append(json: Masked<string>, final: boolean): Promise<string | null>;
}

/** A place in a stream, as an event id names it. */
export interface StreamPlace {
  readonly streamId: string;
  readonly seq: number;
}

/** Where a log is kept, and under whose key. */
export interface LogOwner {
  readonly pool: Pool;
  readonly session: LiveSession;
  readonly sealKey: Uint8Array;
  readonly replica: string;
}

/** Makes the log of one reply. Nothing is stored until it begins. */
export function createStreamLog(owner: LogOwner, request: StreamRequest): StreamLog {
  return new ReplyLog(owner, randomBytes(12).toString('base64url'), request);
}

/** A stream that somebody else began, and whose client is back: what its request is, and a log that goes on with it. */
export interface FoundStream {
  readonly request: StreamRequest;
  readonly callId: string | null;
  readonly createdAt: Date;
  /** Whether its response is there already. */
  readonly answered: boolean;
  readonly log: Pick<StreamLog, 'append'>;
}

/** null where the session has no such stream. */
export async function findStream(owner: LogOwner, streamId: string): Promise<FoundStream | null> {
  const { pool, session, sealKey } = owner;
  const { sessionId } = session.facts;
  const row = await findReplyStream(pool, sessionId, streamId);
  if (!row) return null;
  const { seq, final } = await lastStreamEvent(pool, streamId);
  const request = unseal(sealKey, row.sealedRequest, requestContext(sessionId, streamId)).toString();
  return {
    request: JSON.parse(request) as StreamRequest,
    callId: row.callId,
    createdAt: row.createdAt,
    answered: final,
    log: new EventLog(owner, streamId, seq),
  };
}

/** Classes, since there is one for each held call: methods of its own would cost each of them more than what it keeps. */
class EventLog {
  readonly owner: LogOwner;
  readonly streamId: string;
  #last: number;

  constructor(owner: LogOwner, streamId: string, last: number) {
    this.owner = owner;
    this.streamId = streamId;
    this.#last = last;
  }

  async append(json: Masked<string>, final: boolean): Promise<string | null> {
    const { pool, session, sealKey } = this.owner;
    const { sessionId } = session.facts;
    const { streamId } = this;
    for (;;) {
      const seq = ++this.#last;
      const sealed = seal(sealKey, Buffer.from(json), contextOf(sessionId, { streamId, seq }));
      if (await insertStreamEvent(pool, { streamId, seq, sessionId, sealed, final }))
        return eventId({ streamId, seq });
      // Somebody else writes on this stream: the next number may be free, unless it has its response.
      const known = await lastStreamEvent(pool, streamId);
      if (known.final) return null;
      this.#last = Math.max(this.#last, known.seq);
    }
  }
}

class ReplyLog extends EventLog implements StreamLog {
  /** Null once it is stored. */
  #request: StreamRequest | null;
  #callId: string | null = null;

  constructor(owner: LogOwner, streamId: string, request: StreamRequest) {
    super(owner, streamId, 0);
    this.#request = request;
  }

  get firstId(): string {
    return eventId({ streamId: this.streamId, seq: 0 });
  }

  async begin(): Promise<void> {
    const { owner, streamId } = this;
    const { pool, session, sealKey, replica } = owner;
    const { sessionId } = session.facts;
    const sealedRequest = seal(
      sealKey,
      Buffer.from(JSON.stringify(this.#request)),
      requestContext(sessionId, streamId),
    );
    await insertReplyStream(pool, { streamId, sessionId, replica, callId: this.#callId, sealedRequest });
    this.#request = null;
  }

  async heldAs(callId: string): Promise<void> {
    this.#callId = callId;
    if (this.#request === null) await noteStreamCall(this.owner.pool, this.streamId, callId);
  }
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
  readonly final: boolean;
}

/**
 * What a stream of this session has after a place, and then what comes, until its response. Ends when `signal`
 * aborts. A place in another session's stream has nothing after it.
 * @yields `orphaned` when nobody works at it any more
 */
export async function* follow(
  poll: EventPoll,
  { session, sealKey }: Pick<LogOwner, 'session' | 'sealKey'>,
  from: StreamPlace,
  signal: AbortSignal,
): AsyncGenerator<Repeated | 'orphaned', void, void> {
  const { sessionId } = session.facts;
  const { streamId } = from;
  let { seq } = from;
  while (!signal.aborted) {
    const found = await poll.next({ streamId, sessionId, afterSeq: seq }, signal);
    if (found === 'orphaned') {
      yield found;
      continue;
    }
    for (const row of found) {
      ({ seq } = row);
      const text = unseal(sealKey, row.sealed, contextOf(sessionId, { streamId, seq })).toString();
      // Masked before it was sealed.
      yield { id: eventId({ streamId, seq }), json: text as Masked<string>, final: row.final };
      if (row.final) return;
    }
  }
}

function eventId({ streamId, seq }: StreamPlace): string {
  return `gw.${streamId}.${seq}`;
}

function contextOf(sessionId: string, { streamId, seq }: StreamPlace): string {
  return `mcp-stream-event:${sessionId}:${streamId}:${seq}`;
}

function requestContext(sessionId: string, streamId: string): string {
  return `mcp-reply-stream:${sessionId}:${streamId}`;
}
