import type { KnownBlock } from '@slack/types';
import type { Risk } from '../policy/verdict.ts';
import { boxed, header, limits, lines, type Span, smallPrint, weight } from './blocks.ts';
import { cardButtons } from './buttons.ts';
import { contextBlocks } from './context-blocks.ts';
import { grantBlocks } from './grant-blocks.ts';
import { laidOut, pieces } from './layout.ts';
import type { CardFacts } from '../db/card-facts.ts';
import { lacking, lackingWords, quorumWords } from '../workflows/quorum.ts';
import { type CardRequest, cardRequest } from './request.ts';
import { type CardState, stateOf } from './state.ts';
import { taskBlocks } from './task-blocks.ts';
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

/** Who reads a card, and in how much detail. */
export interface CardOptions {
  /** Leaves the arguments out in any case: for a card that Slack itself refused as too long. */
  readonly brief?: boolean;
  /** The person who asked through an agent: sees how it stands, decides nothing. */
  readonly forRequester?: boolean;
}

/**
 * Lays a held call out as a Slack message. Pure. The result always fits Slack's limits; what does not fit is left
 * out with words that say so, and then there is no Approve button (promise 5: what cannot be shown whole cannot be
 * approved in Slack).
 */
export function card(request: CardRequest, links: CardLinks, options: CardOptions = {}): Card {
  const state = stateOf(request);
  const mayDecide = state.open && options.forRequester !== true;
  const facts = factLines(request, mayDecide);
  const grant = request.grant && options.forRequester !== true ? grantBlocks(request.grant) : [];
  const task = request.task && options.forRequester !== true ? taskBlocks(request.task, request.callId) : [];
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
  const args = options.brief === true ? null : argumentBlocks(request.shownArgs, room);
  const whole = facts.whole && args !== null;
  const shownArgs = args ?? [tooLong(request, options.brief === true)];
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
    text: fallbackText(request, state, mayDecide),
    whole: whole && options.forRequester !== true,
  };
}

function helpsToDecide(request: CardRequest, room: number, { consoleUrl }: CardLinks): KnownBlock[] {
  const page = (path: string, id: string): string =>
    `${consoleUrl}/${path}/${encodeURIComponent(id.toWellFormed())}`;
  return contextBlocks(request.context, room, {
    requestUrl: page('approvals', request.callId),
    replayUrl: page('sessions', request.sessionId),
  });
}

/** {@link card} of a stored call. */
export function cardOf(facts: CardFacts, links: CardLinks, options: CardOptions = {}): Card {
  return card(cardRequest(facts), links, options);
}

/** For the words that say that something is missing. */
const roomForNote = 1200;
const fieldLength = 300;
const titleNameLength = 80;

const riskWords: Record<Risk, string> = {
  low: 'Low risk',
  medium: 'Medium risk',
  high: 'High risk',
  critical: 'Critical risk',
};

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

function factLines(request: CardRequest, mayDecide: boolean): { block: KnownBlock; whole: boolean } {
  let whole = true;
  const field = (text: string): string => {
    const fit = fitted(text, fieldLength);
    whole &&= fit.whole;
    return fit.text;
  };
  const fact = (name: string, ...spans: Span[]): Span[] => [{ text: `${name}  `, bold: true }, ...spans];
  const client = request.client === null ? '' : `, ${clientWords(field(request.client))}`;
  const actors = request.actors.length > 0 ? `, acted for by ${field(request.actors.join(', '))}` : '';
  const tool = request.tool === '' ? field(request.method) : field(request.tool);
  const method = request.method === 'tools/call' || request.tool === '' ? '' : ` (${field(request.method)})`;
  const facts = [
    fact('Who asks', { text: `${field(request.subject)}${client}${actors}` }),
    fact('What', { text: tool, bold: true }, { text: `${method} on ${field(request.connection)}` }),
    fact('Stopped by', { text: `rule ${field(request.rule)}, ${riskWords[request.risk].toLowerCase()}` }),
    ...(request.reason === null ? [] : [fact('Because', { text: explained(request.reason) })]),
    ...(request.intent === null
      ? []
      : [
          fact('Says it is for', {
            text: `“${explained(request.intent)}” (the agent’s own words, unverified)`,
          }),
        ]),
    ...(mayDecide ? [fact('Who decides', ...deciders(request))] : []),
  ];
  return { block: lines('facts', facts), whole };
}

/** A name that an MCP client gave itself proves nothing; an OAuth client id was proved. */
function clientWords(client: string): string {
  return client.startsWith('mcp:') ? `through ${client.slice(4)} (name unverified)` : `through ${client}`;
}

/** The approver groups; those that are user groups in Slack are notified. */
function deciders(request: CardRequest): Span[] {
  return [
    { text: `${fitted(request.approverGroups.map(({ name }) => name).join(', '), 200).text} ` },
    ...request.approverGroups
      .flatMap(({ slackUserGroup }) => slackUserGroup ?? [])
      .filter((id) => /^S[A-Z0-9_]+$/.test(id))
      .slice(0, 10)
      .flatMap((userGroup): Span[] => [{ userGroup }, { text: ' ' }]),
    { text: `(${fitted(quorumWords(request.quorum), 300).text})` },
  ];
}

/** A reason is an explanation, not part of what runs: when it is cut, the card is still whole. */
function explained(reason: string): string {
  return fitted(reason, 500).text;
}

function argumentBlocks(shownArgs: string, room: number): KnownBlock[] | null {
  // What is this long is not worth laying out to see whether it fits.
  if (shownArgs.length > room) return null;
  const text = laidOut(shownArgs);
  const named = lines('arguments', [[{ text: 'Arguments', bold: true }, { text: remarks(text, shownArgs) }]]);
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

function closing(request: CardRequest, state: CardState, links: CardLinks): KnownBlock[] {
  const approvals = request.votes.filter((vote) => vote.decision === 'approve');
  const missing = lacking(request.quorum, approvals, request.joined);
  const url = `${links.consoleUrl}/approvals/${encodeURIComponent(request.callId.toWellFormed())}`;
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

/**
 * What to know for reading the arguments: how many values were taken out, how invisible characters are written. An
 * agent may write such marks itself: that hides nothing.
 */
function remarks(text: string, shownArgs: string): string {
  const marks = shownArgs.match(/\[masked:[\w-]+\]/g)?.length ?? 0;
  const said = [
    ...(marks === 0 ? [] : [`${marks} masked ${marks === 1 ? 'value' : 'values'}, marked [masked:…]`]),
    ...(text.includes('⟨U+') ? ['invisible characters written as ⟨U+…⟩'] : []),
  ];
  return said.length === 0 ? '' : ` (${said.join('; ')})`;
}

/** The part of a digest that people compare: 16 hexadecimal digits. */
function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}

function codeSpan(text: string): string {
  return escaped(fitted(text, 80).text).replaceAll('`', 'ˋ');
}

function fallbackText(request: CardRequest, state: CardState, mayDecide: boolean): string {
  const what = `${fitted(request.tool || request.method, 80).text} on ${fitted(request.connection, 80).text}`;
  const wanted = mayDecide ? 'Approval wanted' : 'Waiting for approval';
  const lead = state.heading ?? `${wanted} (${riskWords[request.risk].toLowerCase()})`;
  return escaped(`${visible(lead)}: ${what}, asked by ${fitted(request.subject, 80).text}`);
}
