import type { Direction, SessionFacts } from './event.ts';
import { decodeHeader, leafHash, type RecordKind, sessionRef, strandName } from './header.ts';
import type { KeyRing } from './key-ring.ts';
import type { OpenBytes } from './payload.ts';
import type { RecordReader, SessionSummary, StoredRecord } from './reader.ts';
import { type PayloadOpener, payloadOpener } from './strand.ts';

export interface ReadDeps {
  readonly reader: RecordReader;
  readonly keyRing: KeyRing;
}

/** What is wrong with a record as it was found. */
export type RecordProblem =
  | 'unreadable' // its header is not one
  | 'wrong_session' // it belongs to another session or strand
  | 'gap' // the record before it is missing, or altered
  | 'cannot_unseal'; // the payload or its binding was altered, or the key is another one

/** One event as it was recorded. */
export interface RecordedEvent {
  readonly strand: string;
  readonly seq: number;
  readonly kind: RecordKind;
  readonly direction: Direction;
  /** Microseconds since 1970, growing within a strand. */
  readonly atMicros: number;
  readonly clockMicros: number;
  readonly callId: string | null;
  readonly method: string | null;
  readonly tool: string | null;
  readonly verdict: string | null;
  readonly rule: string | null;
  readonly policyVersion: string | null;
  readonly risk: string | null;
  readonly unmaskedLength: number | null;
  /** Whose event it was, when not the session's own facts any more. */
  readonly changed: SessionFacts | null;
  /** The masked bytes; null when they cannot be read (purged, or a problem). */
  readonly bytes: Buffer | null;
  /** Leaf hash in the log, hex. */
  readonly leaf: string;
  /**
   * False when the recorder was never told that this is durable (it lost the database at that moment): what is
   * described here did not go on, though it stands here.
   */
  readonly confirmed: boolean;
  readonly problem: RecordProblem | null;
}

/** Where to go on reading: the next sequence number of each strand. */
export type ReadCursor = Readonly<Record<string, number>>;

/** A session opened for reading. */
export interface OpenedSession {
  readonly summary: SessionSummary;
  /**
   * Its events in order of time, from the cursor on; memory stays bounded however long it is. Within a strand the
   * order is exact; between strands it is that of the recorders' clocks.
   */
  events(from?: ReadCursor): AsyncGenerator<RecordedEvent>;
}

const pageRecords = 200;

/**
 * Opens a session for reading.
 * @returns null when there is no such session
 * @throws Error when its key is there but cannot be unwrapped
 */
export async function openSession(deps: ReadDeps, sessionId: string): Promise<OpenedSession | null> {
  const found = await deps.reader.session(sessionId);
  if (!found) return null;
  const { key, ...summary } = found;
  const opener = key ? payloadOpener(await deps.keyRing.unwrap(key, sessionId)) : null;
  const strands = await deps.reader.strands(sessionId);
  const session = sessionRef(sessionId);
  return {
    summary,
    async *events(from = {}) {
      const acknowledged = await acknowledgedSeqs(deps.reader, strands, opener);
      const cursors = strands.map((strand) =>
        readStrand(deps.reader, strand, from[strand] ?? 0, (record, previous) => ({
          ...openRecord(record, session, opener, previous),
          confirmed: record.seq <= (acknowledged.get(strand) ?? Infinity),
        })),
      );
      yield* inOrderOfTime(cursors);
    },
  };
}

/** Where abandoned strands stopped being confirmed, as the strands that took over say in their first records. */
async function acknowledgedSeqs(
  reader: RecordReader,
  strands: readonly string[],
  opener: PayloadOpener | null,
): Promise<Map<string, number>> {
  const acknowledged = new Map<string, number>();
  // One strand has nobody to take over from.
  if (!opener || strands.length < 2) return acknowledged;
  for (const strand of strands) {
    const [first] = await reader.records(strand, 0, 1);
    if (!first || first.seq !== 0) continue;
    try {
      const { resumes } = JSON.parse(
        opener.open(first.header, first.sealed).bytes.toString('utf8'),
      ) as OpenBytes;
      if (resumes) acknowledged.set(resumes.strand, resumes.acknowledgedSeq);
    } catch {
      // It is shown as a problem where it is read as an event.
    }
  }
  return acknowledged;
}

async function* readStrand(
  reader: RecordReader,
  strand: string,
  fromSeq: number,
  open: (record: StoredRecord, previous: Previous | null) => RecordedEvent,
): AsyncGenerator<RecordedEvent> {
  let previous: Previous | null = fromSeq === 0 ? { seq: -1, leaf: '00'.repeat(32) } : null;
  for (let next = fromSeq; ; ) {
    const page = await reader.records(strand, next, pageRecords);
    for (const record of page) {
      const event = open(record, previous);
      yield event;
      previous = { seq: record.seq, leaf: event.leaf };
    }
    if (page.length < pageRecords) return;
    next = (page.at(-1)?.seq ?? next) + 1;
  }
}

interface Previous {
  readonly seq: number;
  readonly leaf: string;
}

function openRecord(
  record: StoredRecord,
  session: Buffer,
  opener: PayloadOpener | null,
  previous: Previous | null,
): RecordedEvent {
  const leaf = leafHash(record.header).toString('hex');
  let header: ReturnType<typeof decodeHeader>;
  try {
    header = decodeHeader(record.header);
  } catch {
    return { ...unknown, strand: record.strand, seq: record.seq, leaf, problem: 'unreadable' };
  }
  const found = { ...unknown, ...header, strand: record.strand, seq: record.seq, leaf };
  if (
    strandName(header.strand) !== record.strand ||
    header.seq !== record.seq ||
    !session.equals(header.session)
  )
    return { ...pick(found), problem: 'wrong_session' };
  const gap =
    previous !== null &&
    (record.seq !== previous.seq + 1 || Buffer.from(header.previous).toString('hex') !== previous.leaf);
  if (!opener) return { ...pick(found), problem: gap ? 'gap' : null };
  try {
    const { facts, bytes } = opener.open(record.header, record.sealed);
    const { session: changed, ...known } = facts;
    return { ...pick(found), ...known, changed: changed ?? null, bytes, problem: gap ? 'gap' : null };
  } catch {
    return { ...pick(found), problem: 'cannot_unseal' };
  }
}

const unknown: Omit<RecordedEvent, 'strand' | 'seq' | 'leaf'> = {
  kind: 'message',
  direction: 'none',
  atMicros: 0,
  clockMicros: 0,
  callId: null,
  method: null,
  tool: null,
  verdict: null,
  rule: null,
  policyVersion: null,
  risk: null,
  unmaskedLength: null,
  changed: null,
  bytes: null,
  confirmed: true,
  problem: null,
};

function pick(found: RecordedEvent): RecordedEvent {
  const { strand, seq, leaf, kind, direction, atMicros, clockMicros } = found;
  return { ...unknown, strand, seq, leaf, kind, direction, atMicros, clockMicros };
}

/** Merges strands, each of which is in order already. */
async function* inOrderOfTime(strands: AsyncGenerator<RecordedEvent>[]): AsyncGenerator<RecordedEvent> {
  const heads: { event: RecordedEvent; rest: AsyncGenerator<RecordedEvent> }[] = [];
  for (const rest of strands) {
    const first = await rest.next();
    if (!first.done) heads.push({ event: first.value, rest });
  }
  while (heads.length > 0) {
    let earliest = 0;
    for (const [index, head] of heads.entries())
      if (head.event.atMicros < (heads[earliest]?.event.atMicros ?? Infinity)) earliest = index;
    const head = heads[earliest];
    if (!head) return;
    yield head.event;
    const next = await head.rest.next();
    if (next.done) heads.splice(earliest, 1);
    else head.event = next.value;
  }
}
