import type { WebClient } from '@slack/web-api';
import { dueReminders, markReminded } from '../db/card-reminders.ts';
import type { Queryable } from '../db/pool.ts';
import { slackFailure, slackTrouble } from './slack-errors.ts';

/**
 * Reminds the people around every card of a call, in the card's thread. May be repeated: each card is reminded of
 * once, but for one whose answer from Slack got lost.
 */
export async function remind(
  deps: { pool: Queryable; client: WebClient },
  callId: string,
  nth: number,
): Promise<void> {
  for (const { cardId, channel, ts, expiresAt, waiting, userGroups } of await dueReminders(
    deps.pool,
    callId,
    nth,
  )) {
    const seconds = Math.floor(expiresAt.getTime() / 1000);
    const until = `<!date^${seconds}^{date_short_pretty} at {time}|${expiresAt.toISOString()}>`;
    const groups = userGroups.map((id) => `<!subteam^${id}> `).join('');
    const text =
      waiting > 1
        ? `${groups}${waiting} requests on this card still wait for a decision. The first expires ${until}.`
        : `${groups}This request still waits for a decision. It expires ${until}.`;
    const message = { channel, thread_ts: ts, text };
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
      await deps.client.chat.postMessage(message);
    } catch (error) {
      const trouble = slackTrouble(error);
      if (!trouble) throw error;
      // Somebody has to put a refusal right, and the others are to be reminded meanwhile.
      if (trouble.kind !== 'refused') throw slackFailure(trouble, `reminding of call ${callId}`);
    }
    await markReminded(deps.pool, cardId, nth);
  }
}
