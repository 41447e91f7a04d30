import type { ApproverGroup } from '../policy/verdict.ts';
import type { Person } from '../workflows/contract.ts';
import { restartClocks, stopClocks } from './clock-stops.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** Who did something to the kill switch, where and when. */
export interface SwitchAct {
  readonly person: Person;
  readonly via: string;
  readonly atMs: number;
}

/** A freeze that is in force. */
export interface Freeze {
  readonly since: Date;
  /** Masked words of whoever froze. */
  readonly because: string | null;
  readonly by: SwitchAct;
  /** Who has asked to lift it so far. */
  readonly lifts: readonly SwitchAct[];
}

/** The freeze in force; null while calls run. */
export async function freezeInForce(db: Queryable): Promise<Freeze | null> {
  const { rows } = await db.query<Freeze>(
    `select began_at as since, because, by, lifts from clock_stops where kind = 'freeze' and ended_at is null`,
  );
  return rows[0] ?? null;
}

/** Whether the kill switch is on: the cheapest question about it. */
export async function isFrozen(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ frozen: boolean }>('select frozen from kill_switch');
  const [row] = rows;
  if (!row) throw new Error('the row of the kill switch is gone');
  return row.frozen;
}

/**
 * Turns the kill switch on. When this resolves, no claim that had not been committed before will ever succeed until it
 * is lifted, and the clocks of all requests stand still.
 * @returns false when it was on already
 */
export async function freeze(
  pool: Pool,
  act: { person: Person; via: string; because: string | null },
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    // Waits for the claims that are just being made.
    const { rowCount } = await client.query('update kill_switch set frozen = true where not frozen');
    if (rowCount !== 1) return false;
    const by: SwitchAct = { person: act.person, via: act.via, atMs: Date.now() };
    const { rows } = await client.query<{ began_at: Date }>(
      `insert into clock_stops (kind, because, by) values ('freeze', $1, $2) returning began_at`,
      [act.because, JSON.stringify(by)],
    );
    await stopClocks(client, 'freeze', rows[0]?.began_at ?? new Date());
    return true;
  });
}

/** What became of asking to lift a freeze. */
export type Lifted =
  | { readonly kind: 'not frozen' }
  /** Another person is needed. `again`: this one had asked already. */
  | { readonly kind: 'waits'; readonly again: boolean }
  | { readonly kind: 'lifted'; readonly by: readonly SwitchAct[] };

/**
 * Asks to lift the freeze. It is lifted when `peopleNeeded` distinct people have asked, compared by every key of
 * theirs; deadlines then move by as long as the freeze lasted.
 */
export async function lift(
  pool: Pool,
  act: { person: Person; via: string; peopleNeeded: number },
): Promise<Lifted> {
  return inTransaction(pool, async (client): Promise<Lifted> => {
    await client.query('select 1 from kill_switch for update');
    const open = await freezeInForce(client);
    if (!open) return { kind: 'not frozen' };
    const again = open.lifts.some(({ person }) => person.keys.some((key) => act.person.keys.includes(key)));
    const mine: SwitchAct = { person: act.person, via: act.via, atMs: Date.now() };
    const lifts = again ? open.lifts : [...open.lifts, mine];
    const enough = lifts.length >= act.peopleNeeded;
    await client.query(
      `update clock_stops set lifts = $1, ended_at = case when $2 then now() end
       where kind = 'freeze' and ended_at is null`,
      [JSON.stringify(lifts), enough],
    );
    if (!enough) return { kind: 'waits', again };
    await client.query('update kill_switch set frozen = false');
    await restartClocks(client);
    return { kind: 'lifted', by: lifts };
  });
}

/** Who may turn the kill switch, as the policy in force has it. */
export async function switchPeople(db: Queryable): Promise<readonly ApproverGroup[]> {
  const { rows } = await db.query<{ people: ApproverGroup[] }>('select people from kill_switch');
  return rows[0]?.people ?? [];
}

/** Keeps who may turn the kill switch, for surfaces that have no policy of their own. */
export async function keepSwitchPeople(db: Queryable, groups: readonly ApproverGroup[]): Promise<void> {
  await db.query('update kill_switch set people = $1 where people <> $1::jsonb', [JSON.stringify(groups)]);
}
