import type { ApproverGroup } from '../policy/verdict.ts';
import type { ClockState, CountedExtension } from '../workflows/contract.ts';
import type { Queryable } from './pool.ts';

/** How a request's clock stands; null when there is no such call. */
export async function clockOf(db: Queryable, callId: string): Promise<ClockState | null> {
  const { rows } = await db.query<ClockState>(
    `select extract(epoch from expires_at)::float8 * 1000 as "expiresAtMs",
       case when clock_stopped_at is null then null
            when exists (select from clock_stops where kind = 'freeze' and ended_at is null) then 'freeze'
            else 'slack' end as stopped,
       extract(epoch from clock_stood_still(created_at, on_slack_outage))::float8 * 1000 as "stoppedMs",
       exists (select from clock_stops where kind = 'slack' and ended_at is null) as "slackDown",
       exec_token is not null as claimed
     from held_calls where call_id = $1`,
    [callId],
  );
  return rows[0] ?? null;
}

/** A stage that has just let its groups join. */
export interface JoinedStage {
  readonly groups: readonly ApproverGroup[];
}

/**
 * Lets the groups of an escalation stage join a call that waits. Each stage does so once.
 * @returns the groups that joined now; null when they had joined before, or the call does not wait any more
 */
export async function joinStage(db: Queryable, callId: string, stage: number): Promise<JoinedStage | null> {
  const { rows } = await db.query<JoinedStage>(
    `update held_calls set escalated = $2::int + 1, approvers = approvers || coalesce((
         select jsonb_agg(joining) from jsonb_array_elements(escalation -> $2::int -> 'to') joining
         where not approvers @> jsonb_build_array(jsonb_build_object('name', joining -> 'name'))), '[]')
     where call_id = $1 and state = 'pending' and escalated <= $2::int and jsonb_array_length(escalation) > $2::int
     returning escalation -> $2::int -> 'to' as groups`,
    [callId, stage],
  );
  return rows[0] ?? null;
}

/**
 * Writes extensions and moves the deadline. A row that has ended, or knows more extensions, stays as it is.
 * @returns how many of the extensions the row did not know before
 */
export async function storeExtensions(
  db: Queryable,
  callId: string,
  extensions: readonly CountedExtension[],
  baseExpiresAtMs: number,
): Promise<number> {
  const { rows } = await db.query<{ known: number }>(
    `with before as (select call_id, jsonb_array_length(extensions) as known from held_calls where call_id = $1 for update)
     update held_calls c set extensions = $2, base_expires_at = to_timestamp($3::double precision / 1000),
       expires_at = to_timestamp($3::double precision / 1000) + clock_stood_still(created_at, on_slack_outage)
     from before where c.call_id = before.call_id and c.state = 'pending' and before.known < jsonb_array_length($2::jsonb)
     returning before.known`,
    [callId, JSON.stringify(extensions), baseExpiresAtMs],
  );
  return rows[0] ? extensions.length - rows[0].known : 0;
}

/** Notes whether approvers could be asked in Slack. */
export async function noteAnnounced(db: Queryable, callId: string, reached: boolean): Promise<void> {
  await db.query(
    `update held_calls set unannounced_at = case when $2 then null else coalesce(unannounced_at, now()) end
     where call_id = $1 and (not $2 or unannounced_at is not null)`,
    [callId, reached],
  );
}
