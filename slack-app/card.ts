import type { KnownBlock } from '@slack/types';
import type { CardFacts } from '../db/card-facts.ts';
import { lacking, lackingWords } from '../workflows/quorum.ts';
import { batchCard, batchFits } from './batch-card.ts';
import { header, limits, lines, smallPrint, weight } from './blocks.ts';
import { cardButtons } from './buttons.ts';
import {
  argumentBlocks,
  argumentsMissing,
  type Card,
  type CardLinks,
  type CardOptions,
  cardText,
  codeSpan,
  contextLinks,
  factLines,
  pageUrl,
  riskWords,
  shortDigest,
} from './card-parts.ts';
import { contextBlocks } from './context-blocks.ts';
import { grantBlocks } from './grant-blocks.ts';
import { type CardRequest, cardRequest } from './request.ts';
import { type CardState, stateOf } from './state.ts';
import { taskBlocks } from './task-blocks.ts';
import { fitted, slackDate } from './text.ts';

/**
 * Lays a held call out as a Slack message. Pure. The result always fits Slack's limits; what does not fit is left
 * out with words that say so, and then there is no Approve button (promise 5: what cannot be shown whole cannot be
 * approved in Slack).
 */
export function card(request: CardRequest, links: CardLinks, options: CardOptions = {}): Card {
  const state = stateOf(request);
  const mayDecide = state.open && options.forRequester !== true;
  const facts = factLines(request, mayDecide);
  const grant = request.grant && options.forRequester !== true ? grantBlocks(request.grant, '') : [];
  const task =
    request.task && options.forRequester !== true ? taskBlocks(request.task, request.callId, '') : [];
  const before = [
    header(title(request, state, mayDecide)),
    ...outcomeBlocks(state),
    ...task,
    ...grant,
    facts.block,
  ];
  const after = closing(request, state, links);
  const buttons = (whole: boolean): KnownBlock[] =>
    mayDecide ? [cardButtons(request, whole, links.consoleUrl)] : [];
  const room = limits.messageWeight - weight([...before, ...after, ...buttons(true)]) - roomForNote;
  const space = { weight: room, blocks: limits.messageBlocks - 10 };
  const args = options.brief === true ? null : argumentBlocks(request.shownArgs, space);
  const whole = facts.whole && args !== null;
  const shownArgs = args ?? [argumentsMissing(request, options.brief === true)];
  const helps =
    mayDecide && options.brief !== true ? helpsToDecide(request, room - weight(shownArgs), links) : [];
  return {
    blocks: [
      ...before,
      ...shownArgs,
      ...(whole || !mayDecide ? [] : [incomplete(facts.whole)]),
      ...helps,
      ...after,
      ...buttons(whole),
    ],
    text: cardText(request, state, mayDecide),
    whole: whole && options.forRequester !== true,
    offers: [],
  };
}

function helpsToDecide(request: CardRequest, room: number, links: CardLinks): KnownBlock[] {
  return contextBlocks(request.context, {
    room: { weight: room, blocks: 13 },
    links: contextLinks(request, links),
    prefix: '',
    leaveOut: [],
  });
}

/** The card of stored calls: {@link card} of one, {@link batchCard} of several. */
export function cardOf(calls: readonly CardFacts[], links: CardLinks, options: CardOptions = {}): Card {
  const [first, ...others] = calls.map(cardRequest);
  if (!first) throw new Error('a card shows at least one call');
  return others.length === 0 ? card(first, links, options) : batchCard([first, ...others], links, options);
}

/** Whether one card has room for all of these stored calls, each whole. */
export function fitTogether(calls: readonly CardFacts[], links: CardLinks): boolean {
  return batchFits(calls.map(cardRequest), links);
}

/** For the words that say that something is missing. */
const roomForNote = 1200;
const titleNameLength = 80;

function title(request: CardRequest, state: CardState, mayDecide: boolean): string {
  const lead =
    state.heading ?? `${riskWords[request.risk]}: ${mayDecide ? 'approve?' : 'waiting for approval'}`;
  // A shortened name says so, and stands whole among the facts.
  return `${lead} · ${fitted(`${request.tool || request.method} on ${request.connection}`, titleNameLength).text}`;
}

function outcomeBlocks(state: CardState): KnownBlock[] {
  if (state.outcome.length === 0) return [];
  return [lines('outcome', state.outcome)];
}

function incomplete(factsWhole: boolean): KnownBlock {
  const what = factsWhole ? '' : 'A name above is too long to be shown whole. ';
  return lines('incomplete', [
    [{ text: `${what}This request cannot be approved here, because not all of it can be seen here. ` }],
    [{ text: 'Open it in the console to read all of it and to decide.' }],
  ]);
}

function closing(request: CardRequest, state: CardState, links: CardLinks): KnownBlock[] {
  const approvals = request.votes.filter((vote) => vote.decision === 'approve');
  const missing = lacking(request.quorum, approvals, request.joined);
  const url = pageUrl(links, 'approvals', request.callId);
  const id = `call \`${codeSpan(request.callId)}\` · digest \`${codeSpan(shortDigest(request.digest))}\``;
  const until = slackDate(request.expiresAtMs, '{date_short_pretty} at {time}');
  const asked = slackDate(request.createdAtMs, '{date_short_pretty} at {time}');
  const votes = missing.met ? 'approved' : `needs ${fitted(lackingWords(missing), 300).text}`;
  const ended =
    request.endedAtMs === null
      ? ''
      : ` · ended ${slackDate(request.endedAtMs, '{date_short_pretty} at {time}')}`;
  const clock = request.clockStoppedAtMs === null ? `expires ${until}` : 'the clock stands still';
  const times = state.open ? clock : `asked ${asked}${ended}`;
  return [
    smallPrint('status', `${state.open ? `${votes} · ` : ''}${times} · <${url}|open in the console>\n${id}`),
  ];
}
