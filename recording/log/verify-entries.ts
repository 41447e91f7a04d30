import { decodeHeader, type Header, sessionRef, strandName } from '../header.ts';
import type { NoteVerifier } from './note.ts';
import type { ProblemList } from './problem.ts';
import { isTombstone, openTombstone, type Tombstone } from './tombstone.ts';

/** Follows the strands through the log. */
export interface EntryCheck {
  /** Checks the next record of its strand, in the log or not in it yet. @returns null when it cannot be read */
  header(bytes: Buffer, leaf: Buffer, index: number | null): Header | null;
  /** Takes a tombstone into account, if the entry is one. */
  tombstone(entry: Buffer, index: number | null): boolean;
  /** Sessions, by hex reference, whose purge the log states. */
  readonly purged: ReadonlyMap<string, Tombstone>;
  isPurged(sessionId: string): boolean;
}

interface StrandHead {
  readonly seq: number;
  readonly leaf: Buffer;
  readonly atMicros: number;
  readonly session: Buffer;
}

const zeros = Buffer.alloc(32);

export function checkEntries(verifier: NoteVerifier, problems: ProblemList): EntryCheck {
  const heads = new Map<string, StrandHead>();
  const purged = new Map<string, Tombstone>();
  return {
    purged,
    isPurged: (sessionId) => purged.has(sessionRef(sessionId).toString('hex')),
    tombstone(entry, index) {
      if (!isTombstone(entry)) return false;
      const stone = openTombstone(entry, verifier);
      if (stone) purged.set(stone.session.toString('hex'), stone);
      else
        problems.add({
          code: 'forged_tombstone',
          ...(index !== null && { index }),
          message: `${index === null ? 'an entry on its way into the log' : `entry ${index}`} says that a session was purged, but is not signed by ${verifier.name}`,
        });
      return true;
    },
    header(bytes, leaf, index) {
      const place = index === null ? {} : { index };
      let header: Header;
      try {
        header = decodeHeader(bytes);
      } catch (error) {
        const message = `entry ${index ?? '(not in the log yet)'} cannot be read: ${(error as Error).message}`;
        problems.add({ code: 'record_altered', ...place, message });
        return null;
      }
      const strand = bytes.toString('latin1', 8, 24);
      const head = heads.get(strand) ?? null;
      const wrong = wrongAfter(head, header);
      if (wrong)
        problems.add({
          code: wrong.code,
          ...place,
          strand: strandName(header.strand),
          seq: header.seq,
          message: `record ${header.seq} of strand ${strandName(header.strand)} ${wrong.because}`,
        });
      const { seq, atMicros } = header;
      const session = head?.session.equals(header.session) ? head.session : Buffer.from(header.session);
      if (header.kind === 'close' || header.kind === 'end') heads.delete(strand);
      else heads.set(strand, { seq, leaf, atMicros, session });
      return header;
    },
  };
}

function wrongAfter(
  head: StrandHead | null,
  header: Header,
): { code: 'broken_chain' | 'back_dated' | 'record_moved'; because: string } | null {
  const expected = head ? head.seq + 1 : 0;
  if (header.seq !== expected)
    return {
      code: 'broken_chain',
      because: `stands where record ${expected} must: records are missing or reordered`,
    };
  if ((header.seq === 0) !== (header.kind === 'open'))
    return {
      code: 'broken_chain',
      because: 'breaks the rule that a strand begins, and only begins, with its opening',
    };
  if (!(head?.leaf ?? zeros).equals(header.previous))
    return {
      code: 'broken_chain',
      because: 'does not follow the record before it: one of the two was altered',
    };
  if (head && header.atMicros <= head.atMicros)
    return { code: 'back_dated', because: 'is dated before the record it follows' };
  if (head && !head.session.equals(header.session))
    return { code: 'record_moved', because: 'belongs to another session than the records before it' };
  return null;
}
