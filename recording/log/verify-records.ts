import { hash } from 'node:crypto';
import type { SessionFacts } from '../event.ts';
import { type Header, leafHash, sessionRef, strandName } from '../header.ts';
import type { OpenBytes } from '../payload.ts';
import { openPayload, payloadOpener, type PayloadOpener } from '../strand.ts';
import type { Problem, ProblemCode, ProblemList } from './problem.ts';
import type { EntryCheck } from './verify-entries.ts';
import type { FoundRecord, FoundSession, VerifySource } from './verify-source.ts';
import type { VerifyOptions } from './verify.ts';

interface Counted {
  records: number;
  pending: number;
  bytes: number;
}

/** Holds the records against the log's entries, both in the log's order, each read once. */
export async function checkRecords(
  source: VerifySource,
  options: Pick<VerifyOptions, 'keyRing' | 'deep'>,
  entries: AsyncGenerator<{ index: number; entry: Buffer; leaf: Buffer }>,
  check: EntryCheck,
  problems: ProblemList,
): Promise<Counted> {
  const counted: Counted = { records: 0, pending: 0, bytes: 0 };
  const records = source.records()[Symbol.asyncIterator]();
  const missing = new Map<string, Problem>();
  const content = contentCheck(source, options, problems);
  let next = await records.next();
  for await (const { index, entry, leaf } of entries) {
    if (check.tombstone(entry, index)) continue;
    const header = check.header(entry, leaf, index);
    let found = false;
    for (
      ;
      !next.done && next.value.index !== null && next.value.index <= index;
      next = await records.next()
    ) {
      const record = next.value;
      counted.records += 1;
      counted.bytes += record.header.length + record.sealed.length;
      if (record.index !== index || found) problems.add(stray(record));
      else if (header) await content.check(record, header, entry, index);
      found ||= record.index === index;
    }
    const session = header && Buffer.from(header.session).toString('hex');
    if (!found && header && session && !missing.has(session)) missing.set(session, absent(header, index));
  }
  for (; !next.done; next = await records.next()) {
    const record = next.value;
    if (record.index !== null) {
      problems.add(stray(record));
      continue;
    }
    counted.pending += 1;
    counted.bytes += record.header.length + record.sealed.length;
    const header = check.header(record.header, leafHash(record.header), null);
    if (header) await content.check(record, header, record.header, null);
  }
  for await (const entry of source.pendingTombstones()) check.tombstone(entry, null);
  for (const [session, problem] of missing)
    if (!check.purged.has(session) && source.covers(session)) problems.add(problem);
  return counted;
}

function stray(record: FoundRecord): Problem {
  const strand = strandName(record.strand);
  return {
    code: 'record_moved',
    ...(record.index !== null && { index: record.index }),
    strand,
    seq: record.seq,
    message: `record ${record.seq} of strand ${strand} stands at a place in the log that is not its own`,
  };
}

function absent(header: Header, index: number): Problem {
  const strand = strandName(header.strand);
  return {
    code: 'record_missing',
    index,
    strand,
    seq: header.seq,
    message: `record ${header.seq} of strand ${strand}, entry ${index} of the log, was deleted, and the log states no purge of its session`,
  };
}

/** Checks what one record says against what the log says of it. */
function contentCheck(
  source: VerifySource,
  options: Pick<VerifyOptions, 'keyRing' | 'deep'>,
  problems: ProblemList,
): { check(record: FoundRecord, header: Header, entry: Buffer, index: number | null): Promise<void> } {
  const sessions = sessionCache(source, options);
  return {
    async check(record, header, entry, index) {
      const report = (code: ProblemCode, because: string): void => {
        const strand = strandName(header.strand);
        const where = { ...(index !== null && { index }), strand, seq: header.seq };
        problems.add({ code, ...where, message: `record ${header.seq} of strand ${strand} ${because}` });
      };
      if (!record.header.equals(entry))
        return report('record_altered', 'has another header than the log says');
      if (
        record.sealed.length !== header.sealedLength ||
        !hash('sha256', record.sealed, 'buffer').equals(header.sealedHash)
      )
        return report('record_altered', 'was altered: its payload is not the one that was recorded');
      if (!record.strand.equals(header.strand) || record.seq !== header.seq)
        return report(
          'record_moved',
          `is filed as record ${record.seq} of strand ${strandName(record.strand)}`,
        );
      if (record.atMicros !== null && record.atMicros !== header.atMicros)
        return report('record_moved', 'is filed under another time than it was recorded at');
      if (record.sessionId === null) return report('session_altered', 'belongs to no session any more');
      if (!sessionRef(record.sessionId).equals(header.session))
        return report('record_moved', `is filed under session ${record.sessionId}, which is not its own`);
      if (header.kind !== 'open' && !options.deep) return;
      const session = await sessions(record.sessionId);
      const key = record.recordKey ?? session?.opener?.recordKey(record.header);
      if (session?.key && !key)
        report('key_missing', 'cannot be opened: the key of its session does not unwrap');
      const wrong = session && key && wrongContent(session, header, record, key);
      if (wrong) report(wrong === unopened ? 'record_altered' : 'session_altered', wrong);
    },
  };
}

const unopened = 'does not open with the key of its session';

function wrongContent(
  session: FoundSession,
  header: Header,
  record: FoundRecord,
  key: Buffer,
): string | null {
  try {
    const { bytes } = openPayload(key, record.header, record.sealed);
    if (header.kind !== 'open') return null;
    const { session: recorded } = JSON.parse(bytes.toString('utf8')) as OpenBytes;
    const changed = changedFact(recorded, session.facts);
    return changed && `was recorded with another ${changed} than its session is listed with now`;
  } catch {
    return unopened;
  }
}

function changedFact(recorded: SessionFacts, listed: SessionFacts): string | null {
  const names = ['sessionId', 'connection', 'callerKey', 'subject', 'client', 'credentialId'] as const;
  for (const name of names) if (recorded[name] !== listed[name]) return name;
  return (recorded.actors ?? []).join('\n') === (listed.actors ?? []).join('\n') ? null : 'actors';
}

interface OpenedSession extends FoundSession {
  /** Null when its key does not unwrap. */
  readonly opener: PayloadOpener | null;
}

/** The sessions last looked at: records come in the order of commits, many sessions mixed. */
function sessionCache(
  source: VerifySource,
  { keyRing }: Pick<VerifyOptions, 'keyRing'>,
): (sessionId: string) => Promise<OpenedSession | null> {
  const cache = new Map<string, OpenedSession | null>();
  const look = async (sessionId: string): Promise<OpenedSession | null> => {
    const found = await source.session(sessionId);
    if (!found) return null;
    const dataKey =
      found.key && keyRing ? await keyRing.unwrap(found.key, sessionId).catch(() => null) : null;
    // Without a key ring, nothing is said of keys.
    return { ...found, key: keyRing ? found.key : null, opener: dataKey && payloadOpener(dataKey) };
  };
  return async (sessionId) => {
    const known = cache.get(sessionId);
    if (known !== undefined) return known;
    const session = await look(sessionId);
    if (cache.size > 10_000) cache.clear();
    cache.set(sessionId, session);
    return session;
  };
}
