import { createHash } from 'node:crypto';
import { whoLooks } from './api/recorded.ts';
import type { Recordings, Visit } from './deps.ts';

const sameViewingMs = 10 * 60_000;
const mostRemembered = 10_000;

/** Records who looks at which session. */
export interface Viewings {
  /**
   * Records a viewing, durably, before anything is shown. A page that brings itself up to date is the same viewing for
   * ten minutes.
   */
  record(recordings: Recordings, visit: Visit, sessionId: string, fromEvent: number): Promise<void>;
}

export function createViewings(now: () => Date): Viewings {
  const seen = new Map<string, number>();
  return {
    async record({ recordAct }, visit, sessionId, fromEvent) {
      const key = createHash('sha256')
        .update(JSON.stringify([visit.secret, sessionId, fromEvent]))
        .digest('base64url');
      const atMs = now().getTime();
      const before = seen.get(key);
      if (before !== undefined && atMs - before < sameViewingMs) return;
      await recordAct('sessions.view', {
        session: sessionId,
        fromEvent,
        ...whoLooks(visit.identity, { via: 'console' }),
      });
      if (seen.size >= mostRemembered) seen.clear();
      seen.set(key, atMs);
    },
  };
}
