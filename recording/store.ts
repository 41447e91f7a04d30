import type { SessionFacts } from './event.ts';
import type { WrappedKey } from './key-ring.ts';
import type { SealedRecord } from './strand.ts';

/** What the store knows of a session that a recorder wants to write to. */
export interface StoredSession {
  readonly facts: SessionFacts;
  /** Null once the key was destroyed. */
  readonly key: WrappedKey | null;
  readonly ended: boolean;
}

/** Something a session contains, to find it by. */
export interface Facet {
  readonly sessionId: string;
  readonly facet: 'tool' | 'verdict' | 'rule' | 'method' | 'risk';
  readonly value: string;
}

/** What one commit writes. */
export interface RecordBatch {
  readonly records: readonly SealedRecord[];
  /** Facets that these records bring up for the first time. */
  readonly facets: readonly Facet[];
}

/** One connection that commits batches, one after the other. Once a write has failed it must be abandoned. */
export interface RecordWriter {
  /**
   * Commits a batch whole. Durable, at consecutive positions in the order given, when it resolves; when it rejects
   * the batch may be stored whole or not at all.
   */
  write(batch: RecordBatch): Promise<void>;
  /** Makes a strand known, before its first record is written. */
  addStrand(strand: Uint8Array, sessionId: string): Promise<void>;
  close(): Promise<void>;
}

/** Where records go. Every method rejects when the store cannot be reached. */
export interface RecordStore {
  openWriter(events: {
    /** Some recorder sealed this session. */
    readonly onSessionEnded: (sessionId: string) => void;
    /** The connection broke while nothing was being written. */
    readonly onBroken: (error: Error) => void;
  }): Promise<RecordWriter>;
  findSession(sessionId: string): Promise<StoredSession | null>;
  /** Adds a session unless another recorder was faster; gives back what is stored. */
  addSession(facts: SessionFacts, key: WrappedKey): Promise<StoredSession>;
  /** Marks a session as ended (once) and tells every recorder. */
  endSession(sessionId: string, because: string): Promise<void>;
}
