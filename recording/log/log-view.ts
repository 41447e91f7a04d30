import type { StoredCheckpoint } from './log-store.ts';
import type { TileReader } from './tiles.ts';

/** The log as readers see it. */
export interface LogView {
  readonly tiles: TileReader;
  /** The latest checkpoint, or null. */
  checkpoint(): Promise<StoredCheckpoint | null>;
  /** Where a strand's records stand in the log, by their sequence number: those from `fromSeq` on, at most `limit`. */
  indexes(strand: string, fromSeq: number, limit: number): Promise<ReadonlyMap<number, number>>;
}
