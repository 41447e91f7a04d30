import type { RecordReader, SessionFilter, SessionSummary } from './reader.ts';
import { sessionsOf } from './search.ts';

/** Nothing is recorded under a word: the message says so. */
export class NothingChosenError extends Error {}

/**
 * The sessions that some words choose: ids of sessions, and people (subject or stable key), of whose sessions the filter
 * leaves those that count. Without words it is what the filter leaves. Each session comes once.
 * @throws NothingChosenError before the first session, when a word is no session and nobody who has any
 */
export async function chosenSessions(
  reader: RecordReader,
  words: readonly string[],
  filter: SessionFilter,
): Promise<AsyncGenerator<SessionSummary>> {
  for (const word of words) {
    if (await reader.session(word)) continue;
    const [first] = await reader.listSessions({ ...filter, person: word, limit: 1 });
    if (!first) throw new NothingChosenError(`${word} is no session, and nobody who has any`);
  }
  return words.length === 0 ? sessionsOf({ reader }, filter) : once(sessionsUnder(reader, words, filter));
}

async function* sessionsUnder(
  reader: RecordReader,
  words: readonly string[],
  filter: SessionFilter,
): AsyncGenerator<SessionSummary> {
  for (const word of words) {
    const session = await reader.session(word);
    if (!session) {
      yield* sessionsOf({ reader }, { ...filter, person: word });
      continue;
    }
    const { key: _, ...summary } = session;
    yield summary;
  }
}

async function* once(sessions: AsyncIterable<SessionSummary>): AsyncGenerator<SessionSummary> {
  const seen = new Set<string>();
  for await (const session of sessions) {
    const { sessionId } = session.facts;
    if (seen.has(sessionId)) continue;
    seen.add(sessionId);
    yield session;
  }
}
