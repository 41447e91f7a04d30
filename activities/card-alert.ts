import type { WebClient } from '@slack/web-api';
import { type CardFacts } from '../db/card-facts.ts';
import { type CardCopy, cardCopies, markAlerted } from '../db/cards.ts';
import type { Queryable } from '../db/pool.ts';

const askForHelp =
  'The outcome of this call is unknown: it was sent, and no answer came back. Someone has to check upstream whether it happened.';

/**
 * An update of a card notifies nobody. So it is said once, in the card's thread and where the card stands, when a call
 * of which nobody knows needs someone to look (to approvers), and how a call ended (to the person who asked for it).
 * After a lost answer it may be said twice.
 * @param ended how it ended, in the card's own words, escaped
 */
export async function alertOf(
  deps: { pool: Queryable; client: WebClient },
  copy: CardCopy,
  facts: CardFacts,
  ended: string,
): Promise<void> {
  const text =
    copy.role === 'approver' ? (facts.state === 'unknown' ? askForHelp : null) : endOf(facts, ended);
  if (text === null || copy.alertedAt !== null) return;
  // Read again: the place of a card that was just posted or found is not in `copy` yet.
  const placed = (await cardCopies(deps.pool, facts.callId)).find(({ cardId }) => cardId === copy.cardId);
  if (!placed || placed.channel === null || placed.ts === null) return;
  const message = { channel: placed.channel, thread_ts: placed.ts, reply_broadcast: true, text };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
  await deps.client.chat.postMessage(message);
  await markAlerted(deps.pool, copy.cardId);
}

function endOf({ state }: CardFacts, ended: string): string | null {
  return state === 'pending' || state === 'executing' ? null : ended;
}
