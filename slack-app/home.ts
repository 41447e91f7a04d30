import type { HomeView, KnownBlock } from '@slack/types';
import { actionIds } from './buttons.ts';
import { header, limits, lines, smallPrint } from './blocks.ts';
import type { ShownGrant } from '../db/grants.ts';
import type { CardLinks } from './card-parts.ts';
import type { ListedRequest } from './request.ts';
import { listedGrant } from './grant-blocks.ts';
import { stateOf } from './state.ts';
import { judgeButtons } from './task-blocks.ts';
import { fitted, slackDate } from './text.ts';

/** What a person's App Home shows. */
export interface Inbox {
  /** Requests that this person may decide, soonest expiry first. */
  readonly waiting: readonly ListedRequest[];
  /** How many more wait for this person than are listed. */
  readonly others: number;
  /** Calls of which nobody knows what became of them, and this person may say. */
  readonly unknown: readonly ListedRequest[];
  /** What this person decided lately on any surface, newest first. */
  readonly decided: readonly ListedRequest[];
  /** Open grants that this person may revoke. */
  readonly grants: readonly ShownGrant[];
}

/** Three blocks for each; with the rest this stays below what a view may hold. */
const listedAtMost = 14;
/** Two blocks for each. */
const unknownAtMost = 5;
/** Three blocks for each, too. */
const grantsAtMost = 5;

/** The App Home: what waits for this person's decision or judgement, and what became of what they decided. */
export function homeView(inbox: Inbox, links: CardLinks): HomeView {
  const waiting = inbox.waiting.slice(0, listedAtMost);
  const more = inbox.others + inbox.waiting.length - waiting.length;
  const decided = inbox.decided.slice(0, listedAtMost);
  const grants = inbox.grants.slice(0, grantsAtMost);
  const blocks: KnownBlock[] = [
    header(waiting.length === 0 ? 'Nothing waits for you' : 'Waiting for you'),
    ...waiting.flatMap((request, index) => waitingBlocks(request, index)),
    ...(more > 0 ? [smallPrint('more', `${more} more in the <${links.consoleUrl}/|console>`)] : []),
    ...unknownBlocks(inbox.unknown, links),
    ...(grants.length === 0
      ? []
      : [
          { type: 'divider' as const },
          header('Open grants'),
          ...grants.flatMap((grant, index) => listedGrant(grant, index)),
        ]),
    { type: 'divider' },
    header('Decided by you'),
    ...(decided.length === 0
      ? [smallPrint('none', 'Nothing yet.')]
      : decided.map((request, index) => decidedBlock(request, index))),
    smallPrint('console', `<${links.consoleUrl}/|Open the console>`),
  ];
  return { type: 'home', blocks: blocks.slice(0, limits.viewBlocks) };
}

function waitingBlocks(request: ListedRequest, index: number): KnownBlock[] {
  return [
    lines(`waiting-${index}`, [
      [{ text: named(request), bold: true }],
      [
        {
          text: `${fitted(request.subject, 150).text} asks · ${request.risk} risk · rule ${fitted(request.rule, 100).text}`,
        },
      ],
    ]),
    smallPrint(
      `until-${index}`,
      `expires ${slackDate(request.expiresAtMs, '{date_short_pretty} at {time}')}`,
    ),
    {
      type: 'actions',
      block_id: `open-${index}`,
      elements: [
        {
          type: 'button',
          action_id: actionIds.details,
          value: request.callId,
          text: { type: 'plain_text', text: 'Details', emoji: false },
        },
        {
          type: 'button',
          action_id: actionIds.deny,
          value: request.callId,
          style: 'danger',
          text: { type: 'plain_text', text: 'Deny', emoji: false },
        },
      ],
    },
  ];
}

/** What somebody has to find out comes right after what waits: nobody else may be looking. */
function unknownBlocks(unknown: readonly ListedRequest[], { consoleUrl }: CardLinks): KnownBlock[] {
  if (unknown.length === 0) return [];
  const more = unknown.length - unknownAtMost;
  return [
    { type: 'divider' },
    header('Nobody knows what became of'),
    ...unknown.slice(0, unknownAtMost).flatMap((request, index): KnownBlock[] => [
      lines(`unknown-${index}`, [
        [{ text: named(request), bold: true }],
        [
          { text: `sent for ${fitted(request.subject, 150).text} and never answered ` },
          ...(request.endedAtMs === null ? [] : [{ atMs: request.endedAtMs }]),
          {
            text: request.task?.takenBy
              ? ` · ${fitted(request.task.takenBy, 100).text} looks into it`
              : ' · nobody looks into it yet',
          },
        ],
      ]),
      judgeButtons(`judge-${index}`, request.callId),
    ]),
    ...(more > 0 ? [smallPrint('unknown-more', `${more} more in the <${consoleUrl}/|console>`)] : []),
  ];
}

function decidedBlock(request: ListedRequest, index: number): KnownBlock {
  const heading = stateOf(request).heading ?? 'Still open';
  return lines(`decided-${index}`, [[{ text: `${heading} · ${named(request)}` }]]);
}

function named(request: ListedRequest): string {
  return `${fitted(request.tool || request.method, 100).text} on ${fitted(request.connection, 100).text}`;
}
