import type { Button, KnownBlock, ModalView } from '@slack/types';
import type { Mark, UnknownTask } from '../db/unknown-tasks.ts';
import { boxed, limits, lines, type Span } from './blocks.ts';
import { actionIds } from './buttons.ts';
import { pieces } from './layout.ts';
import { fitted, visibleLines } from './text.ts';

const plain = (text: string) => ({ type: 'plain_text' as const, text, emoji: false });

/** The callback of the modal in which somebody says what became of a call. */
export const markModalId = 'task_mark';

/** The longest reason of a mark, in characters. */
export const longestMarkReason = 1000;

const markWords: Readonly<Record<Mark, string>> = {
  happened: 'It happened',
  'did-not-happen': 'It did not happen',
};

/**
 * What is known of a call that was sent and never answered, and what somebody can do about it.
 * @param prefix of the blocks' ids, so that several calls can stand on one card
 */
export function taskBlocks(task: UnknownTask, callId: string, prefix: string): KnownBlock[] {
  if (task.mark !== null) return [];
  const { shown, readBack, takenBy } = task;
  const looks: Span[] =
    takenBy === null
      ? [{ text: 'Nobody looks into it yet.' }]
      : [{ text: `${fitted(takenBy, 100).text} looks into it.` }];
  return [
    lines(`${prefix}task`, [
      [{ text: 'Somebody has to find out what became of it. ', bold: true }, ...looks],
    ]),
    ...(shown ? shownBlocks(shown, prefix) : []),
    ...(readBack === 'wanted' || readBack === 'running'
      ? [lines(`${prefix}task-reading`, [[{ text: 'The server is being asked…' }]])]
      : []),
    judgeButtons(`${prefix}task-actions`, callId, readBack === 'done'),
  ];
}

/** How somebody says what became of a call, or that they look into it. */
export function judgeButtons(blockId: string, callId: string, mayAsk = false): KnownBlock {
  const button = (id: string, text: string): Button => ({
    type: 'button',
    action_id: id,
    value: callId,
    text: plain(text),
  });
  return {
    type: 'actions',
    block_id: blockId,
    elements: [
      button(actionIds.happened, 'It happened'),
      button(actionIds.didNotHappen, 'It did not happen'),
      button(actionIds.take, 'I look into it'),
      ...(mayAsk ? [button(actionIds.readBack, 'Ask the server again')] : []),
    ],
  };
}

function shownBlocks(
  { tool, ok, text, leftOut }: NonNullable<UnknownTask['shown']>,
  prefix: string,
): KnownBlock[] {
  if (!ok)
    return [
      lines(`${prefix}task-shown`, [[{ text: 'Read-back: ', bold: true }, { text: fitted(text, 500).text }]]),
    ];
  const cut = leftOut > 0 ? ` (${leftOut} characters left out at the end)` : '';
  const said = visibleLines(text);
  return [
    lines(`${prefix}task-shown`, [
      [
        { text: `Read-back by ${fitted(tool, 80).text}`, bold: true },
        { text: `, after the call was sent${cut}` },
      ],
    ]),
    ...(said.trim() === ''
      ? []
      : pieces(said, limits.preformattedLength)
          .slice(0, 2)
          .map((piece, index) => boxed(`${prefix}task-shown-${index}`, piece))),
  ];
}

/** Asks how somebody knows what became of a call. */
export function markModal(
  call: { tool: string; method: string; connection: string },
  mark: Mark,
  privateMetadata: string,
): ModalView {
  return {
    type: 'modal',
    callback_id: markModalId,
    private_metadata: privateMetadata,
    title: plain(markWords[mark]),
    submit: plain('Write it down'),
    close: plain('Back'),
    blocks: [
      lines('what', [
        [{ text: fitted(`${call.tool || call.method} on ${call.connection}`, 300).text, bold: true }],
        [
          {
            text: `${markWords[mark]}: this is recorded for good, and the agent is told. Nothing is sent again.`,
          },
        ],
      ]),
      {
        type: 'input',
        block_id: actionIds.markReason,
        label: plain('How do you know?'),
        element: {
          type: 'plain_text_input',
          action_id: actionIds.markReason,
          multiline: true,
          min_length: 1,
          max_length: longestMarkReason,
          focus_on_load: true,
        },
      },
    ],
  };
}
