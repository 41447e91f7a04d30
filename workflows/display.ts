import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import * as wf from '@temporalio/workflow';
import { type ApprovalInput, type ApprovalStatus, searchAttributes } from './contract.ts';
import { plainMarkdown } from './markdown.ts';

const stateAttribute = defineSearchAttributeKey(searchAttributes.state, SearchAttributeType.KEYWORD);

/** How the row ended, and what there is to say about it. */
export interface Ended {
  readonly state: string;
  readonly summary: string | null;
}

/**
 * Brings the Temporal UI up to date: the state as a search attribute, the whole story as current details.
 * @param ended null while the row has not ended
 */
export function showState(input: ApprovalInput, status: ApprovalStatus, ended: Ended | null): void {
  const state = ended?.state ?? status.outcome ?? 'pending';
  // It starts as pending: a write to Temporal's visibility store is worth a change only.
  if (state !== 'pending') wf.upsertSearchAttributes([{ key: stateAttribute, value: state }]);
  wf.setCurrentDetails([`### ${state}`, ...story(input, status, ended)].join('\n\n'));
}

function story(input: ApprovalInput, status: ApprovalStatus, ended: Ended | null): string[] {
  const votes = status.votes.map(
    ({ decision, person, via, atMs, reason }) =>
      `- ${decision === 'approve' ? 'approved' : 'denied'} by **${plainMarkdown(person.name)}** (${plainMarkdown(via)}) at ${time(atMs)}${reason ? `: ${plainMarkdown(reason)}` : ''}`,
  );
  const lines = votes.length > 0 ? [votes.join('\n')] : [];
  if (status.outcome === null) lines.push(waitingFor(input, status));
  if (status.outcome === 'approved' && ended === null)
    lines.push('It runs once, as soon as its client can have the result.');
  if (ended?.summary) lines.push(plainMarkdown(ended.summary));
  return lines;
}

function waitingFor(input: ApprovalInput, status: ApprovalStatus): string {
  const missing = input.approvalsNeeded - status.votes.length;
  const approvals = missing === 1 ? 'one approval' : `${missing} approvals`;
  return `Waiting for ${approvals} from ${input.approverGroups.map(plainMarkdown).join(', ')}, until ${time(input.expiresAtMs)}.`;
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace(/\..*/, ' UTC');
}
