import {
  markActsRecorded,
  openStops,
  pendingWorkflows,
  refreshWaiting,
  unrecordedActs,
} from '../db/clock-stop-acts.ts';
import type { Pool } from '../db/pool.ts';

/** What watching the kill switch and Slack's outages needs. */
export interface StopWatchDeps {
  readonly pool: Pool;
  /** Records an act durably. */
  readonly recordAct: (act: string, details: Readonly<Record<string, string | null>>) => Promise<void>;
  /** Lets a workflow ask anew how its clock stands. */
  readonly clockChanged: (workflowId: string) => Promise<void>;
  readonly log: { warn(facts: object, text: string): void };
  readonly everyMs?: number;
}

/** Watching that runs. */
export interface StopWatch {
  /** Looks now; for those who cannot wait. */
  look(): Promise<void>;
  stop(): void;
}

const atOnce = 20;

/**
 * Records who turned the kill switch and how Slack went away, whichever surface it was, and tells the workflows of
 * waiting requests when clocks go on. Any number of workers may watch: an act may then be recorded twice, never none.
 * A workflow that is not told finds out by itself, only later.
 */
export function startStopWatch(deps: StopWatchDeps): StopWatch {
  const { pool, log, everyMs = 2_000 } = deps;
  let open: string | null = null;
  const look = async (): Promise<void> => {
    for (const { stopId, acts, recorded } of await unrecordedActs(pool)) {
      for (const { act, details } of acts.slice(recorded)) await deps.recordAct(act, details);
      await markActsRecorded(pool, stopId, acts.length);
    }
    const now = (await openStops(pool)).join(',');
    const changed = open !== null && open !== now;
    if (changed) {
      await refreshWaiting(pool);
      await tellWorkflows(deps);
    }
    open = now;
  };
  let looking: Promise<void> | null = null;
  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) =>
        log.warn({ err: error }, 'the kill switch could not be watched; it is tried again'),
      )
      .finally(() => {
        looking = null;
      });
  }, everyMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}

async function tellWorkflows({ pool, clockChanged, log }: StopWatchDeps): Promise<void> {
  const workflowIds = await pendingWorkflows(pool);
  for (let at = 0; at < workflowIds.length; at += atOnce)
    await Promise.all(
      workflowIds
        .slice(at, at + atOnce)
        .map((workflowId) =>
          clockChanged(workflowId).catch((error: unknown) =>
            log.warn({ workflowId, err: error }, 'a workflow could not be told that its clock has changed'),
          ),
        ),
    );
}
