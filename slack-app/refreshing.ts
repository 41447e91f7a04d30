import { setTimeout as sleep } from 'node:timers/promises';
import type { Queryable } from '../db/pool.ts';
import { postponeRefresh, refreshDone, takeRefreshes } from '../db/slack-refreshes.ts';
import type { Log } from './web-client.ts';

const lookEveryMs = 2000;
const leaseMs = 60_000;
const retryMs = 5000;
const longestPauseMs = 60_000;
const stopWithinMs = 5000;

/** What bringing cards up to date needs. */
export interface RefreshingDeps {
  readonly db: Queryable;
  /** Brings every card of a call up to date (activities/cards.ts). */
  readonly refreshCards: (callId: string) => Promise<void>;
  readonly log: Log;
}

/**
 * Brings cards up to date when something changes that no workflow knows of: a grant is used, revoked or over, an
 * unknown outcome is judged. However often that happens, each card is updated once a look, and when Slack asks for
 * patience everything waits. Any number of processes may do this at once.
 */
export function startRefreshing(deps: RefreshingDeps): { stop(): Promise<void> } {
  let pausedUntilMs = 0;
  let running: Promise<void> = Promise.resolve();
  let busy = false;
  const look = async (): Promise<void> => {
    if (busy || Date.now() < pausedUntilMs) return;
    busy = true;
    try {
      const waitMs = await refreshDue(deps);
      pausedUntilMs = Date.now() + waitMs;
    } catch (error) {
      deps.log.warn({ err: error }, 'cards could not be brought up to date; it is tried again');
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void (running = look()), lookEveryMs);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.race([running, sleep(stopWithinMs, undefined, { ref: false })]);
    },
  };
}

/** One look. @returns for how long to leave Slack alone, in ms */
export async function refreshDue(deps: RefreshingDeps): Promise<number> {
  for (const due of await takeRefreshes(deps.db, { limit: 20, leaseMs })) {
    try {
      await deps.refreshCards(due.callId);
      await refreshDone(deps.db, due);
    } catch (error) {
      const { type, nextRetryDelay } = error as { type?: unknown; nextRetryDelay?: unknown };
      const delayMs = typeof nextRetryDelay === 'number' ? nextRetryDelay : retryMs;
      await postponeRefresh(deps.db, due.callId, delayMs);
      if (type === 'SlackRateLimited') return Math.min(delayMs, longestPauseMs);
      deps.log.warn({ err: error, callId: due.callId }, 'a card could not be brought up to date yet');
    }
  }
  return 0;
}
