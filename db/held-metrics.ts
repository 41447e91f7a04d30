import type { Queryable } from './pool.ts';

/** What is open now, as metrics see it. */
export interface OpenCalls {
  /** Pending calls by approver group; a call asked of two groups counts in both. */
  readonly pendingByGroup: Readonly<Record<string, number>>;
  readonly oldestPendingSeconds: number;
  readonly executing: number;
  /** Pending although their time was up a minute ago: nobody settles them. */
  readonly overdue: number;
  /** Ended as `unknown` within the last 24 hours. */
  readonly unknownLastDay: number;
  /** Pending, and no approver could be asked in Slack. */
  readonly unannounced: number;
  /** 1 while the kill switch is on. */
  readonly frozen: number;
  /** For how long Slack has been away; 0 while it answers. */
  readonly slackAwaySeconds: number;
}

/** Counts what is open. Looks at open rows and at the last day's only. */
export async function openCalls(db: Queryable): Promise<OpenCalls> {
  const { rows } = await db.query<Omit<OpenCalls, 'pendingByGroup'>>(
    `select
       coalesce(extract(epoch from now() - min(created_at) filter (where state = 'pending')), 0)::float8
         as "oldestPendingSeconds",
       count(*) filter (where state = 'executing')::int as executing,
       count(*) filter (where state = 'pending' and expires_at < now() - interval '1 minute'
         and clock_stopped_at is null)::int as overdue,
       count(*) filter (where state = 'pending' and unannounced_at is not null)::int as unannounced,
       (select count(*)::int from clock_stops where kind = 'freeze' and ended_at is null) as frozen,
       coalesce((select extract(epoch from now() - began_at) from clock_stops
         where kind = 'slack' and ended_at is null), 0)::float8 as "slackAwaySeconds",
       (select count(*)::int from held_calls where state = 'unknown' and ended_at > now() - interval '1 day')
         as "unknownLastDay"
     from held_calls where state in ('pending', 'executing')`,
  );
  const groups = await db.query<{ name: string; calls: number }>(
    `select approver ->> 'name' as name, count(*)::int as calls
     from held_calls, jsonb_array_elements(approvers) approver where state = 'pending' group by 1`,
  );
  const pendingByGroup = Object.fromEntries(groups.rows.map(({ name, calls }) => [name, calls]));
  const [row] = rows;
  if (!row) throw new Error('an aggregate query returned no row');
  return { ...row, pendingByGroup };
}

/** What metrics want to know of a call that has ended. */
export interface EndedCall {
  readonly state: string;
  readonly groups: readonly string[];
  /** From the request to the decision; null when nobody decided. */
  readonly secondsToDecision: number | null;
}

/** Reads a call that has ended; null when there is none. */
export async function endedCall(db: Queryable, callId: string): Promise<EndedCall | null> {
  const { rows } = await db.query<EndedCall>(
    `select state, jsonb_path_query_array(approvers, '$[*].name') as groups,
       extract(epoch from decided_at - created_at)::float8 as "secondsToDecision"
     from held_calls where call_id = $1`,
    [callId],
  );
  return rows[0] ?? null;
}
