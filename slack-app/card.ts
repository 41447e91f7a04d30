import type { KnownBlock } from '@slack/types';
import type { Risk } from '../policy/verdict.ts';
import { boxed, header, limits, lines, type Span, smallPrint, weight } from './blocks.ts';
import { cardButtons } from './buttons.ts';
import { laidOut, pieces } from './layout.ts';
import type { CardFacts } from '../db/cards.ts';
import { type CardRequest, cardRequest } from './request.ts';
import { type CardState, stateOf } from './state.ts';
import { escaped, fitted, slackDate, visible } from './text.ts';

/** Where a card links to. */
export interface CardLinks {
  /** Public URL of the console, without a slash at the end. */
  readonly consoleUrl: string;
}

/** A message as `chat.postMessage` and `chat.update` take it. */
export interface Card {
  readonly blocks: KnownBlock[];
  /** Fallback for notifications and screen readers; escaped. */
  readonly text: string;
  /** True when the card shows all of what would run. Only then it has an Approve button, while one is wanted. */
  readonly whole: boolean;
}

/**
 * Lays a held call out as a Slack message. Pure. The result always fits Slack's limits; what does not fit is left
 * out with words that say so, and then there is no Approve button (promise 5: what cannot be shown whole cannot be
 * approved in Slack).
 * @param brief leaves the arguments out in any case: for a card that Slack itself refused as too long
 */
export function card(request: CardRequest, links: CardLinks, options: { brief?: boolean } = {}): Card {
  const state = stateOf(request);
  const facts = factLines(request);
  const before = [header(title(request, state)), ...outcomeBlocks(state), facts.block];
  const after = closing(request, state, links, false);
  const room = limits.messageWeight - weight([...before, ...after]) - roomForNote;
  const args = options.brief ? null : argumentBlocks(request.shownArgs, room);
  const whole = facts.whole && args !== null;
  return {
    blocks: [
      ...before,
      ...(args ?? [tooLong(request, options.brief === true)]),
      ...(whole ? [] : [incomplete(facts.whole)]),
      ...closing(request, state, links, whole),
    ],
    text: fallbackText(request, state),
    whole,
  };
}

/** {@link card} of a stored call. */
export function cardOf(facts: CardFacts, links: CardLinks, options: { brief?: boolean } = {}): Card {
  return card(cardRequest(facts), links, options);
}

const roomForNote = 1200;
const fieldLength = 300;

const riskWords: Record<Risk, string> = {
  low: 'Low risk',
  medium: 'Medium risk',
  high: 'High risk',
  critical: 'Critical risk',
};

function title(request: CardRequest, state: CardState): string {
  const what = `${request.tool || request.method} on ${request.connection}`;
  const lead = state.heading ?? `${riskWords[request.risk]}: approve?`;
  // A shortened name says so, and stands whole among the facts.
  return `${lead} · ${fitted(what, limits.headerLength - lead.length - 3).text}`;
}

function outcomeBlocks(state: CardState): KnownBlock[] {
  if (state.outcome.length === 0) return [];
  return [
    lines(
      'outcome',
      state.outcome.map((line) => [{ text: line.text, bold: line.strong }]),
    ),
  ];
}

function factLines(request: CardRequest): { block: KnownBlock; whole: boolean } {
  let whole = true;
  const field = (text: string): string => {
    const fit = fitted(text, fieldLength);
    whole &&= fit.whole;
    return fit.text;
  };
  const fact = (name: string, ...spans: Span[]): Span[] => [{ text: `${name}  `, bold: true }, ...spans];
  const who = request.client ? ` with ${field(request.client)}` : '';
  const actors = request.actors.length > 0 ? `, acted for by ${field(request.actors.join(', '))}` : '';
  const tool = request.tool === '' ? field(request.method) : field(request.tool);
  const method = request.method === 'tools/call' || request.tool === '' ? '' : ` (${field(request.method)})`;
  const facts = [
    fact('Who asks', { text: `${field(request.subject)}${who}${actors}` }),
    fact('What', { text: tool, bold: true }, { text: `${method} on ${field(request.connection)}` }),
    fact('Stopped by', { text: `rule ${field(request.rule)}, ${riskWords[request.risk].toLowerCase()}` }),
    ...(request.reason === null ? [] : [fact('Because', { text: explained(request.reason) })]),
  ];
  return { block: lines('facts', facts), whole };
}

/** A reason is an explanation, not part of what runs: when it is cut, the card is still whole. */
function explained(reason: string): string {
  return fitted(reason, 500).text;
}

function argumentBlocks(shownArgs: string, room: number): KnownBlock[] | null {
  // Laying out only ever adds characters: what is too long already need not be laid out to know it.
  if (shownArgs.length > room) return null;
  const text = laidOut(shownArgs);
  const named = lines('arguments', [[{ text: 'Arguments, exactly as they would be sent', bold: true }]]);
  if (text.trim() === '') return [lines('arguments', [[{ text: 'No arguments', bold: true }]])];
  const boxes = pieces(text, limits.preformattedLength).map((piece, index) => boxed(`args-${index}`, piece));
  const blocks = [named, ...boxes];
  return weight(blocks) <= room && blocks.length <= limits.messageBlocks - 10 ? blocks : null;
}

function tooLong(request: CardRequest, refused: boolean): KnownBlock {
  const size = request.shownArgs.length.toLocaleString('en-US');
  const why = refused ? 'Slack refused the card as too long' : 'too long for a Slack message';
  return lines('arguments', [
    [{ text: 'Arguments not shown: ', bold: true }, { text: `${size} characters, ${why}.` }],
  ]);
}

function incomplete(factsWhole: boolean): KnownBlock {
  const what = factsWhole ? '' : 'A name above is too long to be shown whole. ';
  return lines('incomplete', [
    [{ text: `${what}This request cannot be approved here, because not all of it can be seen here. ` }],
    [{ text: 'Open it in the console to read all of it and to decide.' }],
  ]);
}

function closing(request: CardRequest, state: CardState, links: CardLinks, whole: boolean): KnownBlock[] {
  const { approvalsNeeded: needed, approverGroups } = request;
  const got = request.votes.filter((vote) => vote.decision === 'approve').length;
  const url = `${links.consoleUrl}/approvals/${encodeURIComponent(request.callId.toWellFormed())}`;
  const groups = fitted(approverGroups.join(', '), 200).text;
  const id = `call \`${codeSpan(request.callId)}\` · digest \`${codeSpan(shortDigest(request.digest))}\``;
  const vote = `${got} of ${needed} ${needed === 1 ? 'approval' : 'approvals'}`;
  const until = slackDate(request.expiresAtMs, '{date_short_pretty} at {time}');
  const asked = slackDate(request.createdAtMs, '{date_short_pretty} at {time}');
  const first = state.open
    ? `${vote} · decided by ${escaped(groups)} · expires ${until}`
    : `${vote} · asked ${asked}`;
  const note = `${maskedWords(request.shownArgs)}Invisible characters are written as ⟨U+…⟩.`;
  return [
    smallPrint('status', `${first}\n${id} · <${url}|open in the console>`),
    ...(state.open ? [smallPrint('legend', note)] : []),
    ...(state.open ? [cardButtons(request, whole)] : []),
  ];
}

/** How many values were taken out before anyone saw them; the agent may write such a mark itself, so: at most. */
function maskedWords(shownArgs: string): string {
  const marks = shownArgs.match(/\[masked:[\w-]+\]/g)?.length ?? 0;
  if (marks === 0) return 'Nothing was masked. ';
  return `${marks} masked ${marks === 1 ? 'value stands' : 'values stand'} as \`[masked:…]\`. `;
}

/** The part of a digest that people compare: 16 hexadecimal digits. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}

function codeSpan(text: string): string {
  return escaped(fitted(text, 80).text).replaceAll('`', 'ˋ');
}

function fallbackText(request: CardRequest, state: CardState): string {
  const what = `${fitted(request.tool || request.method, 80).text} on ${fitted(request.connection, 80).text}`;
  const lead = state.heading ?? `Approval wanted (${riskWords[request.risk].toLowerCase()})`;
  return escaped(`${visible(lead)}: ${what}, asked by ${fitted(request.subject, 80).text}`);
}
