import { quorumWords } from '../../workflows/quorum.ts';
import { visibleText } from '../../console/visible.ts';
import type { ShownCall } from '../../db/held-calls-shown.ts';
import type { UnknownTask } from '../../db/unknown-tasks.ts';
import { contextLines, type ShownLine } from './shown-context.ts';

/** What a list says of a request. */
export function summary(call: ShownCall): Record<string, unknown> {
  return {
    id: call.callId,
    state: call.state,
    connection: call.connection,
    tool: call.tool,
    subject: call.caller.subject,
    rule: call.rule,
    createdAt: call.createdAt.toISOString(),
    expiresAt: call.expiresAt.toISOString(),
  };
}

/** Prints one request whole. @returns the exit code */
export function show(
  deps: { readonly stdout: (text: string) => void },
  call: ShownCall,
  json: boolean,
): number {
  if (json) {
    const {
      approvers,
      approvalsNeeded,
      votes,
      shownArgs,
      risk,
      reason,
      digest,
      policyVersion,
      endedBecause,
    } = call;
    const facts = {
      argumentsJson: shownArgs,
      intent: call.intent,
      risk,
      reason,
      digest,
      policyVersion,
      endedBecause,
      context: call.context,
    };
    const decisions = votes.map(({ person, decision, reason: why, via, atMs }) => ({
      name: person.name,
      decision,
      reason: why,
      via,
      at: new Date(atMs).toISOString(),
    }));
    deps.stdout(
      `${JSON.stringify({ ...summary(call), ...facts, approvers: approvers.map((group) => group.name), approvalsNeeded, decisions }, null, 2)}\n`,
    );
    return 0;
  }
  const lines: ShownLine[] = [
    ['For', `${call.caller.subject} (${call.caller.key})`],
    ['By', call.caller.client ?? 'a client that gave no name'],
    ['Call', `${call.method} ${call.tool} on ${call.connection}`],
    ['Arguments', call.shownArgs],
    ...(call.intent === null
      ? []
      : [['Says', `${call.intent} (the agent's own words, not verified)`] as const]),
    ...(call.state === 'pending' ? contextLines(call.context) : []),
    ['Held by', `rule ${call.rule}${call.reason === null ? '' : `: ${call.reason}`}`],
    ['Risk', call.risk],
    [
      'Approvers',
      `${call.approvers.map((group) => group.name).join(', ')} (${quorumWords(call.quorum ?? { kind: 'together', approvals: call.approvalsNeeded })})`,
    ],
    ...call.votes.map(
      (vote) =>
        [
          'Decision',
          `${vote.decision} by ${vote.person.name} at ${new Date(vote.atMs).toISOString()}${vote.reason === null ? '' : `: ${vote.reason}`}`,
        ] as const,
    ),
    ...call.extensions.map(
      ({ person, byMs, via }) =>
        ['Extended', `by ${Math.round(byMs / 60_000)} minutes by ${person.name} (${via})`] as const,
    ),
    ['State', call.endedBecause === null ? call.state : `${call.state}: ${call.endedBecause}`],
    ...(call.task === null ? [] : [['Outcome', outcomeWords(call.task)] as const]),
    ['Expires', call.expiresAt.toISOString()],
    ['Digest', call.digest],
  ];
  deps.stdout(lines.map(([name, value]) => `${name.padEnd(10)} ${visibleText(value)}\n`).join(''));
  return 0;
}

function outcomeWords({ mark, markedBy, reason, takenBy, shown }: UnknownTask): string {
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
