import type { Logger } from 'pino';
import { endedAmong, endedLately, purgeResults, sweepDead } from '../../db/held-execution.ts';
import { forgetEndedGrants } from '../../db/grants.ts';
import { heldCallChannel, watchHeldCalls } from '../../db/held-call-watch.ts';
import type { Pool } from '../../db/pool.ts';
import type { HoldSettings } from './settings.ts';
import type { Waiters } from './waiters.ts';

/** What waking and sweeping need. */
export interface SweepDeps {
  readonly pool: Pool;
  /** For the one connection that listens. */
  readonly databaseUrl: string;
  readonly waiters: Waiters;
  readonly settings: HoldSettings;
  readonly log: Logger;
}

const lostNotificationMs = 2000;
/** Before anybody is asked, previews and preconditions may take this long. */
const preparingMs = 20_000;
const deadCallsMs = 5000;
const purgeMs = 600_000;
const endedGrantsMs = 60_000;

/**
 * Wakes waiting requests when their call has ended: by notification, and by a look at what ended lately for those
 * that were lost. Also ends calls whose executor or opener died, and deletes results whose time is over; any number
 * of gateways may do so at once.
 */
export async function startSweeping(deps: SweepDeps): Promise<{ close(): Promise<void> }> {
  const { pool, waiters, settings, log } = deps;
  // A notification only says that something changed; whether it ended is asked for all of them at once.
  const wakeEnded = async (withinMs: number): Promise<void> => {
    if (waiters.size === 0) return;
    for (const callId of await endedLately(pool, withinMs)) waiters.leaveAll(callId, 'ended');
  };
  let failedAtMs = 0;
  const sweep = async (): Promise<void> => {
    const { executorSilenceMs, openDeadlineMs } = settings;
    // While the database was away no executor could say that it lives: they get the time to do so.
    if (Date.now() - failedAtMs < executorSilenceMs) return;
    const limits = { silentMs: executorSilenceMs, unopenedMs: openDeadlineMs * 4 + preparingMs };
    const dead = await sweepDead(pool, limits).catch((error: unknown) => {
      failedAtMs = Date.now();
      throw error;
    });
    if (dead.unknown.length + dead.aborted.length + dead.expired.length > 0)
      log.warn(dead, 'ended held calls that nobody would have ended');
  };
  const guarded =
    (what: string, work: () => Promise<unknown>): (() => void) =>
    () => {
      work().catch((error: unknown) => log.warn({ err: error }, `${what} failed; it is tried again`));
    };

  const woken = new Set<string>();
  const wake = guarded('waking held calls', async () => {
    const callIds = [...woken];
    woken.clear();
    const ended = await endedAmong(pool, callIds);
    for (const { callId } of ended) waiters.leaveAll(callId, 'ended');
  });
  const watch = await watchHeldCalls(deps.databaseUrl, {
    changed(callId) {
      if (waiters.of(callId).length === 0) return;
      if (woken.size === 0) setImmediate(wake);
      woken.add(callId);
    },
    listening: guarded('looking for missed changes', () => wakeEnded(600_000)),
    lost: (error) => log.warn({ err: error, channel: heldCallChannel }, 'the listening connection broke'),
  });
  await sweep();
  const timers = [
    setInterval(
      guarded('looking for missed changes', () => wakeEnded(lostNotificationMs * 3)),
      lostNotificationMs,
    ),
    setInterval(guarded('sweeping held calls', sweep), deadCallsMs),
    setInterval(
      guarded('deleting old results', () => purgeResults(pool)),
      purgeMs,
    ),
    setInterval(
      guarded('forgetting what ended grants compared with', () => forgetEndedGrants(pool)),
      endedGrantsMs,
    ),
  ];
  return {
    async close() {
      for (const timer of timers) clearInterval(timer);
      await watch.close();
    },
  };
}
