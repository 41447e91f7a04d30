import { argumentsOf, UsageError } from './answering.ts';
import { dateOf, filterOptions } from './sessions-filter.ts';

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

/** Ids of sessions and people, and a span of time. */
export interface Words {
  readonly chosen: readonly string[];
  readonly span: TimeSpan;
}

/** What `sessions export` is asked for. @throws UsageError */
export function exportAsked(argv: readonly string[], now: Date) {
  const { values, positionals } = argumentsOf(argv, {
    ...filterOptions,
    out: { type: 'string' },
    all: { type: 'boolean' },
  });
  if (!values.out) throw new UsageError('export needs --out DIR');
  if (positionals.length > 0 === (values.all ?? false))
    throw new UsageError('export takes sessions, people or a span of time, or --all');
  return { values, out: values.out, words: wordsOf(positionals, now) };
}

/** Whether it is to be one archive. What is wrong with the arguments is told by whoever does it. */
export function asksForArchive(argv: readonly string[]): boolean {
  try {
    return exportAsked(argv, new Date()).out.endsWith('.zip');
  } catch {
    return false;
  }
}

/**
 * Words by which sessions are chosen, told apart: at most one span of time, which limits people's sessions, or alone
 * takes everybody's; all others are ids of sessions, and people.
 * @throws UsageError when there is more than one span, or a wrong one
 */
function wordsOf(positionals: readonly string[], now: Date): Words {
  const spans = positionals.flatMap((word) => timeSpanOf(word, now) ?? []);
  if (spans.length > 1) throw new UsageError('one span of time at most');
  return { chosen: positionals.filter((word) => timeSpanOf(word, now) === null), span: spans[0] ?? {} };
}
