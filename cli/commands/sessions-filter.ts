import type { SessionChoice } from '../../console/api/schemas-recordings.ts';
import { UsageError } from './answering.ts';

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

type Verdict = 'pass' | 'deny' | 'hold';
type Choice = Omit<SessionChoice, 'verdict' | 'person'> & { readonly verdict?: Verdict };

/** The same, as operations take them. @throws UsageError */
export function choiceOf(
  values: { readonly [K in keyof typeof filterOptions]?: string | undefined },
): Choice {
  const { subject, connection, tool, rule, verdict, from, to } = values;
  if (verdict !== undefined && verdict !== 'pass' && verdict !== 'deny' && verdict !== 'hold')
    throw new UsageError('--verdict is pass, deny or hold');
  return {
    ...(subject !== undefined && { subject }),
    ...(connection !== undefined && { connection }),
    ...(tool !== undefined && { tool }),
    ...(rule !== undefined && { rule }),
    ...(verdict !== undefined && { verdict }),
    ...(from !== undefined && { from: dateOf(from, '--from').toISOString() }),
    ...(to !== undefined && { to: dateOf(to, '--to').toISOString() }),
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
