import { leafHash } from '../header.ts';
import type { KeyRing } from '../key-ring.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import { checkEntries, type EntryCheck } from './verify-entries.ts';
import { type NoteVerifier } from './note.ts';
import { type Problem, type ProblemList, problemList } from './problem.ts';
import { checkRecords } from './verify-records.ts';
import type { VerifySource } from './verify-source.ts';
import { rollingRoot } from './merkle.ts';
import { entriesOf, tileWidth } from './tiles.ts';

export interface VerifyOptions {
  /** The log's public key. */
  readonly verifier: NoteVerifier;
  /** Checkpoints kept where nobody could change them: the log must go on from each. */
  readonly keptCheckpoints: readonly string[];
  /** With keys, that sessions are under the names they were recorded under; null: the log alone. */
  readonly keyRing: KeyRing | null;
  /** Also open every payload, not only the first of each strand. */
  readonly deep: boolean;
}

export interface VerifyReport {
  /** What is wrong, in the log's order. Empty: everything is as it was recorded. */
  readonly problems: readonly Problem[];
  /** The checkpoint up to which the log was verified, or null. */
  readonly checkpoint: Checkpoint | null;
  readonly entries: number;
  readonly records: number;
  /** Records that were made since the last checkpoint. */
  readonly pending: number;
  readonly bytes: number;
  /** Sessions whose purge the log states. */
  readonly purged: number;
}

/** Verifies a whole log and everything recorded in it. Reads each record once; memory stays bounded. */
export async function verifyLog(source: VerifySource, options: VerifyOptions): Promise<VerifyReport> {
  const problems = problemList();
  const note = await source.checkpoint();
  const head = note === null ? null : open(note, options.verifier, problems, 'the latest checkpoint');
  if (note === null) problems.add({ code: 'bad_checkpoint', message: 'there is no checkpoint' });
  const anchors = await anchorsOf(source, options, head, problems);
  const entries = walkEntries(source, head?.size ?? 0, anchors, problems);
  const check = checkEntries(options.verifier, problems);
  const counted = await checkRecords(source, options, entries, check, problems);
  await checkSessions(source, check, problems);
  return {
    problems: problems.sorted(),
    checkpoint: head,
    entries: head?.size ?? 0,
    purged: check.purged.size,
    ...counted,
  };
}

function open(note: string, verifier: NoteVerifier, problems: ProblemList, what: string): Checkpoint | null {
  try {
    return openCheckpoint(note, verifier);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    problems.add({ code: 'bad_checkpoint', message: `${what}: ${error.message}` });
    return null;
  }
}

/** The roots that the log must have had, by size. */
async function anchorsOf(
  source: VerifySource,
  options: VerifyOptions,
  head: Checkpoint | null,
  problems: ProblemList,
): Promise<Map<number, { root: Buffer; what: string }[]>> {
  const anchors = new Map<number, { root: Buffer; what: string }[]>();
  const add = (checkpoint: Checkpoint | null, what: string): void => {
    if (!checkpoint) return;
    anchors.set(checkpoint.size, [...(anchors.get(checkpoint.size) ?? []), { root: checkpoint.root, what }]);
    if (checkpoint.size > (head?.size ?? 0))
      problems.add({
        code: 'rolled_back',
        index: head?.size ?? 0,
        message: `${what} was signed over ${checkpoint.size} entries, but the log ends after ${head?.size ?? 0}: the database was rolled back, or the log was cut`,
      });
  };
  for (const note of options.keptCheckpoints)
    add(
      open(note, options.verifier, problems, 'the checkpoint that was kept'),
      'the checkpoint that was kept',
    );
  for await (const { size, note } of source.checkpoints()) {
    const what = `the stored checkpoint of ${size} entries`;
    add(open(note, options.verifier, problems, what), what);
  }
  add(head, 'the latest checkpoint');
  return anchors;
}

/** Yields the log's entries; checks tiles and roots as they go by. */
async function* walkEntries(
  source: VerifySource,
  size: number,
  anchors: Map<number, { root: Buffer; what: string }[]>,
  problems: ProblemList,
): AsyncGenerator<{ index: number; entry: Buffer; leaf: Buffer }> {
  const rolling = rollingRoot();
  const tiles = tileChecker(source, problems);
  let agreed = 0;
  let disagreed = false;
  const meet = (): void => {
    for (const { root, what } of anchors.get(rolling.size()) ?? []) {
      if (root.equals(rolling.root())) agreed = rolling.size();
      else if (!disagreed) {
        disagreed = true;
        problems.add({
          code: 'history_changed',
          index: agreed,
          message: `the first ${rolling.size()} entries are not those that ${what} was signed over; what was changed is between entries ${agreed} and ${rolling.size() - 1}`,
        });
      }
    }
  };
  meet();
  for (let bundle = 0; bundle * tileWidth < size; bundle += 1) {
    const width = Math.min(tileWidth, size - bundle * tileWidth);
    const entries = await readBundle(source, bundle, width, problems);
    if (!entries) return;
    const leaves: Buffer[] = [];
    for (const [offset, entry] of entries.entries()) {
      const leaf = leafHash(entry);
      leaves.push(leaf);
      rolling.add(leaf);
      meet();
      yield { index: bundle * tileWidth + offset, entry, leaf };
    }
    await tiles.leaves(bundle, leaves);
  }
  await tiles.above();
}

async function readBundle(
  source: VerifySource,
  bundle: number,
  width: number,
  problems: ProblemList,
): Promise<Buffer[] | null> {
  const damaged = (why: string): null => {
    const index = bundle * tileWidth;
    problems.add({
      code: 'log_damaged',
      index,
      message: `entry bundle ${bundle} ${why}; nothing behind it can be verified`,
    });
    return null;
  };
  try {
    const entries = [...entriesOf(await source.tiles.bundle(bundle, width))];
    return entries.length === width ? entries : damaged(`has ${entries.length} entries instead of ${width}`);
  } catch (error) {
    return damaged(`cannot be read: ${(error as Error).message}`);
  }
}

/** Compares stored tiles with the hashes of the entries they stand for. */
function tileChecker(
  source: VerifySource,
  problems: ProblemList,
): { leaves(bundle: number, leaves: readonly Buffer[]): Promise<void>; above(): Promise<void> } {
  const roots: Buffer[] = [];
  const check = async (level: number, index: number, hashes: readonly Buffer[]): Promise<void> => {
    const stored = await source.tiles.tile(level, index, hashes.length).catch(() => Buffer.alloc(0));
    const wrong = hashes.findIndex((hash, at) => !hash.equals(stored.subarray(at * 32, at * 32 + 32)));
    if (wrong < 0) return;
    const at = (index * tileWidth + wrong) * tileWidth ** level;
    problems.add({
      code: 'log_damaged',
      index: at,
      message: `tile ${level}/${index} does not match the log's entries: an entry from ${at} on, or the tile, was altered`,
    });
  };
  return {
    async leaves(bundle, leaves) {
      await check(0, bundle, leaves);
      if (leaves.length === tileWidth) roots.push(rootOfFull(leaves));
    },
    /** One hash per 256 entries is kept for this: 32 bytes, 12 MB for a hundred million entries. */
    async above() {
      let row: readonly Buffer[] = roots;
      for (let level = 1; row.length > 0; level += 1) {
        const next: Buffer[] = [];
        for (let index = 0; index * tileWidth < row.length; index += 1) {
          const hashes = row.slice(index * tileWidth, (index + 1) * tileWidth);
          await check(level, index, hashes);
          if (hashes.length === tileWidth) next.push(rootOfFull(hashes));
        }
        row = next;
      }
    },
  };
}

function rootOfFull(hashes: readonly Buffer[]): Buffer {
  const rolling = rollingRoot();
  for (const hash of hashes) rolling.add(hash);
  return Buffer.from(rolling.root());
}

async function checkSessions(source: VerifySource, check: EntryCheck, problems: ProblemList): Promise<void> {
  for await (const sessionId of source.keylessSessions())
    if (!check.isPurged(sessionId))
      problems.add({
        code: 'key_missing',
        session: sessionId,
        message: `session ${sessionId} has lost its key, and the log states no purge of it`,
      });
  const stray = await source.strayRecords();
  if (stray)
    problems.add({
      code: 'unlogged',
      strand: stray.strand,
      seq: stray.seq,
      message: `${stray.count} records stand in the database without being in the log, the first of them record ${stray.seq} of strand ${stray.strand}: they were put in, or put elsewhere, afterwards`,
    });
}
