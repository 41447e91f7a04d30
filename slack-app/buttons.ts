import type { ActionsBlock, Button, KnownBlock, Overflow, PlainTextOption } from '@slack/types';
import type { CardOffer } from '../db/cards.ts';
import { pageUrl } from './card-parts.ts';
import { spanWords } from './choices.ts';
import type { CardRequest } from './request.ts';
import { fitted } from './text.ts';

/** What a button or an input is called in an interaction's payload. */
export const actionIds = {
  approve: 'hold_approve',
  deny: 'hold_deny',
  details: 'hold_details',
  more: 'hold_more',
  extend: 'hold_extend',
  approveAll: 'hold_approve_all',
  denyAll: 'hold_deny_all',
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

const plain = (text: string) => ({ type: 'plain_text' as const, text, emoji: false });
/** Words of our own, in which nothing could pass for an emoji. */
const word = (text: string) => ({ type: 'plain_text' as const, text });

/** What the buttons of a call are made from. */
type Decidable = Pick<
  CardRequest,
  'callId' | 'tool' | 'method' | 'connection' | 'grantOffer' | 'extension' | 'stepUp'
>;

/**
 * The buttons of an open request. They carry the call id and nothing else: what is decided on is looked up, never
 * taken from a message. Deny is always there; Approve only when the card shows all of what would run.
 */
export function cardButtons(call: Decidable, whole: boolean, consoleUrl: string): ActionsBlock {
  const { callId, extension } = call;
  const grant: Button = {
    type: 'button',
    action_id: actionIds.grant,
    value: callId,
    text: plain('Approve and allow more…'),
    accessibility_label: 'Approve this call and further calls like it',
  };
  const extend: Button[] =
    extension && extension.left > 0
      ? [
          {
            type: 'button',
            action_id: actionIds.extend,
            value: callId,
            text: plain(extendWords(extension.byMs)),
            accessibility_label: 'Give everybody more time to decide',
          },
        ]
      : [];
  const what = fitted(`${call.tool || call.method} on ${call.connection}`, 120).text;
  const here = whole
    ? [
        approveButton(callId, `It runs once, exactly as shown: ${what}.`),
        ...(call.grantOffer === null ? [] : [grant]),
      ]
    : [];
  const approving = call.stepUp ? [elsewhereButton(callId, consoleUrl)] : here;
  return {
    type: 'actions',
    block_id: 'decide',
    elements: [...approving, denyButton(callId), detailsButton(callId), ...extend],
  };
}

/** The buttons of one of several calls on a card: what is done less often is in a menu. */
export function rowButtons(
  call: Decidable,
  { nth, of, whole, consoleUrl }: { nth: number; of: number; whole: boolean; consoleUrl: string },
): ActionsBlock {
  const { callId, extension, grantOffer, stepUp } = call;
  const which = `call ${nth} of ${of}`;
  const here = whole ? [approveButton(callId, `It runs once, exactly as shown: ${which}.`, which)] : [];
  const option = (text: string, act: MoreAct): PlainTextOption => ({
    text: word(text),
    value: `${act}:${callId}`,
  });
  const more = [
    option('Details', 'details'),
    ...(whole && grantOffer !== null && !stepUp ? [option('Approve and allow more…', 'grant')] : []),
    ...(extension && extension.left > 0 ? [option(extendWords(extension.byMs), 'extend')] : []),
  ];
  const menu: Overflow = { type: 'overflow', action_id: actionIds.more, options: more };
  return {
    type: 'actions',
    block_id: `${nth}-decide`,
    elements: [
      ...(stepUp ? [elsewhereButton(callId, consoleUrl)] : here),
      denyButton(callId, which),
      more.length === 1 ? detailsButton(callId) : menu,
    ],
  };
}

/** What a call's menu on a card of several can do. */
export type MoreAct = 'details' | 'grant' | 'extend';

/**
 * The buttons that decide all calls that wait on a card: each carries the name of the set that it decides, so that
 * nothing that came later is ever among them.
 */
export function allButtons(
  first: CardRequest,
  offers: { readonly approve: CardOffer | null; readonly deny: CardOffer },
): KnownBlock {
  const what = fitted(`${first.tool || first.method} on ${first.connection}`, 120).text;
  const value = ({ id }: CardOffer): string => `${first.callId}:${id}`;
  const { approve, deny } = offers;
  return {
    type: 'actions',
    block_id: 'decide-all',
    elements: [
      ...(approve === null
        ? []
        : [
            {
              type: 'button' as const,
              action_id: actionIds.approveAll,
              value: value(approve),
              style: 'primary' as const,
              text: plain(`Approve all ${approve.calls.length}`),
              accessibility_label: `Approve all ${approve.calls.length} calls that wait on this card`,
              confirm: {
                title: plain(`Let ${approve.calls.length} calls run?`),
                text: plain(
                  `Each runs once, exactly as shown: ${what}. A call that comes later is not among them.`,
                ),
                confirm: plain(`Approve all ${approve.calls.length}`),
                deny: plain('Not yet'),
              },
            },
          ]),
      {
        type: 'button',
        action_id: actionIds.denyAll,
        value: value(deny),
        style: 'danger',
        text: plain(`Deny all ${deny.calls.length}`),
        accessibility_label: `Deny all ${deny.calls.length} calls that wait on this card and say why`,
      },
    ],
  };
}

/** How an extension is offered: `Give 30 minutes more`. */
export function extendWords(byMs: number): string {
  return `Give ${spanWords(byMs)} more`;
}

/** @param which call it is, where several stand together; for screen readers */
function approveButton(callId: string, consequence: string, which = 'this call'): Button {
  return {
    type: 'button',
    action_id: actionIds.approve,
    value: callId,
    style: 'primary',
    text: word('Approve'),
    accessibility_label: `Approve ${which}`,
    confirm: {
      title: word('Let this call run?'),
      text: plain(consequence),
      confirm: word('Approve'),
      deny: word('Not yet'),
    },
  };
}

function denyButton(callId: string, which = 'this call'): Button {
  return {
    type: 'button',
    action_id: actionIds.deny,
    value: callId,
    style: 'danger',
    text: word('Deny'),
    accessibility_label: `Deny ${which} and say why`,
  };
}

function detailsButton(callId: string): Button {
  return {
    type: 'button',
    action_id: actionIds.details,
    value: callId,
    text: word('Details'),
    accessibility_label: 'Show everything that is known about this call',
  };
}

/** Nobody can prove themselves anew in Slack: the button only leads to where they can. */
function elsewhereButton(callId: string, consoleUrl: string): Button {
  return {
    type: 'button',
    action_id: actionIds.stepUp,
    url: pageUrl({ consoleUrl }, 'approvals', callId),
    text: plain('Approve in the console'),
    accessibility_label: 'Open this call in the console, to prove yourself and approve it there',
  };
}
