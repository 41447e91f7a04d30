import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { type ApprovalInput, searchAttributes } from './contract.ts';
import { plainMarkdown } from './markdown.ts';

/** The search attributes that a request starts with; in clear, so names only. */
export function searchAttributesOf(input: ApprovalInput): TypedSearchAttributes {
  const pair = (name: string, value: string) => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value: value.slice(0, 255),
  });
  return new TypedSearchAttributes([
    pair(searchAttributes.connection, input.connection),
    pair(searchAttributes.tool, input.tool),
    pair(searchAttributes.subject, input.subject),
    pair(searchAttributes.rule, input.rule),
    pair(searchAttributes.risk, input.risk),
    pair(searchAttributes.state, 'pending'),
  ]);
}

/** One line for lists. */
export function staticSummaryOf({ tool, connection, subject }: ApprovalInput): string {
  return plainMarkdown(`${tool} on ${connection}, for ${subject}`);
}

/** What the request is about, as Markdown. */
export function staticDetailsOf(input: ApprovalInput): string {
  const client = input.client === null ? '' : ` (client ${plainMarkdown(input.client)}, unverified)`;
  const reason = input.reason === null ? '' : `: ${plainMarkdown(input.reason)}`;
  return [
    `- **tool**: ${plainMarkdown(input.tool)} on ${plainMarkdown(input.connection)}`,
    `- **for**: ${plainMarkdown(input.subject)}${client}`,
    `- **held by**: ${plainMarkdown(input.rule)}${reason}`,
    `- **risk**: ${input.risk}`,
    `- **asked**: ${input.approverGroups.map(plainMarkdown).join(', ')}; ${input.approvalsNeeded} needed`,
    `- **digest**: ${input.digest}`,
    `- **approval id**: ${input.callId}, **correlation id**: ${plainMarkdown(input.correlationId)}`,
  ].join('\n');
}
