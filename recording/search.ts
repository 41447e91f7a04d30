import { openSession, type ReadDeps, type RecordedEvent } from './read.ts';
import type { SessionFilter, SessionSummary } from './reader.ts';

/** One event whose text was found. */
export interface Found {
  readonly session: SessionSummary;
  readonly event: RecordedEvent;
  /** The text around the first hit. */
  readonly excerpt: string;
}

const excerptAround = 60;
const pageSessions = 100;

/**
 * Searches what was recorded, which is what masking has left. Sealed text cannot be indexed: the sessions that the
 * filter leaves are opened one after the other, newest first; narrow it by person, connection, tool or time.
 * @param text compared without regard to case
 */
export async function* searchText(
  deps: ReadDeps,
  filter: SessionFilter,
  text: string,
): AsyncGenerator<Found> {
  const wanted = text.toLowerCase();
  for await (const session of sessionsOf(deps, filter)) {
    if (session.destroyedAt) continue;
    const opened = await openSession(deps, session.facts.sessionId);
    if (!opened) continue;
    for await (const event of opened.events()) {
      const said = event.bytes?.toString('utf8') ?? '';
      const at = said.toLowerCase().indexOf(wanted);
      if (at < 0) continue;
      yield {
        session,
        event,
        excerpt: said.slice(Math.max(0, at - excerptAround), at + text.length + excerptAround),
      };
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
