import { nationalIds } from '../rules/national-ids.ts';
import type { NationalId } from '../rules/national-id.ts';
import type { Span } from '../span.ts';
import { anyOf, before, hasWord } from './characters.ts';

interface Ready {
  readonly id: NationalId;
  readonly match: RegExp;
}

/** Finds identity numbers at a word's start. @returns end of the match, or `at` */
export type PersonNumberFinder = (text: string, at: number, key: string, out: Span[]) => number;

/** Backreferences are loosened so that many patterns fit into one guard. */
function guardOf(ids: readonly NationalId[]): RegExp {
  const loose = ids.map(
    (id) => `(?:${id.pattern.replaceAll(/\(\[(.{2,3})\]\)/g, '[$1]').replaceAll('\\1', '[ -]')})`,
  );
  return new RegExp(`(?:${loose.join('|')})(?![0-9A-Za-z])`, 'yi');
}

function findIn(
  ready: readonly Ready[],
  text: string,
  at: number,
  key: string,
  out: Span[],
  said: (text: string, key: string) => boolean,
): number {
  let context: string | undefined;
  for (const { id, match } of ready) {
    match.lastIndex = at;
    const found = match.exec(text);
    if (found === null) continue;
    if (id.near !== undefined) {
      if (!said(text, key)) continue;
      context ??= before(text, at, key);
      if (!hasWord(context, id.near)) continue;
    }
    if (
      !id.check(
        found[0]
          .replace(/[ ./()-]/g, '')
          .toUpperCase()
          .concat(),
      ) &&
      !keepsSeparators(id, found[0])
    )
      continue;
    out.push({ start: at, end: match.lastIndex, detector: id.name, confidence: 0.9 });
    return match.lastIndex;
  }
  return at;
}

/** The Finnish century sign is a separator by look and a digit by meaning. */
function keepsSeparators(id: NationalId, raw: string): boolean {
  return id.name === 'fi-hetu' && id.check(raw.toUpperCase());
}

/** @param enabled whether a detector is on in this profile */
export function createPersonNumberFinder(enabled: (name: string) => boolean): PersonNumberFinder {
  const all = nationalIds.filter((id) => enabled(id.name));
  const groups = [false, true].map((digits) => {
    const ids = all.filter((id) => /^\d/.test(id.example) === digits);
    const ready = ids.map((id) => ({
      id,
      match: new RegExp(`(?:${id.pattern})(?![0-9A-Za-z])`, digits ? 'yi' : 'y'),
    }));
    return ids.length === 0 ? null : { guard: guardOf(ids), ready };
  });
  const anyNear = anyOf(all.flatMap((id) => id.near ?? []));
  let lastText = '';
  let lastKey = '';
  let found = false;
  /** Whether any word that a number needs stands anywhere; looked for once a text. */
  const said = (text: string, key: string): boolean => {
    if (text !== lastText || key !== lastKey) found = anyNear.test(text) || anyNear.test(key);
    lastText = text;
    lastKey = key;
    return found;
  };
  return (text, at, key, out) => {
    const code = text.charCodeAt(at);
    const group = groups[code >= 48 && code <= 57 ? 1 : 0];
    if (group === null || group === undefined) return at;
    group.guard.lastIndex = at;
    return group.guard.test(text) ? findIn(group.ready, text, at, key, out, said) : at;
  };
}
