import type { Pool } from './pool.ts';

/** A request to open sealed copies as it is stored: signed statements, which say everything. */
export interface StoredBreakGlass {
  readonly requestId: string;
  /** JWS of who asked for what, and why. */
  readonly asked: string;
  /** JWS of the second person's answer; null while there is none. */
  readonly answered: string | null;
  /** Anything but null: it opens nothing any more. */
  readonly revoked: string | null;
}

const columns = 'request_id as "requestId", asked, answered, revoked';

export async function addBreakGlass(
  pool: Pool,
  request: Pick<StoredBreakGlass, 'requestId' | 'asked'> & { readonly sessionId: string },
): Promise<void> {
  await pool.query('insert into break_glass (request_id, session_id, asked) values ($1, $2, $3)', [
    request.requestId,
    request.sessionId,
    request.asked,
  ]);
}

/** The latest requests, the newest first. */
export async function latestBreakGlass(pool: Pool, limit: number): Promise<StoredBreakGlass[]> {
  const { rows } = await pool.query<StoredBreakGlass>(
    `select ${columns} from break_glass order by asked_at desc, request_id limit $1`,
    [limit],
  );
  return rows;
}

export async function findBreakGlass(pool: Pool, requestId: string): Promise<StoredBreakGlass | null> {
  const { rows } = await pool.query<StoredBreakGlass>(
    `select ${columns} from break_glass where request_id = $1`,
    [requestId],
  );
  return rows[0] ?? null;
}

/** Stores an answer or a revocation. @returns false when there was one already, or it was revoked */
export async function settleBreakGlass(
  pool: Pool,
  requestId: string,
  what: 'answered' | 'revoked',
  jws: string,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update break_glass set ${what} = $2 where request_id = $1 and revoked is null and ${what} is null`,
    [requestId, jws],
  );
  return rowCount === 1;
}
