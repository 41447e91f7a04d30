import type { CardFacts } from '../db/card-facts.ts';
import type { CardCall, CardCopy } from '../db/cards.ts';
import { cardText } from './card-parts.ts';
import { spanWords } from './choices.ts';
import { cardRequest } from './request.ts';
import { stateOf } from './state.ts';
import { escaped, fitted, slackDate } from './text.ts';

/** What the people around a card are to be told in its thread, since an update of a card notifies nobody. */
export interface CardNews {
  /** mrkdwn, escaped; null when there is nothing to say, only something to note. */
  readonly text: string | null;
  /** Whether it is shown in the channel too: somebody is asked to do something, or waits for it. */
  readonly broadcast: boolean;
  /** Calls of which people are told by this, or were by the card itself, that they wait. */
  readonly waiting: readonly string[];
  /** Calls whose end they are told of. */
  readonly ended: readonly string[];
  /** Calls with how many extensions people are told of. */
  readonly extended: readonly { readonly callId: string; readonly extensions: number }[];
}

/** Whoever was notified of a card so lately need not be told that another call has joined it. */
const quietMs = 60_000;

const askForHelp =
  'The outcome of this call is unknown: it was sent, and no answer came back. Someone has to check upstream whether it happened.';

/**
 * What there is to tell, of each call once: to approvers that calls have joined a card that stands, that somebody gave
 * more time, that nobody knows what became of a call; to whoever asked, how a call ended. Pure.
 * @param calls of the card, in its order
 */
export function newsOf(copy: CardCopy, calls: readonly CardFacts[], nowMs: number): CardNews | null {
  const known = new Map(copy.calls.map((call) => [call.callId, call]));
  const each = calls.flatMap((facts, index) => {
    const told = known.get(facts.callId);
    const which = calls.length > 1 ? `Call ${index + 1} of ${calls.length}: ` : '';
    return told ? [{ facts, told, which }] : [];
  });
  const joined = each.filter(({ told }) => told.toldAt === null);
  const ended = each.filter(({ facts, told }) => told.alertedAt === null && isEnd(copy, facts));
  const extended = copy.role === 'approver' ? each.filter(({ facts, told }) => isExtended(facts, told)) : [];
  if (joined.length + ended.length + extended.length === 0) return null;
  const asking = joinedText(
    copy,
    joined.map(({ facts }) => facts),
    calls,
    nowMs,
  );
  const texts = [
    ...(asking === null ? [] : [asking]),
    ...extended.map(({ facts, told, which }) => which + extendedText(facts, told)),
    ...ended.map(({ facts, which }) => which + endText(copy, facts)),
  ];
  return {
    text: texts.length === 0 ? null : texts.join('\n'),
    broadcast: asking !== null || ended.length > 0,
    waiting: joined.map(({ facts }) => facts.callId),
    ended: ended.map(({ facts }) => facts.callId),
    extended: extended.map(({ facts: { callId, extensions } }) => ({
      callId,
      extensions: extensions.length,
    })),
  };
}

function isEnd({ role }: CardCopy, { state }: CardFacts): boolean {
  return role === 'approver' ? state === 'unknown' : state !== 'pending' && state !== 'executing';
}

function endText({ role }: CardCopy, facts: CardFacts): string {
  if (role === 'approver') return askForHelp;
  const request = cardRequest(facts);
  return cardText(request, stateOf(request), false);
}

function isExtended(facts: CardFacts, told: CardCall): boolean {
  return facts.extensions.length > told.extensions;
}

function extendedText({ extensions, expiresAt, state }: CardFacts, told: CardCall): string {
  const fresh = extensions.slice(told.extensions);
  const who = fresh.map(
    ({ person, byMs }) => `${fitted(person.name, 100).text} gave ${spanWords(byMs)} more`,
  );
  const until = slackDate(expiresAt.getTime(), '{date_short_pretty} at {time}');
  return `${escaped(who.join(', '))}.${state === 'pending' ? ` It expires ${until}.` : ''}`;
}

/** The calls of a card that was just posted are asked about by the card itself. */
function joinedText(
  { role, postedAt }: CardCopy,
  joined: readonly CardFacts[],
  calls: readonly CardFacts[],
  nowMs: number,
): string | null {
  const waiting = joined.filter(({ state }) => state === 'pending').length;
  if (role !== 'approver' || waiting === 0 || postedAt === null || nowMs - postedAt.getTime() < quietMs)
    return null;
  const now = calls.filter(({ state }) => state === 'pending').length;
  const more = waiting === 1 ? 'One more call like these waits' : `${waiting} more calls like these wait`;
  return `${more}: this card now asks about ${now}.`;
}
