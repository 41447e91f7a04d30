import type { GrownTiles, TileReader } from './tiles.ts';

/** Consecutive entries of the log that came from consecutive records of one writer. */
export interface Run {
  readonly firstIndex: number;
  readonly writerNo: number;
  readonly firstPosition: number;
  readonly count: number;
}

/** A checkpoint as it is kept. */
export interface StoredCheckpoint {
  readonly size: number;
  readonly note: string;
  readonly signedAt: Date;
}

/** The log while one process leads it: everything is committed together, or nothing. */
export interface LogTransaction extends TileReader {
  readonly size: number;
  readonly lastCheckpoint: StoredCheckpoint | null;
  /** Records that are not in the log yet; each writer's in the order in which it committed them. */
  newRecords(limit: number): Promise<{ writerNo: number; position: number; header: Buffer }[]>;
  newTombstones(): Promise<{ id: string; entry: Buffer }[]>;
  append(
    grown: GrownTiles,
    runs: readonly Run[],
    tombstones: readonly { id: string; index: number }[],
  ): Promise<void>;
  saveCheckpoint(checkpoint: { size: number; note: string }): Promise<void>;
  /** Forgets writers that are gone and whose records are all in the log. */
  retireWriters(): Promise<void>;
}

/** Where the log is kept. */
export interface LogStore {
  /**
   * Runs `work` in one transaction as the only leader among all processes.
   * @returns null when another process leads at this moment
   */
  lead<T>(work: (log: LogTransaction) => Promise<T>): Promise<T | null>;
  /** Puts a checkpoint's note back with witnesses' signatures on it. */
  addSignatures(checkpoint: { size: number; note: string }): Promise<void>;
  /** The latest checkpoint. */
  checkpoint(): Promise<StoredCheckpoint | null>;
  readonly tiles: TileReader;
}
