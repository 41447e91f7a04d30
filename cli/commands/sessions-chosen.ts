import { sessionsOf } from '../../recording/search.ts';
import type { RecordReader, SessionFilter, SessionSummary } from '../../recording/reader.ts';
import { UsageError } from './answering.ts';
import { dateOf } from './sessions-filter.ts';

/** Nothing is recorded under a word: the message says so. */
export class NothingChosenError extends Error {}

/** A span of time: `2026-11-01..2026-11-08`, one end left out, or `24h` and `7d` back from now. */
export interface TimeSpan {
  readonly from?: Date;
  readonly to?: Date;
}

/**
 * A span of time in one word.
 * @returns null when it is none
 * @throws UsageError when it looks like one, and is wrong
 */
export function timeSpanOf(word: string, now: Date): TimeSpan | null {
  const back = /^(\d{1,5})(h|d)$/.exec(word);
  if (back)
    return { from: new Date(now.getTime() - Number(back[1]) * (back[2] === 'h' ? 3_600_000 : 86_400_000)) };
  const span = /^(\d[\d:.TZ+-]*)?\.\.(\d[\d:.TZ+-]*)?$/.exec(word);
  if (!span || word === '..') return null;
  const [, from, to] = span;
  const given = {
    ...(from !== undefined && { from: dateOf(from, word) }),
    ...(to !== undefined && { to: dateOf(to, word) }),
  };
  if (given.from && given.to && given.from >= given.to) throw new UsageError(`${word} ends before it begins`);
  return given;
}

/**
 * The sessions that some words choose: ids of sessions, people (subject or stable key), and at most one span of time,
 * which limits people's sessions, or alone takes everybody's. Each session is taken once.
 * @throws UsageError when there is more than one span, or a wrong one; NothingChosenError when a word is no session
 * and nobody who has any
 */
export async function sessionsChosenBy(
  reader: RecordReader,
  words: readonly string[],
  filter: SessionFilter,
  now: Date,
): Promise<SessionSummary[]> {
  const spans = words.flatMap((word) => timeSpanOf(word, now) ?? []);
  if (spans.length > 1) throw new UsageError('one span of time at most');
  const others = words.filter((word) => timeSpanOf(word, now) === null);
  const within = { ...filter, ...spans[0] };
  const chosen = new Map<string, SessionSummary>();
  const take = async (sessions: AsyncIterable<SessionSummary>): Promise<number> => {
    let taken = 0;
    for await (const session of sessions) {
      chosen.set(session.facts.sessionId, session);
      taken += 1;
    }
    return taken;
  };
  for (const word of others) {
    const session = await reader.session(word);
    if (session) {
      const { key: _, ...summary } = session;
      chosen.set(word, summary);
      continue;
    }
    const taken = await take(sessionsOf({ reader }, { ...within, person: word }));
    if (taken === 0)
      throw new NothingChosenError(`${word} is no session, nobody who has any, and no span of time`);
  }
  if (others.length === 0) await take(sessionsOf({ reader }, within));
  return [...chosen.values()];
}
