import type { SessionFacts } from '../event.ts';
import type { WrappedKey } from '../key-ring.ts';
import type { TileReader } from './tiles.ts';

/** A record as it is found, beside its place in the log. */
export interface FoundRecord {
  /** Index of the entry it belongs to; null when it is not in the log yet. */
  readonly index: number | null;
  /** 16 bytes. */
  readonly strand: Buffer;
  readonly seq: number;
  /** When the store says it was made; null where only the header does. */
  readonly atMicros: number | null;
  readonly header: Buffer;
  readonly sealed: Buffer;
  /** The session it is found under; null when under none. */
  readonly sessionId: string | null;
  /** The record's own key, where it is disclosed. */
  readonly recordKey?: Buffer;
}

/** What a store says of a session. */
export interface FoundSession {
  readonly facts: SessionFacts;
  readonly key: WrappedKey | null;
}

/** What is verified: a database, or a package exported from one. */
export interface VerifySource {
  /** The latest checkpoint's note; null when there is none. */
  checkpoint(): Promise<string | null>;
  /** Every checkpoint that is kept, the oldest first. */
  checkpoints(): AsyncIterable<{ readonly size: number; readonly note: string }>;
  readonly tiles: TileReader;
  /** Records of the log's entries in the log's order; after them those that are not in the log yet. */
  records(): AsyncIterable<FoundRecord>;
  /** Looks up a session that a record was found under. */
  session(sessionId: string): Promise<FoundSession | null>;
  /** Tombstones that are not in the log yet. */
  pendingTombstones(): AsyncIterable<Buffer>;
  /** Sessions without a key: each must have its tombstone. */
  keylessSessions(): AsyncIterable<string>;
  /** Records that neither the log knows nor any living writer is about to bring into it. */
  strayRecords(): Promise<{ readonly count: number; readonly strand: string; readonly seq: number } | null>;
  /** False for a session (its reference in hex) whose records were left out on purpose. */
  covers(session: string): boolean;
}
