import type { SessionFilter } from '../../recording/reader.ts';

/** The arguments are wrong: the message says how. */
export class UsageError extends Error {}

/** Whether an error means that the arguments are wrong, also when `parseArgs` found out. */
export function isUsage(error: unknown): boolean {
  return (
    error instanceof UsageError ||
    (error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS'))
  );
}

const text = { type: 'string' } as const;

/** The options by which sessions are chosen. */
export const filterOptions = {
  subject: text,
  connection: text,
  tool: text,
  verdict: text,
  rule: text,
  from: text,
  to: text,
} as const;

/** @throws UsageError */
export function filterOf(
  values: { readonly [K in keyof typeof filterOptions]?: string | undefined },
): SessionFilter {
  const facets = (['tool', 'verdict', 'rule'] as const).flatMap((facet) =>
    values[facet] === undefined ? [] : [{ facet, value: values[facet] }],
  );
  return {
    facets,
    ...(values.subject !== undefined && { subject: values.subject }),
    ...(values.connection !== undefined && { connection: values.connection }),
    ...(values.from !== undefined && { from: dateOf(values.from, '--from') }),
    ...(values.to !== undefined && { to: dateOf(values.to, '--to') }),
  };
}

/** @throws UsageError */
export function numberOf(value: string, option: string): number {
  const number = Number(value);
  if (!(number > 0 && number < 1e9)) throw new UsageError(`${option} must be a number greater than 0`);
  return number;
}

/** @throws UsageError */
export function dateOf(value: string, option: string): Date {
  const date = new Date(value);
  if (Number.isNaN(date.getTime()))
    throw new UsageError(`${option} must be a time such as 2026-11-21T10:00:00Z`);
  return date;
}
