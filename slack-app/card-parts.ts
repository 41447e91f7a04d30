import type { KnownBlock } from '@slack/types';
import type { CardOffer } from '../db/cards.ts';
import type { Risk } from '../policy/verdict.ts';
import { quorumWords } from '../workflows/quorum.ts';
import { boxed, limits, lines, type Span, weight } from './blocks.ts';
import { laidOut, pieces } from './layout.ts';
import type { CardRequest } from './request.ts';
import type { CardState } from './state.ts';
import { escaped, fitted, visible } from './text.ts';

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
  /** What its buttons for all decide; empty on the card of one call. */
  readonly offers: readonly CardOffer[];
}

/** Who reads a card, and in how much detail. */
export interface CardOptions {
  /** Leaves the arguments out in any case: for a card that Slack itself refused as too long. */
  readonly brief?: boolean;
  /** The person who asked through an agent: sees how it stands, decides nothing. */
  readonly forRequester?: boolean;
}

/** Names are shortened to these lengths, one after the other, until they leave room for what runs. */
const fieldLengths = [300, 100];
const shortestField = 40;
const factsWeightAtMost = 6000;

/** Risk in words. */
export const riskWords: Record<Risk, string> = {
  low: 'Low risk',
  medium: 'Medium risk',
  high: 'High risk',
  critical: 'Critical risk',
};

/** Who asks for what, why it was stopped, and who decides. `whole` is false when a name had to be shortened. */
export function factLines(request: CardRequest, mayDecide: boolean, more: readonly Span[] = []): Facts {
  const of = (length: number): Facts => factsWithin(request, mayDecide, more, length);
  for (const length of fieldLengths) {
    const facts = of(length);
    if (weight([facts.block]) <= factsWeightAtMost) return facts;
  }
  return of(shortestField);
}

interface Facts {
  readonly block: KnownBlock;
  readonly whole: boolean;
}

function factsWithin(
  request: CardRequest,
  mayDecide: boolean,
  more: readonly Span[],
  fieldLength: number,
): Facts {
  let whole = true;
  // Explanations are not part of what runs: when one is cut, the card is still whole.
  const said = (text: string): string => fitted(text, Math.round((fieldLength * 5) / 3)).text;
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
    fact('What', { text: tool, bold: true }, { text: `${method} on ${field(request.connection)}` }, ...more),
    fact('Stopped by', { text: `rule ${field(request.rule)}, ${riskWords[request.risk].toLowerCase()}` }),
    ...(request.reason === null ? [] : [fact('Because', { text: said(request.reason) })]),
    ...(more.length > 0 || request.intent === null
      ? []
      : [fact('Says it is for', { text: intentWords(said(request.intent)) })]),
    ...(mayDecide ? [fact('Who decides', ...deciders(request, said))] : []),
  ];
  return { block: lines('facts', facts), whole };
}

/** What an agent says that a call is for. @param intent fitted */
export function intentWords(intent: string): string {
  return `“${intent}” (the agent’s own words, unverified)`;
}

/** A name that an MCP client gave itself proves nothing; an OAuth client id was proved. */
function clientWords(client: string): string {
  return client.startsWith('mcp:') ? `through ${client.slice(4)} (name unverified)` : `through ${client}`;
}

/** The approver groups; those that are user groups in Slack are notified. */
function deciders(request: CardRequest, said: (text: string) => string): Span[] {
  return [
    { text: `${said(request.approverGroups.map(({ name }) => name).join(', '))} ` },
    ...request.approverGroups
      .flatMap(({ slackUserGroup }) => slackUserGroup ?? [])
      .filter((id) => /^S[A-Z0-9_]+$/.test(id))
      .slice(0, 10)
      .flatMap((userGroup): Span[] => [{ userGroup }, { text: ' ' }]),
    { text: `(${said(quorumWords(request.quorum))})` },
  ];
}

/** Masked arguments as they are laid out: what to know for reading them, and the boxes that hold them. */
export interface ShownArguments {
  /** Starts with a space, or is empty. */
  readonly remarks: string;
  /** None where there are no arguments. */
  readonly boxes: readonly KnownBlock[];
}

/**
 * The masked arguments, whole, or null when they do not fit.
 * @param prefix of the blocks' ids, so that several calls can stand on one card
 */
export function argumentBoxes(
  shownArgs: string,
  room: { readonly weight: number; readonly blocks: number },
  prefix: string,
): ShownArguments | null {
  // What is this long is not worth laying out to see whether it fits.
  if (shownArgs.length > room.weight) return null;
  const text = laidOut(shownArgs);
  if (text.trim() === '') return { remarks: '', boxes: [] };
  const boxes = pieces(text, limits.preformattedLength).map((piece, index) =>
    boxed(`${prefix}args-${index}`, piece),
  );
  if (weight(boxes) > room.weight || boxes.length > room.blocks) return null;
  return { remarks: remarks(text, shownArgs), boxes };
}

/** {@link argumentBoxes} under a heading of their own. */
export function argumentBlocks(
  shownArgs: string,
  room: { readonly weight: number; readonly blocks: number },
): KnownBlock[] | null {
  const shown = argumentBoxes(shownArgs, { ...room, blocks: room.blocks - 1 }, '');
  if (!shown) return null;
  const title: Span = { text: shown.boxes.length === 0 ? 'No arguments' : 'Arguments', bold: true };
  const blocks = [lines('arguments', [[title, { text: shown.remarks }]]), ...shown.boxes];
  return weight(blocks) <= room.weight ? blocks : null;
}

/** Words in place of arguments that are not shown. */
export function argumentsMissing(request: CardRequest, refused: boolean): KnownBlock {
  const size = request.shownArgs.length.toLocaleString('en-US');
  const why = refused ? 'Slack refused the card as too long' : 'too long for a Slack message';
  return lines('arguments', [
    [{ text: 'Arguments not shown: ', bold: true }, { text: `${size} characters, ${why}.` }],
  ]);
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
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}

/** Text for a code span in mrkdwn: escaped, and unable to end the span. */
export function codeSpan(text: string): string {
  return escaped(fitted(text, 80).text).replaceAll('`', 'ˋ');
}

/** The address of a page of the console; ids from outside may be no well-formed text. */
export function pageUrl({ consoleUrl }: CardLinks, path: string, id: string): string {
  return `${consoleUrl}/${path}/${encodeURIComponent(id.toWellFormed())}`;
}

/** Where what helps to decide on a call is shown whole. */
export function contextLinks(
  { callId, sessionId }: { readonly callId: string; readonly sessionId: string },
  links: CardLinks,
): { requestUrl: string; replayUrl: string } {
  return {
    requestUrl: pageUrl(links, 'approvals', callId),
    replayUrl: pageUrl(links, 'sessions', sessionId),
  };
}

/** One line on how a call stands, for notifications and screen readers; escaped. */
export function cardText(request: CardRequest, state: CardState, mayDecide: boolean): string {
  const what = `${fitted(request.tool || request.method, 80).text} on ${fitted(request.connection, 80).text}`;
  const wanted = mayDecide ? 'Approval wanted' : 'Waiting for approval';
  const lead = state.heading ?? `${wanted} (${riskWords[request.risk].toLowerCase()})`;
  return escaped(`${visible(lead)}: ${what}, asked by ${fitted(request.subject, 80).text}`);
}
