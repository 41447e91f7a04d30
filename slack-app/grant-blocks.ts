import type { KnownBlock, ModalView, PlainTextOption } from '@slack/types';
import type { CardGrant } from '../db/card-facts.ts';
import type { ShownGrant } from '../db/grants.ts';
import type { ShownOffer } from '../db/held-opening.ts';
import { lines, type Span, smallPrint } from './blocks.ts';
import { actionIds } from './buttons.ts';
import { callChoices, coverage, spanWords, timeChoices } from './choices.ts';
import { escaped, fitted, slackDate } from './text.ts';

const plain = (text: string) => ({ type: 'plain_text' as const, text, emoji: false });

/** The callback of the modal in which an approver releases further calls. */
export const grantModalId = 'hold_grant_terms';

/** Asks how far an approval is to go: this call, and how many further ones that meet what policy says. */
export function grantModal(
  call: { tool: string; method: string; connection: string; risk: string },
  offer: ShownOffer,
  privateMetadata: string,
): ModalView {
  const what = `${call.tool || call.method} on ${call.connection}`;
  return {
    type: 'modal',
    callback_id: grantModalId,
    private_metadata: privateMetadata,
    title: plain('Approve and allow more'),
    submit: plain('Approve'),
    close: plain('Back'),
    blocks: [
      lines('what', [
        [{ text: fitted(what, 300).text, bold: true }],
        [{ text: 'The call on the card runs, and then further calls like it, without anybody being asked:' }],
        ...coverage(offer).map((text): Span[] => [{ text: `• ${fitted(text, 500).text}` }]),
      ]),
      choice(
        actionIds.grantCalls,
        'At most how many further calls?',
        callChoices(offer).map((calls) =>
          option(`${calls} ${calls === 1 ? 'call' : 'calls'}`, String(calls)),
        ),
      ),
      choice(
        actionIds.grantFor,
        'For how long?',
        timeChoices(offer).map((ms) => option(spanWords(ms), String(ms))),
      ),
      smallPrint('revoke', 'Each use is counted on the card. Any approver can revoke it there with one tap.'),
    ],
  };
}

function choice(actionId: string, label: string, options: PlainTextOption[]): KnownBlock {
  const [first] = options;
  return {
    type: 'input',
    block_id: actionId,
    label: plain(label),
    element: {
      type: 'static_select',
      action_id: actionId,
      options,
      // The narrowest stands there: whoever wants more says so.
      ...(first && { initial_option: first }),
    },
  };
}

function option(text: string, value: string): PlainTextOption {
  return { text: plain(text), value };
}

/**
 * How a grant stands, under the card of the call it was given with; with a button while it covers anything.
 * @param prefix of the blocks' ids, so that several calls can stand on one card
 */
export function grantBlocks(grant: CardGrant, prefix: string): KnownBlock[] {
  return [
    lines(`${prefix}grant`, [grantLine(grant)]),
    ...(grant.open ? [revokeButton(`${prefix}grant-actions`, grant.grantId)] : []),
  ];
}

function grantLine({ calls, used, open, revokedAtMs, revokedBy, expiresAtMs }: CardGrant): Span[] {
  const count = `${used} of ${calls} further ${calls === 1 ? 'call' : 'calls'} used`;
  if (open) return [{ text: `Grant: ${count}`, bold: true }, { text: ', until ' }, { atMs: expiresAtMs }];
  if (revokedAtMs !== null)
    return [
      { text: `Grant revoked by ${fitted(revokedBy ?? 'an approver', 100).text} `, bold: true },
      { atMs: revokedAtMs },
      { text: `: ${count}.` },
    ];
  return [{ text: 'Grant over', bold: true }, { text: `: ${count}.` }];
}

/** One tap ends a grant. */
export function revokeButton(blockId: string, grantId: string): KnownBlock {
  return {
    type: 'actions',
    block_id: blockId,
    elements: [
      {
        type: 'button',
        action_id: actionIds.revoke,
        value: grantId,
        style: 'danger',
        text: plain('Revoke grant'),
        accessibility_label: 'Revoke this grant: further calls are asked about again',
      },
    ],
  };
}

/** A grant in a list: what it covers, how far it is used, and how to end it. */
export function listedGrant(grant: ShownGrant, index: number): KnownBlock[] {
  const { tool, connection, subject, used, calls, givenBy, grantId, expiresAt } = grant;
  return [
    lines(`grant-${index}`, [
      [{ text: `${fitted(tool, 100).text} on ${fitted(connection, 100).text}`, bold: true }],
      [
        {
          text: `${fitted(subject, 100).text} · ${used} of ${calls} used · given by ${fitted(givenBy.join(', '), 200).text}`,
        },
      ],
    ]),
    smallPrint(
      `grant-until-${index}`,
      `until ${slackDate(expiresAt.getTime(), '{date_short_pretty} at {time}')} · \`${escaped(grantId)}\``,
    ),
    revokeButton(`grant-revoke-${index}`, grantId),
  ];
}
