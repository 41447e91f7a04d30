import type { StoredVote } from './card-facts.ts';
import type { Queryable } from './pool.ts';

/** What a new call is compared with. */
export interface Neighbours {
  readonly previous: { readonly callId: string; readonly at: Date; readonly shownArgs: string } | null;
  readonly denied: {
    readonly callId: string;
    readonly at: Date;
    readonly shownArgs: string;
    readonly decisions: readonly StoredVote[];
  } | null;
  readonly unclear: { readonly callId: string; readonly at: Date } | null;
  readonly approvedLately: number;
  readonly deniedLately: number;
}

/** For how long decisions count as late. */
export const historyDays = 30;

/** Earlier calls that say something about a new one. `attachKey` names the identical call. */
export async function neighboursOf(
  db: Queryable,
  call: {
    sessionId: string;
    callerKey: string;
    connection: string;
    tool: string;
    rule: string;
    attachKey: Buffer;
  },
): Promise<Neighbours> {
  const { sessionId, callerKey, connection, tool, rule, attachKey } = call;
  const one = async <T extends object>(sql: string, values: readonly unknown[]): Promise<T | null> =>
    (await db.query<T>(sql, [...values])).rows[0] ?? null;
  const ofTool = 'session_id = $1 and connection = $2 and tool = $3';
  const previous = await one<NonNullable<Neighbours['previous']>>(
    `select call_id as "callId", created_at as at, shown_args as "shownArgs" from held_calls
     where ${ofTool} and state in ('executing', 'succeeded', 'failed', 'unknown')
     order by created_at desc limit 1`,
    [sessionId, connection, tool],
  );
  const denied = await one<NonNullable<Neighbours['denied']>>(
    `select call_id as "callId", created_at as at, shown_args as "shownArgs", decisions from held_calls
     where ${ofTool} and state = 'denied' and created_at > now() - interval '1 day'
       and created_at > coalesce($4::timestamptz, '-infinity')
     order by created_at desc limit 1`,
    [sessionId, connection, tool, previous?.at ?? null],
  );
  const unclear = await one<NonNullable<Neighbours['unclear']>>(
    `select call_id as "callId", created_at as at from held_calls
     where attach_key = $1 and state = 'unknown' order by created_at desc limit 1`,
    [attachKey],
  );
  const counts = await one<{ approved: number; denied: number }>(
    `select count(*) filter (where state <> 'denied')::int as approved,
            count(*) filter (where state = 'denied')::int as denied
     from held_calls
     where caller ->> 'key' = $1 and connection = $2 and tool = $3 and rule = $4
       and state in ('executing', 'succeeded', 'failed', 'unknown', 'denied')
       and created_at > now() - make_interval(days => $5)`,
    [callerKey, connection, tool, rule, historyDays],
  );
  return {
    previous,
    denied,
    unclear,
    approvedLately: counts?.approved ?? 0,
    deniedLately: counts?.denied ?? 0,
  };
}
