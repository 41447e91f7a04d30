import { builtinDetectors } from './detectors.ts';
import type { MaskingProblem } from './config.ts';

/** Which profile masks what no rule of policy gave one to; the first entry that fits decides. */
export interface ProfileUse {
  /** Patterns with `*`; null fits everything. */
  readonly connection: readonly string[] | null;
  readonly tool: readonly string[] | null;
  /** At least one group of the caller. */
  readonly group: readonly string[] | null;
  readonly profile: string;
}

/** Leave for tokens from one connection to be opened towards another (or, for secrets, towards the same). */
export interface RestorePair {
  readonly from: string;
  readonly to: string;
  /** Families and detectors. Secrets only where they are named. */
  readonly types: readonly string[];
}

/** What is masked: for whom, on which connection, by which tool (empty where there is none). */
export interface Place {
  readonly connection: string;
  readonly tool: string;
  readonly groups: readonly string[];
}

/** @returns the profile of the first use that fits, or `default` */
export function profileAt(uses: readonly ProfileUse[], place: Place): string {
  const fits = (patterns: readonly string[] | null, values: readonly string[]): boolean =>
    patterns === null || patterns.some((pattern) => values.some((value) => matches(pattern, value)));
  const use = uses.find(
    ({ connection, tool, group }) =>
      fits(connection, [place.connection]) && fits(tool, [place.tool]) && fits(group, place.groups),
  );
  return use?.profile ?? 'default';
}

/** Every profile that a place may have, whatever groups its caller is in; the one for no group is the last. */
export function profilesAt(
  uses: readonly ProfileUse[],
  { connection, tool }: Omit<Place, 'groups'>,
): string[] {
  const found = new Set<string>();
  for (const use of uses) {
    const fits =
      (use.connection?.some((pattern) => matches(pattern, connection)) ?? true) &&
      (use.tool?.some((pattern) => matches(pattern, tool)) ?? true);
    if (!fits) continue;
    found.add(use.profile);
    if (use.group === null) return [...found];
  }
  found.add('default');
  return [...found];
}

/** Whether a token of this type from one connection may be opened towards another. */
export function mayRestore(pairs: readonly RestorePair[], type: string, from: string, to: string): boolean {
  const family = builtinDetectors.get(type);
  if (from === to && family !== 'secrets') return true;
  return pairs.some(
    (pair) =>
      pair.from === from &&
      pair.to === to &&
      (pair.types.includes(type) || (family !== undefined && pair.types.includes(family))),
  );
}

/** The other connections whose tokens may be opened towards one. */
export function originsFor(pairs: readonly RestorePair[], to: string): string[] {
  return [...new Set(pairs.filter((pair) => pair.to === to && pair.from !== to).map((pair) => pair.from))];
}

const matches = (pattern: string, value: string): boolean => {
  const parts = pattern.split('*');
  const [first = ''] = parts;
  if (parts.length === 1) return pattern === value;
  const last = parts.at(-1) ?? '';
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = value.indexOf(part, at);
    if (found < 0 || found + part.length > value.length - last.length) return false;
    at = found + part.length;
  }
  return true;
};

/** Reads `masking.use`. */
export function readUses(
  raw: unknown,
  profiles: readonly string[],
  problems: MaskingProblem[],
): ProfileUse[] {
  const uses: ProfileUse[] = [];
  for (const { entry, path } of entriesOf(raw, 'use', ['connection', 'tool', 'group', 'profile'], problems)) {
    const { profile } = entry;
    if (typeof profile !== 'string' || !profiles.includes(profile)) {
      problems.push({ path: [...path, 'profile'], message: `profile must be one of ${profiles.join(', ')}` });
      continue;
    }
    const list = (key: string): readonly string[] | null => {
      const value = entry[key];
      if (value === undefined) return null;
      const texts = typeof value === 'string' ? [value] : value;
      if (
        Array.isArray(texts) &&
        texts.length > 0 &&
        texts.every((text) => typeof text === 'string' && text !== '')
      )
        return texts as string[];
      problems.push({ path: [...path, key], message: `${key} must be a pattern or a list of them` });
      return null;
    };
    uses.push({ connection: list('connection'), tool: list('tool'), group: list('group'), profile });
  }
  return uses;
}

/** Reads `masking.restore`. @param known names of families and detectors */
export function readRestore(
  raw: unknown,
  known: ReadonlySet<string>,
  problems: MaskingProblem[],
): RestorePair[] {
  const pairs: RestorePair[] = [];
  for (const { entry, path } of entriesOf(raw, 'restore', ['from', 'to', 'types'], problems)) {
    const { from, to, types = ['pii', 'payment'] } = entry;
    if (typeof from !== 'string' || from === '' || typeof to !== 'string' || to === '')
      problems.push({ path, message: 'from and to name two connections' });
    else if (!Array.isArray(types) || types.length === 0 || !types.every((type) => known.has(String(type))))
      problems.push({ path: [...path, 'types'], message: 'types must be a list of detectors or families' });
    else pairs.push({ from, to, types: types as string[] });
  }
  return pairs;
}

function entriesOf(
  raw: unknown,
  name: string,
  keys: readonly string[],
  problems: MaskingProblem[],
): { entry: Record<string, unknown>; path: (string | number)[] }[] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw)) {
    problems.push({ path: [name], message: `${name} must be a list` });
    return [];
  }
  const entries: { entry: Record<string, unknown>; path: (string | number)[] }[] = [];
  for (const [at, value] of raw.entries()) {
    const path = [name, at];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      problems.push({ path, message: `each entry must be a map with ${keys.join(', ')}` });
      continue;
    }
    const entry = value as Record<string, unknown>;
    const unknown = Object.keys(entry).find((key) => !keys.includes(key));
    if (unknown !== undefined)
      problems.push({
        path: [...path, unknown],
        message: `unknown key ${unknown}; known are ${keys.join(', ')}`,
      });
    entries.push({ entry, path });
  }
  return entries;
}
