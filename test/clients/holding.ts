import { setTimeout as sleep } from 'node:timers/promises';
import type { Site } from '../support/site.ts';
import { type Driven, drive } from './drive.ts';
import type { Happening, Plan } from './drivers/plan.ts';
import type { ClientRow } from './installs.ts';

/** What a column needs of the world around it. */
export interface World {
  readonly site: Site;
  /** How often the held tool ran with this mark. */
  executions(mark: string): number;
  /** Kills the first gateway and starts it again. */
  restartGateway(): Promise<void>;
}

/** A column in which a call is held. All clients take part at the same moment. */
export interface HoldingColumn {
  readonly title: string;
  /** @returns the cell of each client, by id; a word in bold when something was lost */
  run(world: World, rows: readonly ClientRow[]): Promise<ReadonlyMap<string, string>>;
}

interface Held {
  readonly row: ClientRow;
  readonly mark: string;
  readonly driven: Driven;
}

export const holdingColumns: readonly HoldingColumn[] = [
  {
    title: 'held 5 s',
    run: async (world, rows) => {
      const held = await startAll(world, rows, 'five', {});
      await sleep(5000);
      return decided(world, held);
    },
  },
  {
    title: 'held 75 s, past the usual 60',
    run: async (world, rows) => {
      const held = await startAll(world, rows, 'long', { repeats: 30 });
      await sleep(75_000);
      return decided(world, held);
    },
  },
  {
    title: 'approved after it gave up',
    run: async (world, rows) => {
      const gone = await startAll(world, rows, 'gave-up', { timeoutMs: 8000 });
      await Promise.all(gone.map(async ({ driven }) => driven.ended));
      await approveAll(world, gone);
      return outcomes(
        world,
        await startAll(world, rows, 'gave-up', { repeats: 5 }, false),
        'on the next call',
      );
    },
  },
  {
    title: 'gateway killed and started meanwhile',
    run: async (world, rows) => {
      const held = await startAll(world, rows, 'restart', { repeats: 20 });
      await world.restartGateway();
      return decided(world, held);
    },
  },
  {
    title: 'second replica answers',
    run: async (world, rows) => {
      const gone = await startAll(world, rows, 'replica', { timeoutMs: 8000 });
      await Promise.all(gone.map(async ({ driven }) => driven.ended));
      await approveAll(world, gone);
      return outcomes(
        world,
        await startAll(world, rows, 'replica', { repeats: 5 }, false, 1),
        'on the other replica',
      );
    },
  },
];

/** Makes every client's call; with `wait`, until all are held. */
async function startAll(
  world: World,
  rows: readonly ClientRow[],
  column: string,
  plan: Partial<Plan>,
  wait = true,
  gateway = 0,
): Promise<Held[]> {
  const held = rows.map((row) => {
    const mark = `${column}-${row.id}`;
    const call = { tool: 'held', args: { mark } };
    return { row, mark, driven: drive(row, { ...plan, call, url: world.site.url(row.id, gateway) }) };
  });
  if (wait) await Promise.all(held.map(async ({ row }) => untilHeld(world, row)));
  return held;
}

async function untilHeld(world: World, row: ClientRow): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if ((await pendingOf(world, row)).length > 0) return;
    await sleep(100);
  }
  throw new Error(`${row.title}: its call was never held`);
}

async function pendingOf(world: World, row: ClientRow): Promise<string[]> {
  const { rows } = await world.site.pool.query<{ id: string }>(
    `select call_id as id from held_calls where connection = $1 and state = 'pending' and opened_at is not null`,
    [row.id],
  );
  return rows.map(({ id }) => id);
}

async function approveAll(world: World, held: readonly Held[]): Promise<void> {
  for (const { row } of held) {
    const pending = await pendingOf(world, row);
    // None or several: the cell will say that it ran no times, or several.
    if (pending.length === 0) continue;
    const { code, err } = await world.site.command('approvals', 'approve', ...pending);
    if (code !== 0) throw new Error(`${row.title}: approving failed: ${err}`);
  }
}

async function decided(world: World, held: readonly Held[]): Promise<ReadonlyMap<string, string>> {
  await approveAll(world, held);
  return outcomes(world, held, 'in the same call');
}

async function outcomes(
  world: World,
  held: readonly Held[],
  atOnce: string,
): Promise<ReadonlyMap<string, string>> {
  const cells = await Promise.all(
    held.map(async ({ row, mark, driven }) => {
      const cell = describe(await driven.ended, mark, atOnce);
      const executions = world.executions(mark);
      return [row.id, executions === 1 ? cell : `**ran ${executions} times** (${cell})`] as const;
    }),
  );
  return new Map(cells);
}

/** What a client got, in a few words. */
function describe(happened: readonly Happening[], mark: string, atOnce: string): string {
  const turns = happened.filter((one) => one.event === 'answer' || one.event === 'error');
  const last = turns.at(-1);
  if (last?.event !== 'answer' || last.text !== `ran ${mark}`)
    return `**lost**: ${JSON.stringify(last ?? null).slice(0, 200)}`;
  if (turns.length === 1) return `result ${atOnce}`;
  const before = turns[0]?.event === 'error' ? 'an error' : 'told that it is pending';
  return `${before}, result on repeating the call`;
}
