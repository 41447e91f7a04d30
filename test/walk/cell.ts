import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { approveAll, askUntilTold, cardsOf, type Decided, type Told } from './people.ts';
import type { Scene } from './scene.ts';
import { type Cell, type Step, stepNamed, type Victim } from './steps.ts';

/** What was seen of one call, during which something was killed. */
export interface Seen {
  readonly command: string;
  /** What the client was told, try by try. */
  readonly told: readonly Told[];
  readonly runs: number;
  readonly approver: Decided;
  readonly cards: readonly { readonly open: boolean; readonly text: string }[];
  /** The requests that were made of it, in order. */
  readonly rows: readonly Row[];
}

/** A request as ops see it. */
export interface Row {
  readonly callId: string;
  readonly state: string;
  readonly because: string | null;
  readonly voters: number;
  /** Status and search attribute in Temporal; null for a request whose workflow never came to be. */
  readonly workflow: { readonly status: string; readonly shows: string } | null;
}

const outageMs = 2000;
/** Who cannot be asked is told so after five seconds; a machine under load takes longer. */
const refusedWithinMs = 30_000;
const settledWithinMs = 120_000;

/** Brings a call to the step, kills, lets everything else go on, starts what was killed, and looks how it ended. */
export async function walk(scene: Scene, { id, step, victim }: Cell): Promise<Seen> {
  const command = `walk ${id}.`;
  const done = new AbortController();
  const told: Told[] = [];
  const armed = Promise.withResolvers<Stopped>();
  const early = step.phase === 'asking' && step.stop !== null;
  const ready = async (): Promise<void> => {
    if (early) armed.resolve(await stopAll(scene, step));
  };
  const telling = askUntilTold(scene, command, ready, told);
  telling.catch((error: unknown) => armed.reject(error as Error));
  const approve = async (): Promise<Decided> => approveAll(scene, command, done.signal);
  let approving: Promise<Decided> | null = null;
  try {
    if (!early) {
      await shown(scene, command);
      armed.resolve(await stopAll(scene, step));
    }
    const stopped = await armed.promise;
    if (step.phase === 'deciding') approving = approve();
    await stopped.reached();
    await scene.kill(victim);
    if (victim !== 'postgres') await stopped.goOn(victim);
    if (isRefused(step, victim)) await until(() => told.length > 0, refusedWithinMs);
    else await sleep(outageMs);
    await scene.revive(victim);
    if (victim === 'postgres') await stopped.goOn(victim);
    approving ??= approve();
    await telling;
    const rows = await settled(scene, command);
    done.abort();
    const ran = scene.upstream
      .calls('run')
      .filter((args) => (args as { command: string }).command === command);
    return {
      command,
      told,
      runs: ran.length,
      approver: await approving,
      cards: cardsOf(scene, command),
      rows,
    };
  } finally {
    done.abort();
    await armed.promise.then(async ({ disarm }) => disarm()).catch(() => {});
  }
}

/** Nobody can be asked while Temporal or its workers are away: the outage lasts until the client was told so. */
export function isRefused({ name }: Step, victim: Victim): boolean {
  const before = ['received', 'recorded', 'intent written', 'hold recorded'].includes(name);
  return before && (victim === 'temporal' || victim === 'worker');
}

interface Stopped {
  reached(): Promise<void>;
  /** What the victim was at never happens; the others go on. */
  goOn(victim: Victim): Promise<void>;
  /** Whatever became of the cell, the next one finds nothing armed. */
  disarm(): Promise<void>;
}

async function stopAll(scene: Scene, step: Step): Promise<Stopped> {
  const steps = [step, ...(step.beside === undefined ? [] : [stepNamed(step.beside)])];
  const arm = async () =>
    Promise.all(steps.map(async (one) => ({ by: one.by, at: await scene.stopAt(one) })));
  const before = step.after === undefined ? null : await scene.stopAt(stepNamed(step.after));
  let held = before ? [] : await arm();
  return {
    reached: async () => {
      if (before) {
        await before.reached;
        held = await arm();
        await before.release();
      }
      await Promise.all(held.map(async ({ at }) => at?.reached));
    },
    goOn: async (victim) => {
      for (const { by, at } of held) await (by === victim ? at?.drop() : at?.release());
    },
    disarm: async () => {
      for (const { at } of [{ at: before }, ...held]) await at?.release();
    },
  };
}

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  const lateMs = Date.now() + withinMs;
  while (!holds() && Date.now() < lateMs) await sleep(50);
}

/** The request is open, its card stands, and nothing is under way. */
async function shown({ site }: Scene, command: string): Promise<void> {
  const lateMs = Date.now() + settledWithinMs;
  for (;;) {
    const { rowCount } = await site.pool.query(
      `select from held_calls h join slack_cards c using (call_id)
       where h.shown_args::jsonb ->> 'command' = $1 and h.opened_at is not null and c.ts is not null
         and not exists (select from slack_card_leases l where l.card_id = c.card_id)`,
      [command],
    );
    if (rowCount) return;
    if (Date.now() > lateMs) throw new Error(`no card of "${command}" came to stand`);
    await sleep(50);
  }
}

/** Waits until nothing is under way any more: rows ended, workflows closed, cards without buttons, clicks settled. */
async function settled(scene: Scene, command: string): Promise<Row[]> {
  const lateMs = Date.now() + settledWithinMs;
  const connection = await Connection.connect({ address: scene.site.temporalAddress });
  try {
    for (;;) {
      const rows = await rowsOf(scene, connection, command).catch(() => []);
      const open =
        rows.length === 0 ||
        rows.some(
          ({ state, workflow }) => ['pending', 'executing'].includes(state) || workflow?.status === 'RUNNING',
        ) ||
        cardsOf(scene, command).some((card) => card.open) ||
        (await clicksOpen(scene, rows));
      if (!open) return rows;
      if (Date.now() > lateMs)
        throw new Error(
          `"${command}" does not settle: ${JSON.stringify({ rows, cards: cardsOf(scene, command) })}`,
        );
      await sleep(200);
    }
  } finally {
    await connection.close();
  }
}

async function clicksOpen({ site }: Scene, rows: readonly Row[]): Promise<boolean> {
  const { rowCount } = await site.pool.query(
    `select from slack_decisions where call_id = any($1) and state = 'received'`,
    [rows.map(({ callId }) => callId)],
  );
  return rowCount !== 0;
}

async function rowsOf({ site }: Scene, connection: Connection, command: string): Promise<Row[]> {
  const { rows } = await site.pool.query<{
    callId: string;
    workflowId: string;
    state: string;
    because: string | null;
    voters: number;
  }>(
    `select call_id as "callId", workflow_id as "workflowId", state, ended_because as because,
       jsonb_array_length(decisions) as voters
     from held_calls where shown_args::jsonb ->> 'command' = $1 order by created_at`,
    [command],
  );
  return Promise.all(
    rows.map(async ({ workflowId, ...row }) => ({
      ...row,
      workflow: await workflowOf(connection, workflowId),
    })),
  );
}

const statuses = [
  '',
  'RUNNING',
  'COMPLETED',
  'FAILED',
  'CANCELED',
  'TERMINATED',
  'CONTINUED_AS_NEW',
  'TIMED_OUT',
];

async function workflowOf(connection: Connection, workflowId: string): Promise<Row['workflow']> {
  try {
    const { workflowExecutionInfo: info } = await connection.workflowService.describeWorkflowExecution({
      namespace: 'default',
      execution: { workflowId },
    });
    const shows = info?.searchAttributes?.indexedFields?.['HoldpointState']?.data;
    return {
      status: statuses[info?.status ?? 0] ?? '',
      shows: shows ? (JSON.parse(Buffer.from(shows).toString()) as string) : '',
    };
  } catch (error) {
    if ((error as { code?: number }).code === 5) return null;
    throw error;
  }
}
