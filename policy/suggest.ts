import { z } from 'zod';
import type { KeyPath } from './yaml-source.ts';

/**
 * The candidate that was probably meant: at most two letters away (one, for short words), and nearer than any other.
 * @returns null when nothing is near enough
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const ranked = candidates
    .map((candidate) => ({ candidate, away: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  const [best, next] = ranked;
  const limit = word.length > 4 ? 2 : 1;
  if (!best || best.away > limit || best.away === next?.away) return null;
  return best.candidate;
}

/** `; did you mean …?`, or nothing. */
export function orRather(word: string, candidates: readonly string[]): string {
  const meant = nearest(word, candidates);
  return meant === null ? '' : `; did you mean \`${meant}\`?`;
}

/** Letters to insert, remove, change or swap (Damerau-Levenshtein, optimal string alignment). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? Number.POSITIVE_INFINITY;
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** The keys that a schema knows at a place, whichever of its branches is meant. */
export function knownKeys(schema: z.ZodType, path: KeyPath): readonly string[] {
  let at: readonly Schema[] = branches(z.toJSONSchema(schema, { io: 'input' }) as Schema);
  for (const key of path) at = at.flatMap((one) => step(one, key)).flatMap(branches);
  return [...new Set(at.flatMap(({ properties = {} }) => Object.keys(properties)))];
}

function step({ properties, additionalProperties, items }: Schema, key: string | number): readonly Schema[] {
  if (typeof key === 'number') return items ? [items] : [];
  const named = properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
  if (named) return [named];
  return typeof additionalProperties === 'object' ? [additionalProperties] : [];
}

function branches(schema: Schema): readonly Schema[] {
  return [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(branches)];
}
