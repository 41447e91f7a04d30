import type { WebClient } from '@slack/web-api';
import { slackTrouble } from './slack-errors.ts';

/** The clocks of Slack, the database and this machine may differ by this much. */
const clockSkewMs = 120_000;
const pagesAtMost = 5;

/** Errors by which Slack says that the app may not read the channel at all. */
const mayNotRead = ['missing_scope', 'not_in_channel', 'channel_not_found', 'not_allowed_token_type'];

/**
 * Looks for a card that may have been posted without its answer reaching us, by its message metadata. Only finds
 * messages of the app itself: nobody else's message can pass for a card.
 * @returns its place; null when it is not there, or when the app has no scope to read the channel
 */
export async function findPosted(
  client: WebClient,
  wanted: { channel: string; since: Date; eventType: string; callId: string },
): Promise<{ channel: string; ts: string } | null> {
  try {
    const me = await client.auth.test();
    let cursor: string | undefined;
    for (let page = 0; page < pagesAtMost; page += 1) {
      const answer = await client.conversations.history({
        channel: wanted.channel,
        oldest: ((wanted.since.getTime() - clockSkewMs) / 1000).toFixed(6),
        include_all_metadata: true,
        limit: 200,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const message of answer.messages ?? []) {
        const { metadata, ts, bot_id: botId } = message;
        const payload = metadata?.event_payload as Record<string, unknown> | undefined;
        if (botId === undefined || botId !== me.bot_id || ts === undefined) continue;
        if (metadata?.event_type === wanted.eventType && payload?.['call_id'] === wanted.callId)
          return { channel: wanted.channel, ts };
      }
      cursor = answer.response_metadata?.next_cursor;
      if (!cursor) return null;
    }
    return null;
  } catch (error) {
    const trouble = slackTrouble(error);
    if (trouble?.kind === 'refused' && mayNotRead.includes(trouble.error)) return null;
    throw error;
  }
}
