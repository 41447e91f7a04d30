import { quorumWords } from '../workflows/quorum.ts';
import type { KnownBlock, ModalView } from '@slack/types';
import { actionIds } from './buttons.ts';
import { boxed, limits, lines, smallPrint, weight } from './blocks.ts';
import { laidOut, pieces } from './layout.ts';
import type { CardRequest } from './request.ts';
import { escaped, fitted, visible } from './text.ts';

/** What a modal is called when it is submitted. */
export const modalIds = { deny: 'hold_deny_reason', denyAll: 'hold_deny_all_reason' } as const;

/** The longest reason that a denial may give, in characters. */
export const longestReason = 1000;

/** The longest bounds that a denial may name, in characters. */
export const longestBounds = 200;

const plain = (text: string) => ({ type: 'plain_text' as const, text, emoji: false });

/**
 * Asks why a call is denied, or several like it. The agent is given the reason, so it is required.
 * @param count how many calls are denied
 */
export function denyModal(
  call: { tool: string; method: string; connection: string },
  privateMetadata: string,
  count: number,
): ModalView {
  const several = count > 1;
  const what = `${call.tool || call.method} on ${call.connection}`;
  return {
    type: 'modal',
    callback_id: several ? modalIds.denyAll : modalIds.deny,
    private_metadata: privateMetadata,
    title: plain(several ? `Deny ${count} calls` : 'Deny this call'),
    submit: plain('Deny'),
    close: plain('Back'),
    blocks: [
      lines('what', [
        [{ text: fitted(what, 300).text, bold: true }],
        [{ text: several ? `None of the ${count} calls that wait on the card will run.` : 'will not run.' }],
      ]),
      {
        type: 'input',
        block_id: actionIds.reason,
        label: plain('Why not? The agent reads this and can act on it.'),
        element: {
          type: 'plain_text_input',
          action_id: actionIds.reason,
          multiline: true,
          min_length: 1,
          max_length: longestReason,
          focus_on_load: true,
        },
      },
      {
        type: 'input',
        block_id: actionIds.bounds,
        optional: true,
        label: plain('Within what would it be fine? For example: at most 100 rows'),
        element: {
          type: 'plain_text_input',
          action_id: actionIds.bounds,
          max_length: longestBounds,
        },
      },
    ],
  };
}

/** Says something that is too important for a line in the channel, or has no channel to be said in. */
export function noticeModal(title: string, message: string): ModalView {
  return {
    type: 'modal',
    title: plain(title),
    close: plain('Close'),
    blocks: [lines('notice', [[{ text: visible(message) }]])],
  };
}

/** Everything that is known about a call; its arguments as far as Slack has room, and words where it has not. */
export function detailsModal(request: CardRequest, consoleUrl: string): ModalView {
  const url = `${consoleUrl}/approvals/${encodeURIComponent(request.callId.toWellFormed())}`;
  const fact = (name: string, value: string) => [
    { text: `${name}  `, bold: true },
    { text: fitted(value, 1000).text },
  ];
  const facts = lines('facts', [
    fact('Tool', request.tool || request.method),
    fact('Connection', request.connection),
    fact('Method', request.method),
    fact('Subject', request.subject),
    ...(request.actors.length > 0 ? [fact('Actors', request.actors.join(', '))] : []),
    ...(request.client === null ? [] : [fact('Client', request.client)]),
    fact('Rule', request.rule),
    ...(request.reason === null ? [] : [fact('Because', request.reason)]),
    fact('Risk', request.risk),
    fact(
      'Decided by',
      `${request.approverGroups.map(({ name }) => name).join(', ')} (${quorumWords(request.quorum)})`,
    ),
    [{ text: 'Asked  ', bold: true }, { atMs: request.createdAtMs }],
    [{ text: 'Expires  ', bold: true }, { atMs: request.expiresAtMs }],
    fact('Call', request.callId),
    fact('Digest', request.digest),
  ]);
  return {
    type: 'modal',
    title: plain('Request'),
    close: plain('Close'),
    blocks: [
      facts,
      ...argumentBlocks(request.shownArgs, limits.viewWeight - weight([facts]) - 2000),
      smallPrint('link', `<${escaped(url)}|Open in the console>`),
    ],
  };
}

function argumentBlocks(shownArgs: string, room: number): KnownBlock[] {
  const heading = (text: string) => lines('arguments', [[{ text, bold: true }]]);
  const size = shownArgs.length.toLocaleString('en-US');
  const tooLong = [
    heading('Arguments'),
    lines('arguments-missing', [
      [
        {
          text: `Not shown: ${size} characters are more than Slack has room for. The console shows all of them.`,
        },
      ],
    ]),
  ];
  if (shownArgs.length > room) return tooLong;
  const text = laidOut(shownArgs);
  if (text.trim() === '') return [heading('No arguments')];
  const boxes = pieces(text, limits.preformattedLength).map((piece, index) => boxed(`args-${index}`, piece));
  if (boxes.length > limits.viewBlocks - 10 || weight(boxes) > room) return tooLong;
  return [heading('Arguments'), ...boxes];
}
