import type { Queryable } from './pool.ts';

/** One event of a reply's stream. */
export interface StreamEventRow {
  readonly seq: number;
  readonly sealed: Buffer;
  readonly final: boolean;
}

/** Stores an event; it can be asked for, from any replica, once this resolves. */
export async function insertStreamEvent(
  db: Queryable,
  event: StreamEventRow & { readonly streamId: string; readonly sessionId: string },
): Promise<void> {
  await db.query({
    name: 'insert_stream_event',
    text: 'insert into mcp_stream_events (stream_id, seq, session_id, sealed, final) values ($1, $2, $3, $4, $5)',
    values: [event.streamId, event.seq, event.sessionId, event.sealed, event.final],
  });
}

/** The events of a session's stream that follow `afterSeq`, in order; none for another session's stream. */
export async function readStreamEvents(
  db: Queryable,
  sessionId: string,
  streamId: string,
  afterSeq: number,
): Promise<StreamEventRow[]> {
  const { rows } = await db.query<StreamEventRow>({
    name: 'read_stream_events',
    text: `select seq, sealed, final from mcp_stream_events
           where stream_id = $1 and session_id = $2 and seq > $3 order by seq limit 1000`,
    values: [streamId, sessionId, afterSeq],
  });
  return rows;
}

/** Forgets events that nobody has come back for. */
export async function deleteOldStreamEvents(db: Queryable, ageMs: number): Promise<void> {
  await db.query(`delete from mcp_stream_events where created_at < now() - $1 * interval '1 millisecond'`, [
    ageMs,
  ]);
}
