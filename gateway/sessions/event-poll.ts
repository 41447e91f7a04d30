import {
  type FollowedPlace,
  orphanedStreams,
  readStreamEvents,
  type StreamEventRow,
} from '../../db/mcp-stream-events.ts';
import type { Pool } from '../../db/pool.ts';

/** Looks for what comes on streams that clients have come back to, for all of them at once. */
export interface EventPoll {
  /**
   * What follows a place, once there is any; nothing when `signal` aborts. `orphaned` where nobody works at the stream
   * any more.
   * @throws what the database throws
   */
  next(place: FollowedPlace, signal: AbortSignal): Promise<readonly StreamEventRow[] | 'orphaned'>;
}

interface Asked {
  readonly place: FollowedPlace;
  readonly resolve: (found: readonly StreamEventRow[] | 'orphaned') => void;
  readonly reject: (error: unknown) => void;
}

const pollMs = 500;
/** Whether somebody works at a stream is asked this much less often. */
const orphansEvery = 4;

export function createEventPoll(pool: Pool): EventPoll {
  const asked = new Set<Asked>();
  let timer: NodeJS.Timeout | undefined;
  let tick = 0;
  let busy = false;

  const look = async (): Promise<void> => {
    const those = [...asked];
    const rows = await readStreamEvents(
      pool,
      those.map(({ place }) => place),
    );
    const byStream = Map.groupBy(rows, (row) => row.streamId);
    for (const one of those) {
      const { streamId, afterSeq } = one.place;
      const news = byStream.get(streamId)?.filter((row) => row.seq > afterSeq) ?? [];
      if (news.length > 0) settle(one, news);
    }
    if (++tick % orphansEvery !== 0) return;
    const waiting = those.filter((one) => asked.has(one));
    const orphans = new Set(
      await orphanedStreams(
        pool,
        waiting.map(({ place }) => place.streamId),
      ),
    );
    for (const one of waiting) if (orphans.has(one.place.streamId)) settle(one, 'orphaned');
  };
  const settle = (one: Asked, found: readonly StreamEventRow[] | 'orphaned'): void => {
    asked.delete(one);
    one.resolve(found);
  };
  const run = (): void => {
    if (asked.size === 0) {
      clearInterval(timer);
      timer = undefined;
      return;
    }
    if (busy) return;
    busy = true;
    look()
      .catch((error: unknown) => {
        for (const one of asked) one.reject(error);
        asked.clear();
      })
      .finally(() => {
        busy = false;
      });
  };
  return {
    next: (place, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return resolve([]);
        const onAbort = (): void => settle(one, []);
        const one: Asked = {
          place,
          resolve: (found) => {
            signal.removeEventListener('abort', onAbort);
            resolve(found);
          },
          reject,
        };
        signal.addEventListener('abort', onAbort, { once: true });
        asked.add(one);
        timer ??= setInterval(run, pollMs).unref();
        // What is there already need not wait for the clock.
        setImmediate(run);
      }),
  };
}
