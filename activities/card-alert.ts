import type { WebClient } from '@slack/web-api';
import type { CardFacts } from '../db/card-facts.ts';
import { cardCopy, markExtensionsTold, markTold } from '../db/cards.ts';
import type { Queryable } from '../db/pool.ts';
import { newsOf } from '../slack-app/card-news.ts';

/**
 * Tells the people around a card, in its thread, what an update of the card would not make them notice. After a lost
 * answer it may be said twice.
 * @param calls what the card shows, in its order
 */
export async function tellNews(
  deps: { pool: Queryable; client: WebClient },
  cardId: string,
  calls: readonly CardFacts[],
): Promise<void> {
  // Read again: the place of a card that was just posted or found is known only now.
  const copy = await cardCopy(deps.pool, cardId);
  if (copy === null || copy.channel === null || copy.ts === null) return;
  const news = newsOf(copy, calls, Date.now());
  if (news === null) return;
  const { text, broadcast, waiting, ended, extended } = news;
  if (text !== null) {
    const message = { channel: copy.channel, thread_ts: copy.ts, text };
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
    await deps.client.chat.postMessage(broadcast ? { ...message, reply_broadcast: true } : message);
  }
  await markTold(deps.pool, cardId, { waiting, ended });
  for (const { callId, extensions } of extended)
    await markExtensionsTold(deps.pool, { cardId, callId, extensions });
}
