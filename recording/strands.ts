import type { Clock } from './clock.ts';
import type { CommitQueue } from './commit-queue.ts';
import { sealingDesk } from './desk.ts';
import {
  type Direction,
  type RecordEvent,
  RecordingError,
  type Receipt,
  type SessionFacts,
} from './event.ts';
import { type FacetsSeen, newFacets, noFacetsSeen } from './facets.ts';
import { type RecordKind, sessionRef, strandName } from './header.ts';
import { type KeyRing, newDataKey } from './key-ring.ts';
import { type EventFacts, type OpenBytes, payloadFacts } from './payload.ts';
import { copySealer, type SealedCopies } from './sealed-copy.ts';
import type { RecordStore, StoredSession } from './store.ts';
import { openStrand, type SealedRecord, type StrandSealer } from './strand.ts';

/** This process's strands, one for each session that it writes. */
export interface Strands {
  append(session: SessionFacts, event: RecordEvent): Promise<Receipt>;
  end(sessionId: string, because: string): Promise<void>;
  /** Another recorder sealed the session: this one's strand of it is closed too. */
  endedElsewhere(sessionId: string): void;
  /** Gives up every strand: a write failed, and nobody knows what of it is stored. */
  abandon(): void;
  closeIdle(idleMs: number): void;
  /** Closes every strand, as far as the store lets it. */
  closeAll(): Promise<void>;
}

interface Strand {
  readonly facts: SessionFacts;
  readonly sealer: StrandSealer;
  readonly name: string;
  readonly facets: FacetsSeen;
  acknowledgedSeq: number;
  usedAtMs: number;
  /** Of the connection that it is written over. */
  generation: number;
  /** Set while a large record is sealed: what comes meanwhile waits, since records stand in the order of `append`. */
  sealing: Promise<unknown> | null;
}

type RecordParts = Parameters<StrandSealer['next']>;
type Resumes = NonNullable<OpenBytes['resumes']>;

const noEvent = {
  callId: null,
  method: null,
  tool: null,
  verdict: null,
  rule: null,
  policyVersion: null,
} as const;
const maxResumes = 10_000;
/** From this length on hashing holds up the event loop for a millisecond and more, and is done beside it. */
const largeLength = 512 * 1024;

/** @param deps.clock times the records */
export function createStrands(deps: {
  store: RecordStore;
  keyRing: KeyRing;
  queue: CommitQueue;
  clock: Clock;
  copies?: SealedCopies | null;
}): Strands {
  const { queue, store } = deps;
  const sealCopy = deps.copies ? copySealer(deps.copies) : null;
  const desk = sealingDesk();
  const strands = new Map<string, Strand>();
  const opening = new Map<string, Promise<Strand>>();
  const resumes = new Map<string, Resumes>();
  const ending = new Map<string, Promise<void>>();
  let generation = 0;

  async function open(facts: SessionFacts): Promise<Strand> {
    const mine = generation;
    const writer = await queue.writer();
    const { session, dataKey } = await keyedSession(facts);
    const sealer = openStrand(facts.sessionId, dataKey, deps.clock, desk);
    await unlessUnavailable(writer.addStrand(sealer.strand, facts.sessionId));
    if (mine !== generation)
      throw new RecordingError('recording_unavailable', 'the connection was lost; try again');
    const strand: Strand = {
      facts: session.facts,
      sealer,
      name: strandName(sealer.strand),
      facets: noFacetsSeen(),
      acknowledgedSeq: -1,
      usedAtMs: Date.now(),
      generation,
      sealing: null,
    };
    strands.set(facts.sessionId, strand);
    const resumed = resumes.get(facts.sessionId);
    const opened: OpenBytes = { session: session.facts, ...(resumed && { resumes: resumed }) };
    // Not awaited: records of one strand are committed in order, so whatever comes next stands behind it.
    push(strand, 'open', 'none', noEvent, JSON.stringify(opened)).then(
      () => resumes.delete(facts.sessionId),
      () => {}, // The failure has abandoned the strand, and the record behind this one is rejected with it.
    );
    return strand;
  }

  /** One wrap for each session, by whoever is first; one unwrap for each strand. */
  async function keyedSession(facts: SessionFacts): Promise<{ session: StoredSession; dataKey: Uint8Array }> {
    const { sessionId } = facts;
    let session = await unlessUnavailable(store.findSession(sessionId));
    if (!session) {
      const fresh = newDataKey();
      const wrapped = await unlessUnavailable(deps.keyRing.wrap(fresh, sessionId));
      session = await unlessUnavailable(store.addSession(facts, wrapped));
    }
    if (session.ended) throw new RecordingError('session_ended', 'the session was sealed; open another one');
    if (!session.key) throw new RecordingError('session_purged', 'the session was purged; open another one');
    return { session, dataKey: await unlessUnavailable(deps.keyRing.unwrap(session.key, sessionId)) };
  }

  function push(
    strand: Strand,
    kind: RecordKind,
    direction: Direction,
    event: EventFacts,
    bytes: Uint8Array | string,
    changed: SessionFacts | null = null,
  ): Promise<Receipt> {
    const parts: RecordParts = [kind, direction, payloadFacts(event, changed), bytes, event.unmasked];
    const isLarge = Math.max(bytes.length, event.unmasked?.length ?? 0) >= largeLength;
    const before = strand.sealing;
    if (!before && !isLarge) return enqueue(strand, strand.sealer.next(...parts), event);
    const receipt = Promise.withResolvers<Receipt>();
    const turn = (async () => {
      await before;
      const record = await sealInTurn(strand, parts, isLarge);
      // Queued within the turn: what follows is sealed and queued behind it.
      receipt.resolve(enqueue(strand, record, event));
    })()
      .catch(receipt.reject)
      .finally(() => {
        if (strand.sealing === turn) strand.sealing = null;
      });
    strand.sealing = turn;
    return receipt.promise;
  }

  /** Seals a record of a strand in which a large one is, or was just now. */
  async function sealInTurn(strand: Strand, parts: RecordParts, isLarge: boolean): Promise<SealedRecord> {
    refuseLost(strand);
    queue.refuseWhenFull();
    if (!isLarge) return strand.sealer.next(...parts);
    let record: SealedRecord;
    try {
      record = await strand.sealer.nextLarge(...parts);
    } catch (error) {
      // Left alone, as one whose write failed: its next nonce may be used up.
      strand.generation = -1;
      if (strands.get(strand.facts.sessionId) === strand) strands.delete(strand.facts.sessionId);
      throw error;
    }
    refuseLost(strand);
    return record;
  }

  function refuseLost(strand: Strand): void {
    if (strand.generation !== generation)
      throw new RecordingError('recording_unavailable', 'the connection was lost; try again');
  }

  function enqueue(strand: Strand, record: SealedRecord, event: EventFacts): Promise<Receipt> {
    strand.usedAtMs = Date.now();
    return new Promise((resolve, reject) => {
      queue.push(record, newFacets(strand.facets, strand.facts.sessionId, event), (error) => {
        if (error) return reject(error);
        strand.acknowledgedSeq = record.seq;
        resolve({ sessionId: strand.facts.sessionId, strand: strand.name, seq: record.seq });
      });
    });
  }

  /** The second copy of what masking took out, where the connection has one. */
  function pushCopy(strand: Strand, session: SessionFacts, event: RecordEvent): Promise<Receipt> | null {
    const place = { session: sessionRef(session.sessionId), strand: strand.sealer.strand };
    const copy = sealCopy?.(session, event, place);
    if (!copy) return null;
    const { callId, method, tool } = event;
    return push(strand, 'copy', event.direction, { ...noEvent, callId, method, tool }, copy);
  }

  function write(strand: Strand, session: SessionFacts, event: RecordEvent): Promise<Receipt> {
    queue.refuseWhenFull();
    const { kind, direction, bytes } = event;
    const changed = sameFacts(session, strand.facts) ? null : session;
    const written = push(strand, kind, direction, event, bytes, changed);
    const copied = pushCopy(strand, session, event);
    // Right behind its message, in the same commit or the next one.
    return copied ? Promise.all([written, copied]).then(([receipt]) => receipt) : written;
  }

  function strandOf(session: SessionFacts): Strand | Promise<Strand> {
    const { sessionId } = session;
    const ready = strands.get(sessionId);
    if (ready) return ready;
    const under = opening.get(sessionId) ?? open(session).finally(() => opening.delete(sessionId));
    opening.set(sessionId, under);
    return under;
  }

  async function closeStrand(strand: Strand, kind: 'close' | 'end', because: string): Promise<void> {
    strands.delete(strand.facts.sessionId);
    await push(strand, kind, 'none', noEvent, JSON.stringify({ because }));
  }

  async function end(sessionId: string, because: string): Promise<void> {
    let strand = strands.get(sessionId) ?? (await opening.get(sessionId));
    if (!strand) {
      const stored = await unlessUnavailable(store.findSession(sessionId));
      if (!stored || stored.ended || !stored.key) return;
      strand = await strandOf(stored.facts);
    }
    await closeStrand(strand, 'end', because);
    await unlessUnavailable(store.endSession(sessionId, because));
  }

  return {
    append(session, event) {
      const strand = strandOf(session);
      if (strand instanceof Promise) return strand.then((opened) => write(opened, session, event));
      try {
        return write(strand, session, event);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    end(sessionId, because) {
      const under = ending.get(sessionId) ?? end(sessionId, because).finally(() => ending.delete(sessionId));
      ending.set(sessionId, under);
      return under;
    },
    endedElsewhere(sessionId) {
      const strand = strands.get(sessionId);
      if (strand) closeStrand(strand, 'close', 'the session was ended').catch(() => {});
    },
    abandon() {
      generation += 1;
      // Sessions that never came back: their next strand, if any, will not say where this one stopped.
      if (resumes.size > maxResumes) resumes.clear();
      for (const [sessionId, { name, acknowledgedSeq }] of strands)
        resumes.set(sessionId, { strand: name, acknowledgedSeq });
      strands.clear();
    },
    closeIdle(idleMs) {
      const before = Date.now() - idleMs;
      for (const strand of strands.values())
        if (strand.usedAtMs < before)
          closeStrand(strand, 'close', 'nothing happened for a while').catch(() => {});
    },
    async closeAll() {
      await Promise.allSettled(opening.values());
      const all = [...strands.values()];
      // A strand without its close reads like one whose process was killed, which a store that is gone amounts to.
      await Promise.allSettled(all.map((strand) => closeStrand(strand, 'close', 'the recorder was closed')));
    },
  };
}

function sameFacts(a: SessionFacts, b: SessionFacts): boolean {
  if (a === b) return true;
  return (
    a.callerKey === b.callerKey &&
    a.credentialId === b.credentialId &&
    a.subject === b.subject &&
    a.client === b.client &&
    a.connection === b.connection &&
    (a.actors === b.actors || (a.actors ?? []).join('\n') === (b.actors ?? []).join('\n'))
  );
}

async function unlessUnavailable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new RecordingError(
      'recording_unavailable',
      'the recording cannot be written now; try again later',
      { cause },
    );
  }
}
