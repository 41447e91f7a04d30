import { visibleText } from '../../console/visible.ts';
import type { Answer } from '../api/api.ts';
import { printJson } from './answering.ts';
import { contextLines, type ShownLine } from './shown-context.ts';

export type Approval = Answer<'showApproval'>;

/** What a list says of a request. */
export function summary(one: Approval): Record<string, unknown> {
  const { id, state, connection, tool, subject, rule, createdAt, expiresAt } = one;
  return { id, state, connection, tool, subject, rule, createdAt, expiresAt };
}

/** Prints one request whole. @returns the exit code */
export function show(out: (text: string) => void, one: Approval, json: boolean): number {
  if (json) {
    const { argumentsJson, intent, risk, reason, digest, policyVersion, endedBecause, context } = one;
    const { approvers, approvalsNeeded, decisions } = one;
    const facts = { argumentsJson, intent, risk, reason, digest, policyVersion, endedBecause, context };
    printJson(out, { ...summary(one), ...facts, approvers, approvalsNeeded, decisions });
    return 0;
  }
  const lines: ShownLine[] = [
    ['For', `${one.subject} (${one.callerKey})`],
    ['By', one.client ?? 'a client that gave no name'],
    ['Call', `${one.method} ${one.tool} on ${one.connection}`],
    ['Arguments', one.argumentsJson],
    ...(one.intent === null
      ? []
      : [['Says', `${one.intent} (the agent's own words, not verified)`] as const]),
    ...(one.state === 'pending' ? contextLines(one.context) : []),
    ['Held by', `rule ${one.rule}${one.reason === null ? '' : `: ${one.reason}`}`],
    ['Risk', one.risk],
    ['Approvers', `${one.approvers.join(', ')} (${one.quorum})`],
    ...one.decisions.map(
      ({ decision, name, at, reason }) =>
        ['Decision', `${decision} by ${name} at ${at}${reason === null ? '' : `: ${reason}`}`] as const,
    ),
    ...one.extensions.map(
      ({ name, byMs, via }) =>
        ['Extended', `by ${Math.round(byMs / 60_000)} minutes by ${name} (${via})`] as const,
    ),
    ['State', one.endedBecause === null ? one.state : `${one.state}: ${one.endedBecause}`],
    ...(one.outcome === null ? [] : [['Outcome', outcomeWords(one.outcome)] as const]),
    ['Expires', one.expiresAt],
    ['Digest', one.digest],
  ];
  out(lines.map(([name, value]) => `${name.padEnd(10)} ${visibleText(value)}\n`).join(''));
  return 0;
}

function outcomeWords({ mark, markedBy, reason, takenBy, shown }: NonNullable<Approval['outcome']>): string {
  if (mark !== null)
    return `${mark === 'happened' ? 'it happened' : 'it did not happen'}, as ${markedBy ?? 'an approver'} found: ${reason ?? ''}`;
  const looks = takenBy === null ? 'nobody looks into it yet' : `${takenBy} looks into it`;
  return `nobody knows; ${looks}${shown ? `; read-back: ${shown.text}` : ''}`;
}

/** Rows of cells in columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
