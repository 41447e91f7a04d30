import { nationalIds } from '../rules/national-ids.ts';
import type { NameVerdict } from '../rules/name-verdict.ts';
import type { NationalId } from '../rules/national-id.ts';
import type { Span } from '../span.ts';
import { isOfThing } from './other-numbers.ts';
import { createWordIndex } from './word-index.ts';

/** An identity number's rule, made ready. */
export interface ReadyNumber {
  readonly id: NationalId;
  readonly match: RegExp;
}

/** Finds identity numbers at a word's start that need no word ahead. @returns end of the match, or `at` */
export type PersonNumberFinder = (text: string, at: number, out: Span[]) => number;

const startsWithDigit = (id: NationalId): boolean => /^\d/.test(id.example);

/** Of numbers that begin with letters, capitals alone count. */
const readyOf = (id: NationalId): ReadyNumber => ({
  id,
  match: new RegExp(`(?:${id.pattern})(?![0-9A-Za-z])`, startsWithDigit(id) ? 'yi' : 'y'),
});

/** Backreferences are loosened so that many patterns fit into one guard. */
function guardOf(ids: readonly NationalId[]): RegExp {
  const loose = ids.map(
    (id) => `(?:${id.pattern.replaceAll(/\(\[(.{2,3})\]\)/g, '[$1]').replaceAll('\\1', '[ -]')})`,
  );
  return new RegExp(`(?:${loose.join('|')})(?![0-9A-Za-z])`, 'yi');
}

const compact = (written: string): string => written.replace(/[ ./()[\]-]/g, '').toUpperCase();

/** Finds the first of some identity numbers that stands at `at`. @returns end of the match, or `at` */
export function findPersonNumber(
  text: string,
  at: number,
  ready: readonly ReadyNumber[],
  out: Span[],
): number {
  for (const { id, match } of ready) {
    match.lastIndex = at;
    const found = match.exec(text);
    if (found === null) continue;
    if (!id.check(compact(found[0])) && !keepsSeparators(id, found[0])) continue;
    out.push({ start: at, end: match.lastIndex, detector: id.name, confidence: 0.9 });
    return match.lastIndex;
  }
  return at;
}

/** The Finnish century sign is a separator by look and a digit by meaning. */
function keepsSeparators(id: NationalId, raw: string): boolean {
  return id.name === 'fi-hetu' && id.check(raw.toUpperCase());
}

const equalGroups = /^\d{3}([ -])\d{3}\1\d{3}|^\d{4}([ -])\d{4}\2\d{4}/;

/** @param enabled whether a detector is on in this profile */
export function createPersonNumberFinder(enabled: (name: string) => boolean): PersonNumberFinder {
  const formed = nationalIds.filter((id) => id.near === undefined && enabled(id.name));
  const groups = [false, true].map((digits) => {
    const ids = formed.filter((id) => startsWithDigit(id) === digits);
    return ids.length === 0 ? null : { guard: guardOf(ids), ready: ids.map(readyOf) };
  });
  return (text, at, out) => {
    const code = text.charCodeAt(at);
    const group = groups[code >= 48 && code <= 57 ? 1 : 0];
    if (group === null || group === undefined) return at;
    group.guard.lastIndex = at;
    if (!group.guard.test(text)) return at;
    // Equal groups are what ids of orders and meetings have too.
    if (equalGroups.test(text.slice(at, at + 14)) && isOfThing(text, at, '')) return at;
    return findPersonNumber(text, at, group.ready, out);
  };
}

/** The words that announce identity numbers, and which. @param enabled whether a detector is on in this profile */
export function numberWords(enabled: (name: string) => boolean): [string, ReadyNumber][] {
  return nationalIds
    .filter((id) => enabled(id.name))
    .flatMap((id) => {
      const ready = readyOf(id);
      return (id.near ?? []).map((word): [string, ReadyNumber] => [word, ready]);
    });
}

/**
 * Judges the names of columns and members by the words of identity numbers: what stands there is one if its form and
 * check digit fit.
 */
export function createNumberNames(enabled: (name: string) => boolean): (name: string) => NameVerdict | null {
  const index = createWordIndex(numberWords(enabled));
  return (name) => {
    const announced = index.in(name, 0, name.length);
    const first = announced[0];
    if (first === undefined) return null;
    const fits = (value: string): boolean =>
      announced.some(({ id, match }) => {
        match.lastIndex = 0;
        return match.test(value) && match.lastIndex === value.length && id.check(compact(value));
      });
    return { detector: first.id.name, strength: 'weak', fits };
  };
}
