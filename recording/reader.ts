import type { SessionFacts } from './event.ts';
import type { WrappedKey } from './key-ring.ts';
import type { Facet } from './store.ts';

/** One session as a list shows it. */
export interface SessionSummary {
  readonly facts: SessionFacts;
  readonly openedAt: Date;
  /** When its last record was made; null when it has none (any more). */
  readonly lastAt: Date | null;
  readonly records: number;
  readonly endedAt: Date | null;
  readonly endedBecause: string | null;
  /** When its key was destroyed: nothing of what it said can be read since. */
  readonly destroyedAt: Date | null;
  readonly legalHold: string | null;
}

/** What to look for. Everything given must hold. */
export interface SessionFilter {
  readonly subject?: string;
  /** Whose subject or stable key it is. */
  readonly person?: string;
  readonly connection?: string;
  /** Sessions in which one of these was seen. */
  readonly facets?: readonly Pick<Facet, 'facet' | 'value'>[];
  /** Sessions that were open at some time within [from, to). */
  readonly from?: Date;
  readonly to?: Date;
  /** Newest first; at most 1000, default 50. */
  readonly limit?: number;
  /** The last session of the page before. */
  readonly after?: { readonly openedAt: Date; readonly sessionId: string };
}

/** One record as it is stored. */
export interface StoredRecord {
  readonly strand: string;
  readonly seq: number;
  readonly header: Buffer;
  readonly sealed: Buffer;
}

/** Reads the recording back. Nothing here is opened or checked yet. */
export interface RecordReader {
  listSessions(filter: SessionFilter): Promise<SessionSummary[]>;
  session(sessionId: string): Promise<(SessionSummary & { readonly key: WrappedKey | null }) | null>;
  /** The session's strands as UUIDs, in the order in which they were opened. */
  strands(sessionId: string): Promise<string[]>;
  /**
   * Where reading goes on so that it begins with the event of this number, counted in order of time.
   * @param strands as {@link RecordReader.strands} gives them; which of two comes first at the very same time
   */
  cursorAt(strands: readonly string[], event: number): Promise<Readonly<Record<string, number>>>;
  /** Records of a strand from `fromSeq` on, in order. */
  records(strand: string, fromSeq: number, limit: number): Promise<StoredRecord[]>;
  /** The last records of a strand, latest first. */
  lastRecords(strand: string, limit: number): Promise<StoredRecord[]>;
}
