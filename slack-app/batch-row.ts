import type { KnownBlock } from '@slack/types';
import { lacking, lackingWords } from '../workflows/quorum.ts';
import { limits, lines, type Span } from './blocks.ts';
import { rowButtons } from './buttons.ts';
import { argumentBoxes, type CardLinks, intentWords, shortDigest } from './card-parts.ts';
import { spanWords } from './choices.ts';
import { grantBlocks } from './grant-blocks.ts';
import type { CardRequest } from './request.ts';
import { stateOf } from './state.ts';
import { taskBlocks } from './task-blocks.ts';
import { fitted } from './text.ts';

/** How much a card of several calls says of one that has ended. */
export type Detail = 'all' | 'without arguments' | 'heading';

/** The card on which a call has its part. */
export interface RowPlace {
  /** How many calls it shows. */
  readonly of: number;
  readonly detail: Detail;
  /** Whether what all calls have in common is shown whole. */
  readonly whole: boolean;
  readonly mayDecide: boolean;
  readonly toApprovers: boolean;
  readonly links: CardLinks;
}

/** One call's part of a card. */
export interface Row {
  /** Who it is and what runs; what helps to decide comes below it. */
  readonly head: readonly KnownBlock[];
  readonly tail: readonly KnownBlock[];
  /** Whether all of what runs is shown, where the call waits. */
  readonly whole: boolean;
}

/** A call among several on a card: which it is, how it stands, what runs, and what can be done about it. */
export function callRow(call: CardRequest, nth: number, place: RowPlace): Row {
  const state = stateOf(call);
  return state.open ? openRow(call, nth, place) : endedRow(call, nth, place);
}

const roomForOne = { weight: limits.messageWeight, blocks: limits.messageBlocks };

function openRow(call: CardRequest, nth: number, { of, whole, mayDecide, links }: RowPlace): Row {
  const args = argumentBoxes(call.shownArgs, roomForOne, `${nth}-`);
  const without =
    args === null ? ' · too long to be shown here' : args.boxes.length === 0 ? ' · no arguments' : '';
  return {
    head: [
      lines(`${nth}-call`, [
        numbered(call, `${nth} of ${of}`, `waits${without}${args?.remarks ?? ''}`),
        ...sayings(call),
      ]),
      ...(args?.boxes ?? []),
    ],
    tail: mayDecide ? [rowButtons(call, { nth, of, whole, consoleUrl: links.consoleUrl })] : [],
    whole: args !== null,
  };
}

function numbered({ digest }: CardRequest, which: string, how: string): Span[] {
  return [{ text: `${which}  `, bold: true }, { text: `${how} · digest ${shortDigest(digest)}` }];
}

/** What there is to know about one call of several before what runs. */
function sayings({ intent, votes, quorum, joined, extensions, context }: CardRequest): Span[][] {
  const approvals = votes.filter((vote) => vote.decision === 'approve');
  const names = fitted(approvals.map(({ name }) => name).join(', '), 120).text;
  const last = extensions.at(-1);
  return [
    ...(context?.unclear
      ? [
          [
            { text: '⚠️ May have happened already: ', bold: true },
            {
              text: `the identical call ${fitted(context.unclear.callId, 60).text} was sent and never answered.`,
            },
          ],
        ]
      : []),
    ...(intent === null ? [] : [[{ text: `Says it is for ${intentWords(fitted(intent, 300).text)}` }]]),
    ...(approvals.length === 0
      ? []
      : [
          [
            { text: `Approved by ${names}; ` },
            { text: `needs ${fitted(lackingWords(lacking(quorum, approvals, joined)), 200).text}` },
          ],
        ]),
    ...(last ? [[{ text: `Extended by ${spanWords(last.byMs)} by ${fitted(last.name, 60).text}` }]] : []),
  ];
}

function endedRow(call: CardRequest, nth: number, { of, detail, toApprovers }: RowPlace): Row {
  const { heading, outcome } = stateOf(call);
  const title = numbered(call, `${nth} of ${of}`, heading ?? '');
  const prefix = `${nth}-`;
  if (detail === 'heading') {
    const judge = call.task?.mark === null ? [[{ text: 'Say in the console what became of it.' }]] : [];
    return { head: [lines(`${prefix}call`, [title, ...judge])], tail: [], whole: true };
  }
  const args = detail === 'all' ? argumentBoxes(call.shownArgs, roomForOne, prefix) : null;
  return {
    head: [
      lines(`${prefix}call`, [title, ...outcome.slice(0, 4).map(shortened)]),
      ...(args?.boxes ?? []),
      ...(toApprovers && call.task ? taskBlocks(call.task, call.callId, prefix) : []),
      ...(toApprovers && call.grant ? grantBlocks(call.grant, prefix) : []),
    ],
    tail: [],
    whole: true,
  };
}

function shortened(line: readonly Span[]): Span[] {
  return line.map((span) => ('text' in span ? { ...span, text: fitted(span.text, 200).text } : span));
}
