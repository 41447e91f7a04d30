import type { Pool } from './pool.ts';

/** A condition on a session `s`: that nothing holds it. */
export const notHeld = `s.legal_hold is null and not exists (
  select from legal_holds h where h.released_at is null
    and (h.subject is null or h.subject = s.subject) and (h.connection is null or h.connection = s.connection))`;

/** A standing legal hold: on what sessions there are, and on those to come. */
export interface LegalHold {
  readonly holdNo: number;
  readonly subject: string | null;
  readonly connection: string | null;
  readonly reason: string;
  readonly madeBy: string;
  readonly madeAt: Date;
}

/** Puts a session under legal hold, or releases it (null). @returns false when there is no such session */
export async function setLegalHold(pool: Pool, sessionId: string, reason: string | null): Promise<boolean> {
  const { rowCount } = await pool.query(
    'update record_sessions set legal_hold = $2 where session_id = $1 and destroyed_at is null',
    [sessionId, reason],
  );
  return rowCount === 1;
}

/** Holds all sessions of a person, a connection, or a person on a connection. @returns the hold's number */
export async function addLegalHold(
  pool: Pool,
  hold: Pick<LegalHold, 'subject' | 'connection' | 'reason' | 'madeBy'>,
): Promise<number> {
  const { rows } = await pool.query<{ hold_no: number }>(
    'insert into legal_holds (subject, connection, reason, made_by) values ($1, $2, $3, $4) returning hold_no',
    [hold.subject, hold.connection, hold.reason, hold.madeBy],
  );
  return rows[0]?.hold_no ?? 0;
}

/** @returns false when no such hold is in force */
export async function releaseLegalHold(pool: Pool, holdNo: number, person: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'update legal_holds set released_at = now(), released_by = $2 where hold_no = $1 and released_at is null',
    [holdNo, person],
  );
  return rowCount === 1;
}

/** The standing holds in force, and the sessions held one by one. */
export async function legalHolds(
  pool: Pool,
): Promise<{ standing: LegalHold[]; sessions: { sessionId: string; subject: string; reason: string }[] }> {
  const standing = await pool.query<LegalHold>(
    `select hold_no as "holdNo", subject, connection, reason, made_by as "madeBy", made_at as "madeAt"
     from legal_holds where released_at is null order by hold_no`,
  );
  const sessions = await pool.query<{ sessionId: string; subject: string; reason: string }>(
    `select session_id as "sessionId", subject, legal_hold as reason from record_sessions
     where legal_hold is not null order by session_id limit 10000`,
  );
  return { standing: standing.rows, sessions: sessions.rows };
}
