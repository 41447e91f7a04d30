import { deadReplica } from './gateway-replicas.ts';
import type { Queryable } from './pool.ts';

/** One event of a reply's stream. */
export interface StreamEventRow {
  readonly seq: number;
  readonly sealed: Buffer;
  readonly final: boolean;
}

/** A place in the stream of a session, after which events are asked for. */
export interface FollowedPlace {
  readonly streamId: string;
  readonly sessionId: string;
  readonly afterSeq: number;
}

/**
 * Stores an event; it can be asked for, from any replica, once this resolves.
 * @returns false when the stream has an event of that number, or its response, already
 */
export async function insertStreamEvent(
  db: Queryable,
  event: StreamEventRow & { readonly streamId: string; readonly sessionId: string },
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'insert_stream_event',
    text: `insert into mcp_stream_events (stream_id, seq, session_id, sealed, final)
           select $1, $2, $3, $4, $5
           where not exists (select from mcp_stream_events where stream_id = $1 and final)
           on conflict do nothing`,
    values: [event.streamId, event.seq, event.sessionId, event.sealed, event.final],
  });
  return rowCount === 1;
}

/** The number of a stream's last event, and whether that is its response; 0 where it has none. */
export async function lastStreamEvent(
  db: Queryable,
  streamId: string,
): Promise<{ readonly seq: number; readonly final: boolean }> {
  const { rows } = await db.query<{ seq: number; final: boolean }>(
    'select seq, final from mcp_stream_events where stream_id = $1 order by seq desc limit 1',
    [streamId],
  );
  return rows[0] ?? { seq: 0, final: false };
}

/** The events that follow these places, in order; none for another session's stream. */
export async function readStreamEvents(
  db: Queryable,
  places: readonly FollowedPlace[],
): Promise<(StreamEventRow & { readonly streamId: string })[]> {
  const { rows } = await db.query<StreamEventRow & { streamId: string }>({
    name: 'read_stream_events',
    text: `select e.stream_id as "streamId", e.seq, e.sealed, e.final
           from unnest($1::text[], $2::text[], $3::int[]) as f (stream_id, session_id, seq)
           join mcp_stream_events e on e.stream_id = f.stream_id and e.session_id = f.session_id and e.seq > f.seq
           order by e.stream_id, e.seq limit 1000`,
    values: [
      places.map((place) => place.streamId),
      places.map((place) => place.sessionId),
      places.map((place) => place.afterSeq),
    ],
  });
  return rows;
}

/** A reply's stream, as whoever takes it over finds it. */
export interface ReplyStreamRow {
  readonly streamId: string;
  readonly sessionId: string;
  readonly callId: string | null;
  readonly sealedRequest: Buffer;
  readonly createdAt: Date;
}

/** Notes that a reply has become a stream, before its client hears of it. */
export async function insertReplyStream(
  db: Queryable,
  stream: Omit<ReplyStreamRow, 'createdAt'> & { readonly replica: string },
): Promise<void> {
  await db.query({
    name: 'insert_reply_stream',
    text: `insert into mcp_reply_streams (stream_id, session_id, replica, call_id, sealed_request)
           values ($1, $2, $3, $4, $5)`,
    values: [stream.streamId, stream.sessionId, stream.replica, stream.callId, stream.sealedRequest],
  });
}

/** Notes which held call the request of a stream waits for. */
export async function noteStreamCall(db: Queryable, streamId: string, callId: string): Promise<void> {
  await db.query('update mcp_reply_streams set call_id = $2 where stream_id = $1', [streamId, callId]);
}

/** A session's stream; null when there is none. */
export async function findReplyStream(
  db: Queryable,
  sessionId: string,
  streamId: string,
): Promise<ReplyStreamRow | null> {
  const { rows } = await db.query<ReplyStreamRow>(
    `select stream_id as "streamId", session_id as "sessionId", call_id as "callId",
       sealed_request as "sealedRequest", created_at as "createdAt"
     from mcp_reply_streams where stream_id = $1 and session_id = $2`,
    [streamId, sessionId],
  );
  return rows[0] ?? null;
}

/** Those of the given streams at which nobody works any more. */
export async function orphanedStreams(db: Queryable, streamIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ stream_id: string }>(
    `select s.stream_id from mcp_reply_streams s where s.stream_id = any($1) and ${deadReplica('s.replica')}`,
    [streamIds],
  );
  return rows.map((row) => row.stream_id);
}

/** Forgets streams that nobody has come back for. */
export async function deleteOldStreamEvents(db: Queryable, ageMs: number): Promise<void> {
  await db.query(`delete from mcp_stream_events where created_at < now() - $1 * interval '1 millisecond'`, [
    ageMs,
  ]);
  // A held call's stream says nothing for hours, and its client may still come back to it.
  await db.query(
    `delete from mcp_reply_streams s where s.created_at < now() - $1 * interval '1 millisecond'
       and not exists (select from held_calls c where c.call_id = s.call_id and c.state in ('pending', 'executing'))`,
    [ageMs],
  );
}
