import type { Queryable } from './pool.ts';

/** What makes clocks stand still. */
export type StopKind = 'freeze' | 'slack';

/**
 * Makes the clocks stand still that a stop of this kind is to stop. For a transaction in which the stop was opened.
 * @param at when it began
 */
export async function stopClocks(db: Queryable, kind: StopKind, at: Date): Promise<void> {
  await db.query(
    `update held_calls set clock_stopped_at = $2
     where state = 'pending' and clock_stopped_at is null and ($1 = 'freeze' or on_slack_outage = 'freeze')`,
    [kind, at],
  );
}

/**
 * Lets the clocks go on that nothing stops any more: each deadline moves by as long as its clock stood still. For the
 * transaction in which a stop was ended.
 */
export async function restartClocks(db: Queryable): Promise<void> {
  await db.query(
    `update held_calls c set
       expires_at = coalesce(base_expires_at, expires_at) + clock_stood_still(created_at, on_slack_outage),
       clock_stopped_at = null
     where state = 'pending' and clock_stopped_at is not null and not exists (
       select from clock_stops s
       where s.ended_at is null and (s.kind = 'freeze' or c.on_slack_outage = 'freeze'))`,
  );
}
