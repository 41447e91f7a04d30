import type { Queryable } from './pool.ts';

/** A call whose cards are to be brought up to date. */
export interface DueRefresh {
  readonly callId: string;
  /** The wish that was last made when it was taken. */
  readonly wish: string;
}

/** Takes calls whose cards are due, for `leaseMs`: a process that dies with them leaves them to the next one. */
export async function takeRefreshes(
  db: Queryable,
  { limit, leaseMs }: { limit: number; leaseMs: number },
): Promise<readonly DueRefresh[]> {
  const { rows } = await db.query<DueRefresh>(
    `update slack_refreshes set due_at = now() + $2 * interval '1 millisecond'
     where call_id in (
       select call_id from slack_refreshes where due_at <= now() order by due_at limit $1 for update skip locked)
     returning call_id as "callId", wish`,
    [limit, leaseMs],
  );
  return rows;
}

/**
 * The cards were brought up to date. A wish made meanwhile is due now; else the next thing that happens by itself is:
 * the end of a grant that was given with the call.
 */
export async function refreshDone(db: Queryable, { callId, wish }: DueRefresh): Promise<void> {
  await db.query('delete from slack_refreshes where call_id = $1 and wish = $2', [callId, wish]);
  await db.query('update slack_refreshes set due_at = now() where call_id = $1 and wish <> $2', [
    callId,
    wish,
  ]);
  await db.query(
    `insert into slack_refreshes (call_id, due_at)
     select call_id, expires_at from approval_grants
     where call_id = $1 and revoked_at is null and used < calls and expires_at > now()
     on conflict do nothing`,
    [callId],
  );
}

/** They could not be: tried again after `delayMs`. */
export async function postponeRefresh(db: Queryable, callId: string, delayMs: number): Promise<void> {
  await db.query(
    `update slack_refreshes set due_at = now() + $2 * interval '1 millisecond' where call_id = $1`,
    [callId, delayMs],
  );
}
