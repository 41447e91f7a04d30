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
import { type RecordKind, sessionRef, strandName } from './header.ts';
import { type KeyRing, newDataKey } from './key-ring.ts';
import { type EventFacts, type OpenBytes, payloadFacts } from './payload.ts';
import { copySealer, type SealedCopies } from './sealed-copy.ts';
import type { Facet, RecordStore, StoredSession } from './store.ts';
import { openStrand, type StrandSealer } from './strand.ts';

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
  readonly facets: Set<string>;
  /** Of the last event. */
  last: { readonly [Name in (typeof facetNames)[number]]: EventFacts[Name] | undefined };
  acknowledgedSeq: number;
  usedAtMs: number;
}

type Resumes = NonNullable<OpenBytes['resumes']>;

const noEvent = {
  callId: null,
  method: null,
  tool: null,
  verdict: null,
  rule: null,
  policyVersion: null,
} as const;
const facetNames = ['risk', 'tool', 'verdict', 'rule', 'method'] as const;
const noFacets = { risk: undefined, tool: null, verdict: null, rule: null, method: null };
const none: readonly Facet[] = [];
/** The facets kept per session. An agent that makes up a new tool name for each call must not fill the table. */
const maxFacets = 200;
const maxFacetLength = 200;
const maxResumes = 10_000;

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
      facets: new Set(),
      last: noFacets,
      acknowledgedSeq: -1,
      usedAtMs: Date.now(),
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
    const facts = payloadFacts(event, changed);
    const record = strand.sealer.next(kind, direction, facts, bytes, event.unmasked);
    strand.usedAtMs = Date.now();
    return new Promise((resolve, reject) => {
      queue.push(record, newFacets(strand, event), (error) => {
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

function newFacets(strand: Strand, event: EventFacts): readonly Facet[] {
  const { last } = strand;
  // Mostly an event is like the one before it.
  if (facetNames.every((facet) => event[facet] === last[facet])) return none;
  const { risk, tool, verdict, rule, method } = event;
  strand.last = { risk, tool, verdict, rule, method };
  const found: Facet[] = [];
  for (const facet of facetNames) {
    const value = event[facet]?.slice(0, maxFacetLength);
    if (!value || strand.facets.has(`${facet} ${value}`)) continue;
    // How long a session is kept depends on its risk, of which there are four: never crowded out.
    if (facet !== 'risk' && strand.facets.size >= maxFacets) continue;
    strand.facets.add(`${facet} ${value}`);
    found.push({ sessionId: strand.facts.sessionId, facet, value });
  }
  return found;
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
