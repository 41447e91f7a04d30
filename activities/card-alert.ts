import type { WebClient } from '@slack/web-api';
import { type CardFacts } from '../db/card-facts.ts';
import { type CardCopy, cardCopies, markAlerted } from '../db/cards.ts';
import type { Queryable } from '../db/pool.ts';

/**
 * An update of a card notifies nobody, but a call of which nobody knows whether it happened needs someone to look:
 * says so once in the thread of every approvers' card, and in the channel. After a lost answer it may be said twice.
 */
export async function alertOfUnknown(
  deps: { pool: Queryable; client: WebClient },
  copy: CardCopy,
  facts: CardFacts,
): Promise<void> {
  if (facts.state !== 'unknown' || copy.role !== 'approver' || copy.alertedAt !== null) return;
  // Read again: the place of a card that was just posted or found is not in `copy` yet.
  const placed = (await cardCopies(deps.pool, facts.callId)).find(({ cardId }) => cardId === copy.cardId);
  if (!placed || placed.channel === null || placed.ts === null) return;
  const message = {
    channel: placed.channel,
    thread_ts: placed.ts,
    reply_broadcast: true,
    text: 'The outcome of this call is unknown: it was sent, and no answer came back. Someone has to check upstream whether it happened.',
  };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
  await deps.client.chat.postMessage(message);
  await markAlerted(deps.pool, copy.cardId);
}
