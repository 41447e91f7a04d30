import type { Queryable } from './pool.ts';

/** Places in Slack by which people may be approvers. */
export interface ApproverPlaces {
  /** Ids of user groups. */
  readonly userGroups: readonly string[];
  /** Ids of channels whose members may decide. */
  readonly channels: readonly string[];
}

/** Every such place that the policy in force names, or a call that waits or is to be judged. */
export async function approverPlaces(db: Queryable): Promise<ApproverPlaces> {
  const { rows } = await db.query<ApproverPlaces>(
    `with groups as (
       select jsonb_array_elements(people) as g from kill_switch
       union all
       select jsonb_array_elements(approvers) from held_calls
       where state = 'pending' or call_id in (select call_id from unknown_tasks where mark is null))
     select coalesce(array_agg(distinct g ->> 'slackUserGroup') filter (where g ->> 'slackUserGroup' is not null), '{}')
         as "userGroups",
       coalesce(array_agg(distinct g ->> 'slackChannel')
         filter (where g ->> 'slackChannel' is not null and (g ->> 'channelMembers')::boolean), '{}') as channels
     from groups`,
  );
  return rows[0] ?? { userGroups: [], channels: [] };
}
