import type { SwitchAct } from './kill-switch.ts';
import type { Queryable } from './pool.ts';

/** One thing that happened to a stop, as it is recorded. */
export interface StopAct {
  readonly act: string;
  readonly details: Readonly<Record<string, string | null>>;
}

/** A stop of which the recording does not have everything yet. */
export interface UnrecordedStop {
  readonly stopId: string;
  /** Everything that happened to it, in order. */
  readonly acts: readonly StopAct[];
  /** How many of the acts are recorded. */
  readonly recorded: number;
}

interface StopRow {
  readonly stopId: string;
  readonly kind: 'freeze' | 'slack';
  readonly beganAt: Date;
  readonly endedAt: Date | null;
  readonly because: string | null;
  readonly by: SwitchAct | null;
  readonly lifts: readonly SwitchAct[];
  readonly recorded: number;
}

/** Stops with acts that are not recorded yet. */
export async function unrecordedActs(db: Queryable): Promise<readonly UnrecordedStop[]> {
  const { rows } = await db.query<StopRow>(
    `select stop_id as "stopId", kind, began_at as "beganAt", ended_at as "endedAt", because, by, lifts, recorded
     from clock_stops
     where recorded < 1 + jsonb_array_length(lifts) + case when ended_at is null then 0 else 1 end order by stop_id`,
  );
  return rows.map((row) => ({ stopId: row.stopId, recorded: row.recorded, acts: actsOf(row) }));
}

function actsOf({ kind, beganAt, endedAt, because, by, lifts }: StopRow): readonly StopAct[] {
  const what = kind === 'freeze' ? 'kill-switch' : 'slack-outage';
  const who = (one: SwitchAct | null): Record<string, string | null> =>
    one ? { person: one.person.keys.join(' '), name: one.person.name, via: one.via } : {};
  return [
    { act: `${what}.on`, details: { at: beganAt.toISOString(), because, ...who(by) } },
    ...lifts.map((one) => ({
      act: `${what}.lift`,
      details: { at: new Date(one.atMs).toISOString(), ...who(one) },
    })),
    ...(endedAt === null ? [] : [{ act: `${what}.off`, details: { at: endedAt.toISOString() } }]),
  ];
}

/** Notes how many acts of a stop are recorded. */
export async function markActsRecorded(db: Queryable, stopId: string, acts: number): Promise<void> {
  await db.query('update clock_stops set recorded = greatest(recorded, $2) where stop_id = $1', [
    stopId,
    acts,
  ]);
}

/** Ids of the stops that are in force. */
export async function openStops(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    'select stop_id as id from clock_stops where ended_at is null order by stop_id',
  );
  return rows.map(({ id }) => id);
}

/** Has the cards of the calls that wait brought up to date: their clocks have stopped, or go on. */
export async function refreshWaiting(db: Queryable): Promise<void> {
  await db.query(
    `insert into slack_refreshes (call_id) select call_id from held_calls where state = 'pending'
     on conflict (call_id) do update set wish = slack_refreshes.wish + 1,
       due_at = least(slack_refreshes.due_at, now())`,
  );
}

/** Workflows of the calls that wait; at most ten thousand. */
export async function pendingWorkflows(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select workflow_id as id from held_calls where state = 'pending' order by expires_at limit 10000`,
  );
  return rows.map(({ id }) => id);
}
