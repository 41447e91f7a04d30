import type { CheckpointPublisher } from './run.ts';

const timeoutMs = 10_000;

/** A channel that checkpoints are posted to. */
export interface SlackTarget {
  /** `https://slack.com/api/`, or a compatible server's. */
  readonly apiUrl: string;
  readonly token: string;
  readonly channel: string;
}

/**
 * Posts the latest checkpoint to a Slack channel now and then, for people to keep: what many have seen, nobody can take
 * back.
 * @param turns decide among all processes who posts, and when next
 */
export function slackPublisher(
  target: SlackTarget,
  turns: { readonly take: () => Promise<boolean>; readonly giveBack: () => Promise<void> },
): CheckpointPublisher {
  return {
    name: `Slack channel ${target.channel}`,
    async publish({ size, note }) {
      if (!(await turns.take())) return;
      try {
        await post(target, `Checkpoint of the recordings, ${size} entries:\n\`\`\`\n${note}\`\`\``);
      } catch (error) {
        await turns.giveBack();
        throw error;
      }
    },
  };
}

async function post({ apiUrl, token, channel }: SlackTarget, text: string): Promise<void> {
  const answer = await fetch(new URL('chat.postMessage', apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/`), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams({ channel, text, unfurl_links: 'false', unfurl_media: 'false' }),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const said = (await answer.json().catch(() => ({}))) as { ok?: unknown; error?: unknown };
  if (said.ok === true) return;
  const why = typeof said.error === 'string' ? said.error : `status ${answer.status}`;
  throw new Error(`Slack did not take the checkpoint for ${channel}: ${why}`);
}
