import type { KnownBlock } from '@slack/types';
import type { CallContext, Change, Changes } from '../db/held-context.ts';
import { boxed, limits, lines, type Span, smallPrint, weight } from './blocks.ts';
import { pieces } from './layout.ts';
import { escaped, fitted, visibleLines } from './text.ts';

type Line = readonly Span[];

/** What can help to decide. */
export type Help = 'unclear' | 'resubmits' | 'previous' | 'preview' | 'history' | 'recent';

/** One thing that helps to decide, with what it is called where there is no room for it. */
interface Part {
  readonly help: Help;
  readonly name: string;
  readonly blocks: readonly KnownBlock[];
}

const changesShown = 6;

/** Where what helps to decide is put. */
export interface ContextPlace {
  /** What all of it may weigh, and how many blocks it may be. */
  readonly room: { readonly weight: number; readonly blocks: number };
  readonly links: { readonly requestUrl: string; readonly replayUrl: string };
  /** Of the blocks' ids, so that several calls can stand on one card. */
  readonly prefix: string;
  /** What stands elsewhere on the card already. */
  readonly leaveOut: readonly Help[];
}

/**
 * What helps to decide, as far as there is room; what is left out is named, with where to read it. None of it is what
 * runs, so a card is whole without it.
 */
export function contextBlocks(
  context: CallContext | null,
  { room, links, prefix, leaveOut }: ContextPlace,
): KnownBlock[] {
  if (!context) return [];
  const parts = partsOf(context, links.replayUrl, prefix).filter(({ help }) => !leaveOut.includes(help));
  const blocks: KnownBlock[] = [];
  const left: string[] = [];
  let free = room.weight - 400;
  for (const part of parts) {
    const size = weight(part.blocks);
    if (size > free || blocks.length + part.blocks.length > room.blocks - 1) {
      left.push(part.name);
      continue;
    }
    free -= size;
    blocks.push(...part.blocks);
  }
  if (left.length > 0 && room.weight >= 400 && room.blocks > 0)
    blocks.push(
      smallPrint(
        `${prefix}context-more`,
        `No room here for ${left.join(', ')}: <${escaped(links.requestUrl)}|in the console>`,
      ),
    );
  return blocks;
}

function partsOf(context: CallContext, replayUrl: string, prefix: string): readonly Part[] {
  const part = (name: string, help: Help, all: readonly Line[]): Part => ({
    help,
    name,
    blocks: [lines(`${prefix}${help}`, all)],
  });
  const { resubmits, previous, unclear, history, preview, recent } = context;
  return [
    ...(unclear
      ? [
          part('an identical call of unknown outcome', 'unclear', [
            [
              { text: '⚠️ May have happened already: ', bold: true },
              { text: `the identical call ${fitted(unclear.callId, 60).text} of ` },
              { atMs: unclear.atMs },
              { text: ' was sent and never answered.' },
            ],
          ]),
        ]
      : []),
    ...(resubmits
      ? [
          part('what changed since the denial', 'resubmits', [
            ...denialLines(resubmits),
            ...changeLines(resubmits.changes),
          ]),
        ]
      : []),
    ...(previous && !resubmits
      ? [
          part('what changed since the last approved call', 'previous', [
            [{ text: 'Since the last approved call of this tool ', bold: true }, { atMs: previous.atMs }],
            ...changeLines(previous.changes),
          ]),
        ]
      : []),
    ...(preview ? [previewPart(preview, prefix)] : []),
    part('how such calls were decided', 'history', [
      [{ text: 'Such calls before  ', bold: true }, { text: historyWords(history) }],
    ]),
    ...(recent.length > 0
      ? [part('the session’s calls before it', 'recent', [recentLine(recent, replayUrl)])]
      : []),
  ];
}

function denialLines({ by, reason, bounds }: NonNullable<CallContext['resubmits']>): Line[] {
  return [
    [
      { text: 'Follows a denied call. ', bold: true },
      {
        text: `${fitted(by ?? 'An approver', 100).text} denied it${reason ? `: “${fitted(reason, 300).text}”` : '.'}`,
      },
    ],
    ...(bounds
      ? [[{ text: 'Allowed bounds  ', bold: true }, { text: fitted(bounds, 200).text }] satisfies Line]
      : []),
  ];
}

function changeLines({ list, more }: Changes): Line[] {
  if (list.length === 0) return [[{ text: 'Nothing differs.' }]];
  const rest = more + Math.max(0, list.length - changesShown);
  return [
    ...list.slice(0, changesShown).map(changeLine),
    ...(rest > 0 ? [[{ text: `and ${rest} more ${rest === 1 ? 'difference' : 'differences'}` }]] : []),
  ];
}

function changeLine({ path, before, after }: Change): Line {
  const value = (text: string | null): string => (text === null ? 'nothing' : fitted(text, 120).text);
  return [
    { text: `${path === '' ? 'arguments' : fitted(path, 80).text}: `, bold: true },
    { text: `${value(before)} → ${value(after)}` },
  ];
}

function previewPart({ tool, ok, text, leftOut }: NonNullable<CallContext['preview']>, prefix: string): Part {
  const name = fitted(tool, 80).text;
  const of = (blocks: readonly KnownBlock[]): Part => ({ help: 'preview', name: 'the preview', blocks });
  if (!ok)
    return of([
      lines(`${prefix}preview`, [
        [{ text: `No preview by ${name}: `, bold: true }, { text: fitted(text, 300).text }],
      ]),
    ]);
  const cut = leftOut > 0 ? `, ${leftOut} characters left out at the end` : '';
  const shown = visibleLines(text);
  return of([
    lines(`${prefix}preview`, [
      [
        { text: `Preview by ${name}`, bold: true },
        { text: ` (what the server said when it was held${cut})` },
      ],
    ]),
    ...(shown.trim() === ''
      ? [lines(`${prefix}preview-empty`, [[{ text: 'It said nothing.' }]])]
      : pieces(shown, limits.preformattedLength).map((piece, index) =>
          boxed(`${prefix}preview-${index}`, piece),
        )),
  ]);
}

function historyWords({ approved, denied, days }: CallContext['history']): string {
  if (approved + denied === 0) return `none for this caller in ${days} days`;
  return `${approved} approved, ${denied} denied for this caller in ${days} days`;
}

function recentLine(recent: CallContext['recent'], replayUrl: string): Line {
  const words = recent.map(
    ({ tool, verdict }) => `${fitted(tool, 40).text} (${verdictWords[verdict] ?? 'seen'})`,
  );
  return [
    { text: 'Before it in this session  ', bold: true },
    { text: `${words.join(', ')} · ` },
    { text: 'replay', link: replayUrl },
  ];
}

const verdictWords: Readonly<Record<string, string>> = {
  pass: 'passed',
  hold: 'held',
  deny: 'denied by policy',
};
