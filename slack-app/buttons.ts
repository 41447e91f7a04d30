import type { ActionsBlock, Button } from '@slack/types';
import type { StepUp } from '../policy/verdict.ts';
import { fitted } from './text.ts';

/** What a button or an input is called in an interaction's payload. */
export const actionIds = {
  approve: 'hold_approve',
  deny: 'hold_deny',
  details: 'hold_details',
  reason: 'hold_reason',
  bounds: 'hold_bounds',
  grant: 'hold_grant',
  grantCalls: 'hold_grant_calls',
  grantFor: 'hold_grant_for',
  revoke: 'grant_revoke',
  happened: 'task_happened',
  didNotHappen: 'task_did_not_happen',
  take: 'task_take',
  readBack: 'task_read_back',
  markReason: 'task_mark_reason',
  stepUp: 'hold_step_up',
} as const;

/**
 * The buttons of an open request. They carry the call id and nothing else: what is decided on is looked up, never
 * taken from a message. Deny is always there; Approve only when the card shows all of what would run.
 */
export function cardButtons(
  call: {
    callId: string;
    tool: string;
    method: string;
    connection: string;
    grantOffer: unknown;
    stepUp?: StepUp | null;
  },
  whole: boolean,
  consoleUrl: string,
): ActionsBlock {
  const what = fitted(`${call.tool || call.method} on ${call.connection}`, 120).text;
  const approve: Button = {
    type: 'button',
    action_id: actionIds.approve,
    value: call.callId,
    style: 'primary',
    text: { type: 'plain_text', text: 'Approve', emoji: false },
    accessibility_label: 'Approve this call',
    confirm: {
      title: { type: 'plain_text', text: 'Let this call run?', emoji: false },
      text: { type: 'plain_text', text: `It runs once, exactly as shown: ${what}.`, emoji: false },
      confirm: { type: 'plain_text', text: 'Approve', emoji: false },
      deny: { type: 'plain_text', text: 'Not yet', emoji: false },
    },
  };
  const grant: Button = {
    type: 'button',
    action_id: actionIds.grant,
    value: call.callId,
    text: { type: 'plain_text', text: 'Approve and allow more…', emoji: false },
    accessibility_label: 'Approve this call and further calls like it',
  };
  const deny: Button = {
    type: 'button',
    action_id: actionIds.deny,
    value: call.callId,
    style: 'danger',
    text: { type: 'plain_text', text: 'Deny', emoji: false },
    accessibility_label: 'Deny this call and say why',
  };
  const details: Button = {
    type: 'button',
    action_id: actionIds.details,
    value: call.callId,
    text: { type: 'plain_text', text: 'Details', emoji: false },
    accessibility_label: 'Show everything that is known about this call',
  };
  // Nobody can prove themselves anew in Slack: the button only leads to where they can.
  const elsewhere: Button = {
    type: 'button',
    action_id: actionIds.stepUp,
    url: `${consoleUrl}/approvals/${encodeURIComponent(call.callId.toWellFormed())}`,
    text: { type: 'plain_text', text: 'Approve in the console', emoji: false },
    accessibility_label: 'Open this call in the console, where approving it asks you to prove yourself',
  };
  const here = whole ? [approve, ...(call.grantOffer === null ? [] : [grant])] : [];
  const approving = call.stepUp ? [elsewhere] : here;
  return {
    type: 'actions',
    block_id: 'decide',
    elements: [...approving, deny, details],
  };
}
