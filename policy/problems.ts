import type { z } from 'zod';
import { knownKeys, nearest } from './suggest.ts';
import type { KeyPath, Place, YamlSource } from './yaml-source.ts';

/** One rule that a document breaks, in words. `atKey` when it is the key itself that is wrong. */
export interface Problem {
  readonly path: KeyPath;
  readonly message: string;
  readonly atKey?: boolean;
}

/**
 * Says what zod found in words for whoever wrote the file. Never repeats a value, which might be a secret; keys
 * are repeated.
 * @param schema what the document was checked with
 */
export function problemsOf(error: z.ZodError, schema: z.ZodType): readonly Problem[] {
  return error.issues
    .flatMap((issue) => explain(issue, []))
    .map((problem) => withSuggestion(problem, schema));
}

/** An unknown key is mostly a known one misspelt. */
function withSuggestion(problem: Problem, schema: z.ZodType): Problem {
  const key = problem.path.at(-1);
  if (problem.message !== unknownKey || typeof key !== 'string') return problem;
  const known = knownKeys(schema, problem.path.slice(0, -1));
  if (known.includes(key))
    return { ...problem, message: 'has no meaning here; it goes with another kind of entry' };
  const meant = nearest(key, known);
  return meant === null ? problem : { ...problem, message: `unknown key; did you mean \`${meant}\`?` };
}

const unknownKey = 'unknown key; remove it or correct it';

function explain(issue: z.core.$ZodIssue, above: KeyPath): readonly Problem[] {
  const path = [...above, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: unknownKey,
      atKey: true,
    }));
  if (issue.code === 'invalid_key')
    return [{ path, message: `this name ${issue.issues[0]?.message ?? 'is not allowed'}`, atKey: true }];
  if (issue.code === 'invalid_union') return explainUnion(issue, path);
  if (issue.code === 'invalid_value')
    return [{ path, message: `must be ${list(issue.values.map((value) => `\`${String(value)}\``))}` }];
  if (issue.code === 'invalid_type') {
    const missing = issue.message.endsWith('received undefined');
    if (missing) return [{ path, message: 'is missing' }];
    return [{ path, message: customised(issue.message) ?? `must be ${article(issue.expected)}` }];
  }
  if (issue.code === 'too_small')
    return [{ path, message: customised(issue.message) ?? `must be at least ${issue.minimum}` }];
  if (issue.code === 'too_big')
    return [{ path, message: customised(issue.message) ?? `must be at most ${issue.maximum}` }];
  return [{ path, message: issue.message }];
}

/** The branch that came nearest is the one its writer meant: the one whose complaints lie deepest. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, path: KeyPath): readonly Problem[] {
  if (issue.discriminator !== undefined) {
    const options = ('options' in issue ? (issue.options ?? []) : []).map(
      (option) => `\`${String(option)}\``,
    );
    return [{ path, message: `must be ${list(options)}` }];
  }
  if (customised(issue.message)) return [{ path, message: issue.message }];
  const branches = issue.errors.map((issues) => issues.flatMap((inner) => explain(inner, path)));
  const deepest = (problems: readonly Problem[]): number =>
    Math.max(0, ...problems.map((p) => p.path.length));
  return branches.reduce((best, next) => (deepest(next) > deepest(best) ? next : best), branches[0] ?? []);
}

/** Our own words, as opposed to zod's. */
function customised(message: string): string | null {
  return /^(Invalid|Too |Unrecognized)/.test(message) ? null : message;
}

function article(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    object: 'a map',
    record: 'a map',
    array: 'a list',
    string: 'a text (put it in quotes)',
    int: 'a whole number',
    number: 'a number',
    boolean: '`true` or `false`',
  };
  return names[expected] ?? `of type ${expected}`;
}

/** `a, b or c`. */
function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

/** `rules[2].match.tool`. */
export function formatPath(path: KeyPath): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('');
}

/** Where a problem stands in the text it was read from. */
export function placeOfProblem(source: YamlSource, problem: Problem): Place {
  return problem.atKey ? source.placeOfKey(problem.path) : source.placeOf(problem.path);
}
