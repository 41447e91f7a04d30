import { openSession, type ReadCursor, type ReadDeps, type RecordedEvent } from './read.ts';
import type { SessionFilter, SessionSummary } from './reader.ts';

/** One event whose text was found. */
export interface Found {
  readonly session: SessionSummary;
  readonly event: RecordedEvent;
  /** Which of the session's events it is, from 0. */
  readonly number: number;
  /** A place at or before it from which the session can be read. */
  readonly near: { readonly event: number; readonly at: ReadCursor };
  /** The text around the first hit. */
  readonly excerpt: string;
}

const excerptAround = 60;
const pageSessions = 100;
/** How far apart the places are that a session can be opened at. */
const placeEvery = 200;

/**
 * Searches what was recorded, which is what masking has left. Sealed text cannot be indexed: the sessions that the
 * filter leaves are opened one after the other, newest first; narrow it by person, connection, tool or time.
 * @param text compared without regard to case
 * @param signal ends the search, at the next event
 */
export async function* searchText(
  deps: ReadDeps,
  filter: SessionFilter,
  text: string,
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const wanted = text.toLowerCase();
  for await (const session of sessionsOf(deps, filter)) {
    if (signal?.aborted) return;
    if (session.destroyedAt) continue;
    const opened = await openSession(deps, session.facts.sessionId);
    if (!opened) continue;
    let number = -1;
    let near: Found['near'] = { event: 0, at: {} };
    const at: Record<string, number> = {};
    for await (const event of opened.events()) {
      if (signal?.aborted) return;
      number += 1;
      if (number % placeEvery === 0) near = { event: number, at: { ...at } };
      at[event.strand] = event.seq + 1;
      const said = event.bytes?.toString('utf8') ?? '';
      const hit = said.toLowerCase().indexOf(wanted);
      if (hit < 0) continue;
      const excerpt = said.slice(Math.max(0, hit - excerptAround), hit + text.length + excerptAround);
      yield { session, event, number, near, excerpt };
    }
  }
}

/** Every session that a filter leaves, newest first, whatever its limit. */
export async function* sessionsOf(
  deps: Pick<ReadDeps, 'reader'>,
  filter: SessionFilter,
): AsyncGenerator<SessionSummary> {
  for (let page: SessionSummary[] = []; ; ) {
    const last = page.at(-1);
    const after = last && { openedAt: last.openedAt, sessionId: last.facts.sessionId };
    page = await deps.reader.listSessions({ ...filter, limit: pageSessions, ...(after && { after }) });
    yield* page;
    if (page.length < pageSessions) return;
  }
}
