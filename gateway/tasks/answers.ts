import type { StoredTask } from '../../db/mcp-tasks.ts';
import { isModern } from '../mcp/versions.ts';

/** The end of a task whose gateway was lost while nobody else could know what became of its call. */
export function lostResponse(task: StoredTask): string {
  const text =
    task.held && task.callState === null
      ? `NOT_EXECUTED ${task.taskId}. The gateway was lost before the call could be put before an approver; nothing ` +
        'was sent. Call the tool again.'
      : `OUTCOME_UNKNOWN ${task.taskId}. The gateway that carried the call to ${task.session.connection} was lost ` +
        'before the answer came. The call may have been executed. Do not simply repeat it: find out with a call that ' +
        'only reads whether it took effect, or ask a person to look.';
  return refusal(task, text);
}

/** The end of a task that its client cancelled. */
export function cancelledResponse(task: StoredTask): string {
  const waiting = task.callState === 'pending' || (task.held && task.callState === null);
  const text = waiting
    ? `CANCELLED ${task.taskId}. The client cancelled the task before the call was approved; nothing ran.`
    : `CANCELLED ${task.taskId}. The client cancelled the task while its call was under way. It may have taken effect.`;
  return refusal(task, text);
}

/** A result that the model can read, without `structuredContent`, which clients would check against the tool's schema. */
function refusal({ taskId, protocolVersion }: StoredTask, text: string): string {
  const result = {
    ...(isModern(protocolVersion) && { resultType: 'complete' }),
    isError: true,
    content: [{ type: 'text', text }],
  };
  return `{"jsonrpc":"2.0","id":${JSON.stringify(taskId)},"result":${JSON.stringify(result)}}`;
}
