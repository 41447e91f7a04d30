import type { WebClient } from '@slack/web-api';
import { giveReminderBack, takeReminders } from '../db/cards.ts';
import type { Queryable } from '../db/pool.ts';
import { slackDate } from './text.ts';
import type { Log } from './web-client.ts';

const lookEveryMs = 15_000;
/** A request that lives no longer than this is decided or gone before a reminder would help. */
const shortestLifeMs = 120_000;

/**
 * Reminds the people around a card, once, in its thread, when half of the request's time is over and it still waits.
 * Any number of processes may do this at once: each card is reminded of by one of them.
 */
export function startReminders(deps: { db: Queryable; client: WebClient; log: Log }): { stop(): void } {
  const timer = setInterval(() => void remind(deps), lookEveryMs);
  return { stop: () => clearInterval(timer) };
}

/** Sends the reminders that are due. Never rejects: what could not be sent is due again at the next look. */
export async function remind(deps: { db: Queryable; client: WebClient; log: Log }): Promise<void> {
  try {
    for (const card of await takeReminders(deps.db, { limit: 5, shortestLifeMs })) {
      const until = slackDate(card.expiresAt.getTime(), '{date_short_pretty} at {time}');
      const groups = card.userGroups.map((id) => `<!subteam^${id}> `).join('');
      const message = {
        channel: card.channel,
        thread_ts: card.ts,
        text: `${groups}This request still waits for a decision. It expires ${until}.`,
      };
      try {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
        await deps.client.chat.postMessage(message);
      } catch (error) {
        await giveReminderBack(deps.db, card.cardId);
        throw error;
      }
    }
  } catch (error) {
    deps.log.warn({ err: error }, 'a reminder could not be sent in Slack');
  }
}
