import type { Pool } from './pool.ts';

/** Where a held call's records are, and who voted on it. */
export interface HeldCallTrace {
  readonly sessionId: string;
  readonly correlationId: string;
  readonly votes: readonly { readonly jws: string }[];
  readonly callerKey: string;
  readonly connection: string;
  readonly createdAt: Date;
  /** Null while it is open. */
  readonly endedAt: Date | null;
}

/** @returns null when no call of this id was held */
export async function heldCallTrace(pool: Pool, callId: string): Promise<HeldCallTrace | null> {
  const { rows } = await pool.query<{
    session_id: string;
    correlation_id: string;
    decisions: { jws: string }[];
    caller_key: string;
    connection: string;
    created_at: Date;
    ended_at: Date | null;
  }>(
    `select session_id, correlation_id, decisions, caller ->> 'key' as caller_key, connection, created_at, ended_at
     from held_calls where call_id = $1`,
    [callId],
  );
  const [row] = rows;
  return row
    ? {
        sessionId: row.session_id,
        correlationId: row.correlation_id,
        votes: row.decisions.map(({ jws }) => ({ jws })),
        callerKey: row.caller_key,
        connection: row.connection,
        createdAt: row.created_at,
        endedAt: row.ended_at,
      }
    : null;
}
