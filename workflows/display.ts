import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import * as wf from '@temporalio/workflow';
import { type ApprovalInput, type ApprovalStatus, type ExecuteResult, searchAttributes } from './contract.ts';

const stateAttribute = defineSearchAttributeKey(searchAttributes.state, SearchAttributeType.KEYWORD);

/** Brings the Temporal UI up to date: the state as a search attribute, the whole story as current details. */
export function showState(
  input: ApprovalInput,
  status: ApprovalStatus,
  execution: ExecuteResult | null,
): void {
  wf.upsertSearchAttributes([{ key: stateAttribute, value: stateName(status, execution) }]);
  wf.setCurrentDetails(currentDetails(input, status, execution));
}

/** One word, as in the row: `pending`, `approved`, `denied`, …, and how an execution ended. */
export function stateName({ outcome }: ApprovalStatus, execution: ExecuteResult | null): string {
  return execution?.execution ?? outcome ?? 'pending';
}

function currentDetails(
  input: ApprovalInput,
  status: ApprovalStatus,
  execution: ExecuteResult | null,
): string {
  const lines = [`**${stateName(status, execution)}**`, ''];
  if (status.outcome === null) {
    const missing = input.approvalsNeeded - status.votes.length;
    lines.push(
      `Waiting for ${missing === 1 ? 'one approval' : `${missing} approvals`} from: ${input.approverGroups.map(plain).join(', ')}.`,
    );
    lines.push(`Expires ${new Date(input.expiresAtMs).toISOString()}.`);
  }
  for (const vote of status.votes) {
    const reason = vote.reason ? `: ${plain(vote.reason)}` : '';
    lines.push(
      `- ${vote.decision === 'approve' ? 'approved' : 'denied'} by ${plain(vote.person.name)} (${plain(vote.via)}) at ${new Date(vote.atMs).toISOString()}${reason}`,
    );
  }
  if (execution?.summary) lines.push('', plain(execution.summary));
  return lines.join('\n');
}

/** The UI renders Markdown: what people or agents wrote is shown as text. */
function plain(text: string): string {
  return text
    .replace(/[\\`*_{}[\]()#+\-.!|<>~]/g, '\\$&')
    .replace(/\s+/g, ' ')
    .slice(0, 400);
}
