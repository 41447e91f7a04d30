import { checkpointText, openCheckpoint } from './checkpoint.ts';
import type { LogStore, LogTransaction, Run } from './log-store.ts';
import { rootOf } from './merkle.ts';
import { noteVerifier, type NoteSigner } from './note.ts';
import { grow, nodesIn } from './tiles.ts';

/** The log cannot be continued. */
export class LogError extends Error {
  readonly code: 'rolled_back' | 'history_changed';
  constructor(code: LogError['code'], message: string) {
    super(message);
    this.name = 'LogError';
    this.code = code;
  }
}

/** What one step did. */
export interface Sequenced {
  readonly size: number;
  /** How many entries were added. */
  readonly added: number;
  /** The log's head: signed in this step when something was added, else the one that was there. */
  readonly checkpoint: { readonly size: number; readonly note: string };
}

export interface SequenceOptions {
  /** Takes at most this many records a step. */
  readonly maxRecords: number;
  /** A checkpoint that this process, or the place it publishes to, has seen: history must go on from it. */
  readonly seen: string | null;
}

/**
 * Takes new records into the log and signs its new head, as one transaction.
 * @returns null when another process leads
 * @throws LogError when the log in the database is not a continuation of the checkpoint seen: nothing is signed then
 */
export async function sequence(
  store: LogStore,
  signer: NoteSigner,
  options: SequenceOptions,
): Promise<Sequenced | null> {
  return store.lead(async (log) => {
    await refuseRollback(log, signer, options.seen);
    const size = await takeIn(log, options.maxRecords);
    const added = size - log.size;
    if (added < options.maxRecords / 2) await log.retireWriters();
    const last = log.lastCheckpoint;
    if (last?.size === size) return { size, added, checkpoint: last };
    const root = Buffer.from(await rootOf(nodesIn(log, size), size));
    const note = signer.signNote(checkpointText({ origin: signer.name, size, root }));
    await log.saveCheckpoint({ size, note });
    return { size, added, checkpoint: { size, note } };
  });
}

async function takeIn(log: LogTransaction, maxRecords: number): Promise<number> {
  const records = await log.newRecords(maxRecords);
  const tombstones = await log.newTombstones();
  if (records.length + tombstones.length === 0) return log.size;
  const entries = [...records.map((record) => record.header), ...tombstones.map((stone) => stone.entry)];
  const grown = await grow(log, log.size, entries);
  const firstStone = log.size + records.length;
  await log.append(
    grown,
    runsOf(records, log.size),
    tombstones.map((stone, index) => ({ id: stone.id, index: firstStone + index })),
  );
  return grown.size;
}

function runsOf(records: readonly { writerNo: number; position: number }[], firstIndex: number): Run[] {
  const runs: { -readonly [K in keyof Run]: Run[K] }[] = [];
  for (const [offset, { writerNo, position }] of records.entries()) {
    const run = runs.at(-1);
    if (run && run.writerNo === writerNo && run.firstPosition + run.count === position) run.count += 1;
    else runs.push({ firstIndex: firstIndex + offset, writerNo, firstPosition: position, count: 1 });
  }
  return runs;
}

/** Never signs two histories: that signature would be the one thing an attacker with the database cannot make. */
async function refuseRollback(log: LogTransaction, signer: NoteSigner, seen: string | null): Promise<void> {
  if (seen === null) return;
  const known = openCheckpoint(seen, noteVerifier(signer.vkey));
  if (known.size > log.size)
    throw new LogError(
      'rolled_back',
      `the log in the database has ${log.size} entries, but a checkpoint of ${known.size} was published: the database was rolled back or cut; restore it, or begin a new log under another origin`,
    );
  const root = await rootOf(nodesIn(log, log.size), known.size);
  if (!known.root.equals(root))
    throw new LogError(
      'history_changed',
      `the first ${known.size} entries of the log are not those that were published: run holdpoint verify`,
    );
}
