import type { WebClient } from '@slack/web-api';
import type { ClickedDecision } from '../db/slack-decisions.ts';
import { escaped, visible } from './text.ts';
import type { Log } from './web-client.ts';

/**
 * Tells one person something that only they see: where they clicked, or else in a direct message (Slack shows nothing
 * in a channel to someone who has left it). Where both fail, what they were told is still stored with their click.
 */
export async function tell(
  deps: { client: WebClient; log: Log },
  click: Pick<ClickedDecision, 'channel' | 'slackUser' | 'callId'>,
  message: string,
): Promise<void> {
  const text = escaped(visible(message));
  const { channel, slackUser: user } = click;
  if (channel !== null && !channel.startsWith('D')) {
    try {
      await deps.client.chat.postEphemeral({ channel, user, text });
      return;
    } catch (error) {
      deps.log.warn(
        { err: error, callId: click.callId },
        'no ephemeral message in Slack; trying a direct one',
      );
    }
  }
  try {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
    await deps.client.chat.postMessage({ channel: user, text, unfurl_links: false });
  } catch (error) {
    deps.log.warn(
      { err: error, callId: click.callId },
      'someone could not be told in Slack what became of a click',
    );
  }
}
