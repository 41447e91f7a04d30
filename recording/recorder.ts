import { type Clock, systemClock } from './clock.ts';
import { type CommitQueue, createCommitQueue } from './commit-queue.ts';
import { type Recorder, RecordingError, type SessionFacts } from './event.ts';
import type { KeyRing } from './key-ring.ts';
import { createStrands, type Strands } from './strands.ts';
import type { SealedCopies } from './sealed-copy.ts';
import type { RecordStore } from './store.ts';

export interface RecorderDeps {
  readonly store: RecordStore;
  readonly keyRing: KeyRing;
  readonly clock?: Clock;
  /** Left out: nothing is kept of what masking takes out. */
  readonly copies?: SealedCopies | null;
  readonly limits?: Partial<RecorderLimits>;
}

export interface RecorderLimits {
  /** The largest single event. */
  readonly maxEventBytes: number;
  /** How much may wait to be written before appending is refused. */
  readonly maxQueuedBytes: number;
  /** After this long without events a strand is sealed and forgotten; the session's next event opens another. */
  readonly idleStrandMs: number;
  /** Connections to write over. While one commits, what belongs to another is sealed. */
  readonly lanes: number;
}

const defaultLimits: RecorderLimits = {
  maxEventBytes: 64 * 1024 * 1024,
  maxQueuedBytes: 256 * 1024 * 1024,
  idleStrandMs: 10 * 60_000,
  lanes: 2,
};

/**
 * Makes a recorder. Events are sealed in the order of `append` and committed in groups: whatever gathers while one
 * commit is under way goes into the next. When PostgreSQL goes away, everything that waits is rejected at once and
 * every strand is abandoned; the next `append` tries again with a new connection and new strands, which say where
 * the abandoned ones stopped. A session keeps to one of the connections, so that its order holds.
 */
export function createRecorder(deps: RecorderDeps): Recorder {
  const limits = { ...defaultLimits, ...deps.limits };
  const clock = deps.clock ?? systemClock();
  const lanes = Array.from({ length: limits.lanes }, () => openLane(deps, clock, limits));
  const laneOf = (sessionId: string): Lane => lanes[spread(sessionId) % lanes.length] as Lane;
  const sweep = setInterval(() => {
    for (const { strands } of lanes) strands.closeIdle(limits.idleStrandMs);
  }, 60_000);
  sweep.unref();
  let closed = false;

  return {
    append(session: SessionFacts, event) {
      const refused = closed ? recorderClosed() : refusedSize(event.bytes.length, limits.maxEventBytes);
      return refused ? Promise.reject(refused) : laneOf(session.sessionId).strands.append(session, event);
    },
    async end(sessionId, because) {
      if (closed) throw recorderClosed();
      await laneOf(sessionId).strands.end(sessionId, because);
    },
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(sweep);
      await Promise.all(
        lanes.map(async ({ strands, queue }) => {
          await strands.closeAll();
          await queue.close();
        }),
      );
    },
  };
}

function recorderClosed(): RecordingError {
  return new RecordingError('recorder_closed', 'the recorder was closed; nothing more is recorded');
}

function refusedSize(size: number, maxEventBytes: number): RecordingError | null {
  if (size <= maxEventBytes) return null;
  return new RecordingError(
    'event_too_large',
    `an event of ${size} bytes exceeds the ${maxEventBytes} bytes that one event may have`,
  );
}

/** Spreads sessions evenly over the lanes; only this process ever asks which. */
function spread(sessionId: string): number {
  let sum = 0;
  for (let at = 0; at < sessionId.length; at += 1)
    sum = (Math.imul(sum, 31) + sessionId.charCodeAt(at)) >>> 0;
  return (sum ^ (sum >>> 16)) >>> 0;
}

/** A connection, and the strands that are written over it. */
interface Lane {
  readonly queue: CommitQueue;
  readonly strands: Strands;
}

function openLane(deps: RecorderDeps, clock: Clock, limits: RecorderLimits): Lane {
  const queue = createCommitQueue({
    store: deps.store,
    maxQueuedBytes: limits.maxQueuedBytes / limits.lanes,
    onSessionEnded: (sessionId) => strands.endedElsewhere(sessionId),
    onFailed: () => strands.abandon(),
  });
  const strands = createStrands({ ...deps, clock, queue });
  return { queue, strands };
}
