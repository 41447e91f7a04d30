import { createHash } from 'node:crypto';
import type { KnownBlock } from '@slack/types';
import type { CardOffer } from '../db/cards.ts';
import { header, limits, lines, type Span, smallPrint, weight } from './blocks.ts';
import { allButtons } from './buttons.ts';
import { callRow, type Detail, type RowPlace } from './batch-row.ts';
import {
  type Card,
  type CardLinks,
  type CardOptions,
  factLines,
  contextLinks,
  pageUrl,
  riskWords,
  shortDigest,
} from './card-parts.ts';
import { contextBlocks } from './context-blocks.ts';
import type { CardRequest } from './request.ts';
import { stateOf } from './state.ts';
import { escaped, fitted, slackDate } from './text.ts';

/** Several similar calls, at least one. */
type Several = readonly [CardRequest, ...CardRequest[]];

/** What votes, extensions and outcomes may add to a call's part of a card before anything must give way. */
const roomForNews = 300;
/** From everything about the calls that have ended to their bare outcome; those that wait are always whole. */
const details: readonly Detail[] = ['all', 'without arguments', 'heading'];

/**
 * Lays several similar calls of a session out as one Slack message, each with what would run, whole, and its own
 * buttons; with buttons for all that wait. Pure. Calls that have ended give way first. What does not fit even then is
 * left out with words that say so, and then nothing can be approved there.
 */
export function batchCard(calls: Several, links: CardLinks, options: CardOptions = {}): Card {
  const open = calls.filter((call) => stateOf(call).open);
  const mayDecide = open.length > 0 && options.forRequester !== true;
  const facts = factLines(calls[0], mayDecide, [
    { text: ` · ${calls.length} calls, alike but for what is below` },
  ]);
  const frame = frameOf(calls, open, links, mayDecide);
  const place = (detail: Detail, whole: boolean): RowPlace => ({
    of: calls.length,
    detail,
    whole,
    mayDecide,
    toApprovers: options.forRequester !== true,
    links,
  });
  for (const detail of options.brief === true ? [] : details) {
    const rows = calls.map((call, index) => callRow(call, index + 1, place(detail, facts.whole)));
    const offers = mayDecide ? offersOf(open, facts.whole) : null;
    const all = offers && open.length > 1 ? [allButtons(calls[0], offers)] : [];
    const note =
      facts.whole || !mayDecide ? [] : [cannotApprove('A name above is too long to be shown whole. ')];
    const around = [...frame.before, facts.block, ...note, ...frame.after, ...all];
    const fixed = [...around, ...rows.flatMap(({ head, tail }) => [...head, ...tail])];
    if (rows.some(({ whole }) => !whole) || !fits(fixed)) continue;
    const helped = withHelp(calls, rows, fixed, links, mayDecide);
    return {
      blocks: [...frame.before, facts.block, ...note, ...helped, ...frame.after, ...all],
      text: frame.text,
      whole: facts.whole && options.forRequester !== true,
      offers:
        all.length === 0 || !offers ? [] : [offers.approve, offers.deny].flatMap((offer) => offer ?? []),
    };
  }
  return briefly(calls, open, { frame, facts: facts.block, place: place('heading', false), mayDecide });
}

/** Whether one card has room for all of these calls, each whole, and for what becomes of them. */
export function batchFits(calls: readonly CardRequest[], links: CardLinks): boolean {
  const [first, ...others] = calls;
  if (!first) return false;
  const bare = (call: CardRequest): CardRequest => ({ ...call, context: null });
  const { blocks, whole } = batchCard([bare(first), ...others.map(bare)], links);
  const open = calls.filter((call) => stateOf(call).open).length;
  return (
    whole &&
    weight(blocks) + open * roomForNews <= limits.messageWeight &&
    blocks.length + open <= limits.messageBlocks
  );
}

function fits(blocks: readonly KnownBlock[]): boolean {
  return weight(blocks) <= limits.messageWeight && blocks.length <= limits.messageBlocks;
}

/** The calls' parts, with what helps to decide on those that wait as far as there is room, shared out evenly. */
function withHelp(
  calls: Several,
  rows: readonly ReturnType<typeof callRow>[],
  fixed: readonly KnownBlock[],
  links: CardLinks,
  mayDecide: boolean,
): KnownBlock[] {
  const waiting = calls.filter((call) => stateOf(call).open);
  let room = limits.messageWeight - weight(fixed);
  let blocks = limits.messageBlocks - fixed.length;
  let left = waiting.length;
  return rows.flatMap(({ head, tail }, index) => {
    const call = calls[index];
    if (!mayDecide || !call || !stateOf(call).open) return [...head, ...tail];
    const first = call === waiting[0];
    const help = contextBlocks(call.context, {
      room: { weight: Math.floor(room / left), blocks: Math.floor(blocks / left) },
      links: contextLinks(call, links),
      prefix: `${index + 1}-`,
      // The session is one and the same: what is known of it is said once.
      leaveOut: first ? ['unclear'] : ['unclear', 'history', 'recent'],
    });
    room -= weight(help);
    blocks -= help.length;
    left -= 1;
    return [...head, ...help, ...tail];
  });
}

/** What the buttons for all decide. A critical call, or one that asks for more than a tap, is approved by itself. */
function offersOf(
  open: readonly CardRequest[],
  whole: boolean,
): { approve: CardOffer | null; deny: CardOffer } {
  const alone = open.some(({ risk, stepUp }) => risk === 'critical' || Boolean(stepUp));
  return { approve: whole && !alone ? offerOf('approve', open) : null, deny: offerOf('deny', open) };
}

function offerOf(decision: CardOffer['decision'], open: readonly CardRequest[]): CardOffer {
  const calls = open.map(({ callId, digest }) => ({ callId, digest }));
  const id = createHash('sha256').update(JSON.stringify([decision, calls.map(Object.values)]));
  return { id: id.digest('hex').slice(0, 32), decision, calls };
}

interface Frame {
  readonly before: readonly KnownBlock[];
  readonly after: readonly KnownBlock[];
  readonly text: string;
}

function frameOf(calls: Several, open: readonly CardRequest[], links: CardLinks, mayDecide: boolean): Frame {
  const [first] = calls;
  const named = `${first.tool || first.method} on ${first.connection}`;
  const lead = leadOf(calls, open.length, mayDecide);
  const url = pageUrl(links, 'together', first.callId);
  const soonest = Math.min(...open.map(({ expiresAtMs }) => expiresAtMs));
  const still = open.some(({ clockStoppedAtMs }) => clockStoppedAtMs !== null);
  const until = still
    ? 'the clock stands still · '
    : open.length > 0
      ? `the first expires ${slackDate(soonest, '{date_short_pretty} at {time}')} · `
      : '';
  return {
    before: [header(`${lead} · ${fitted(named, 80).text}`)],
    after: [smallPrint('status', `${until}<${url}|open them in the console>`)],
    text: escaped(`${lead}: ${fitted(named, 160).text}, asked by ${fitted(first.subject, 80).text}`),
  };
}

function leadOf(calls: Several, open: number, mayDecide: boolean): string {
  const risk = riskWords[calls[0].risk];
  if (open === 0) return `${calls.length} calls, none waits any more`;
  const which = open === calls.length ? `${open} calls` : `${open} of ${calls.length} calls`;
  return mayDecide ? `${risk}: approve ${which}?` : `${which} wait for approval`;
}

function cannotApprove(why: string): KnownBlock {
  return lines('incomplete', [
    [{ text: `${why}These calls cannot be approved here, because not all of them can be seen here. ` }],
    [{ text: 'Open them in the console to read all of them and to decide.' }],
  ]);
}

/** A line for each call and nothing of what runs: for a card that Slack itself refused as too long. */
function briefly(
  calls: Several,
  open: readonly CardRequest[],
  {
    frame,
    facts,
    place,
    mayDecide,
  }: { frame: Frame; facts: KnownBlock; place: RowPlace; mayDecide: boolean },
): Card {
  const rows = calls.map((call, index): Span[] => [
    { text: `${index + 1} of ${place.of}  `, bold: true },
    { text: `${stateOf(call).heading ?? 'waits'} · digest ${shortDigest(call.digest)}` },
  ]);
  const deny = offerOf('deny', open);
  const all = mayDecide && open.length > 1 ? [allButtons(calls[0], { approve: null, deny })] : [];
  return {
    blocks: [
      ...frame.before,
      facts,
      lines('calls', rows),
      ...(mayDecide ? [cannotApprove('Slack has no room for all of it. ')] : []),
      ...frame.after,
      ...all,
    ],
    text: frame.text,
    whole: false,
    offers: all.length === 0 ? [] : [deny],
  };
}
