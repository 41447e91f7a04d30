import { RecordingError } from './event.ts';
import type { Facet, RecordStore, RecordWriter } from './store.ts';
import type { SealedRecord } from './strand.ts';

/** Commits sealed records in groups over one connection. */
export interface CommitQueue {
  /** The writer now in use, opening one when there is none. @throws RecordingError `recording_unavailable` */
  writer(): Promise<RecordWriter>;
  /** @throws RecordingError `recording_overloaded`; to be asked before a record is sealed, since a sealed one counts */
  refuseWhenFull(): void;
  /**
   * Queues a record, sealed since the last failure, for the next commit.
   * @param settled told when it is durable, or that it was lost (`recording_unavailable`)
   */
  push(record: SealedRecord, facets: readonly Facet[], settled: Settled): void;
  /** Waits for what is queued, then closes the connection. */
  close(): Promise<void>;
}

/** Told once what became of a record: null when it is durable. Must not throw. */
type Settled = (error: RecordingError | null) => void;

interface Pending {
  readonly record: SealedRecord;
  readonly facets: readonly Facet[];
  readonly settled: Settled;
}

const maxBatchBytes = 4 * 1024 * 1024;
const maxBatchRecords = 2000;
/** After a failure, how long to answer at once instead of waiting for another connection attempt. */
const failFastMs = 200;

/**
 * @param deps.onFailed called once for each failure, before anything is rejected: whatever was sealed for the old
 * connection must not be continued
 */
export function createCommitQueue(deps: {
  store: RecordStore;
  maxQueuedBytes: number;
  onSessionEnded: (sessionId: string) => void;
  onFailed: () => void;
}): CommitQueue {
  let opening: Promise<RecordWriter> | null = null;
  let lastFailure: { atMs: number; error: RecordingError } | null = null;
  let pending: Pending[] = [];
  let queuedBytes = 0;
  let committing: Promise<void> | null = null;
  let inFlight: readonly Pending[] = [];

  function open(): Promise<RecordWriter> {
    const mine: Promise<RecordWriter> = deps.store
      .openWriter({
        onSessionEnded: deps.onSessionEnded,
        onBroken: (error) => {
          if (opening === mine) fail(error);
        },
      })
      .catch((error: Error) => {
        if (opening === mine) fail(error);
        throw unavailable(error);
      });
    return mine;
  }

  /** Gives up the connection and everything that was sealed for it. */
  function fail(cause: Error): void {
    const error = unavailable(cause);
    const abandoned = opening;
    opening = null;
    lastFailure = { atMs: Date.now(), error };
    const lost = [...inFlight, ...pending];
    inFlight = [];
    pending = [];
    queuedBytes = 0;
    deps.onFailed();
    for (const item of lost) item.settled(error);
    // Its failure is what is being reported; closing it can only repeat that.
    abandoned?.then((writer) => writer.close()).catch(() => {});
  }

  async function commitAll(): Promise<void> {
    while (pending.length > 0) {
      const batch = takeBatch();
      inFlight = batch;
      const mine = opening;
      try {
        await (await mine)?.write({
          records: batch.map((item) => item.record),
          facets: batch.flatMap((item) => item.facets),
        });
      } catch (error) {
        if (opening === mine) fail(error as Error);
        return;
      }
      // The batch may have been rejected meanwhile, because the connection broke right after the commit.
      if (opening !== mine) return;
      inFlight = [];
      lastFailure = null;
      for (const item of batch) item.settled(null);
    }
  }

  function takeBatch(): Pending[] {
    let bytes = 0;
    let count = 0;
    while (count < pending.length && count < maxBatchRecords) {
      const size = sizeOf(pending[count]);
      if (count > 0 && bytes + size > maxBatchBytes) break;
      bytes += size;
      count += 1;
    }
    queuedBytes -= bytes;
    return pending.splice(0, count);
  }

  function start(): void {
    // Waiting for the end of this turn lets everything that is appended in it share the first commit.
    committing ??= new Promise<void>((resolve) => setImmediate(resolve)).then(commitAll).finally(() => {
      committing = null;
      if (pending.length > 0) start();
    });
  }

  return {
    async writer() {
      if (!opening && lastFailure && Date.now() - lastFailure.atMs < failFastMs) throw lastFailure.error;
      opening ??= open();
      return opening;
    },
    refuseWhenFull() {
      if (queuedBytes > deps.maxQueuedBytes)
        throw new RecordingError('recording_overloaded', 'too much waits to be recorded; try again later');
    },
    push(record, facets, settled) {
      if (!opening) {
        settled(unavailable(new Error('the connection was lost')));
        return;
      }
      const item = { record, facets, settled };
      pending.push(item);
      queuedBytes += sizeOf(item);
      start();
    },
    async close() {
      // What is appended while it drains is drained too: nothing that was accepted is dropped.
      for (let under = committing; under; under = committing) await under;
      const writer = opening;
      opening = null;
      await (await writer)?.close();
    },
  };
}

function sizeOf(item: Pending | undefined): number {
  return item ? item.record.sealed.length + item.record.header.length : 0;
}

function unavailable(cause: Error): RecordingError {
  if (cause instanceof RecordingError) return cause;
  return new RecordingError('recording_unavailable', 'the recording cannot be written now; try again later', {
    cause,
  });
}
