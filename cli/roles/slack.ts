import { createCards } from '../../activities/cards.ts';
import { startSlackApp } from '../../slack-app/app.ts';
import { createApprovals } from '../../workflows/client.ts';
import { defaultMasker } from '../masking.ts';
import type { RoleContext, RunningRole } from './context.ts';
import { slackParts } from './slack-parts.ts';
import { temporalLink } from './temporal.ts';

/**
 * Listens to Slack.
 * @throws Error when Slack is not configured or this process cannot sign decisions
 */
export async function startSlackRole(context: RoleContext): Promise<RunningRole> {
  const { config, pool, keys, log } = context;
  const parts = slackParts(context);
  if (!config.slack || !parts)
    throw new Error(
      'slack is not configured: set slack.botToken and slack.appToken (docs/slack.md shows where they come from)',
    );
  if (!keys.voteKey)
    throw new Error('keys.votes.privateKey is not set: the Slack app signs decisions with it');
  const link = temporalLink(context);
  const consoleUrl = config.console.publicUrl;
  const masker = defaultMasker();
  const app = await startSlackApp({
    settings: config.slack,
    pool,
    client: parts.client,
    consoleUrl,
    approvals: createApprovals(link.client, keys.voteKey),
    refreshCards: createCards({ pool, consoleUrl, ...parts }).refresh,
    maskText: (text) => masker.text(text).text,
    log,
  });
  return {
    name: 'slack',
    url: app.url,
    stop: async () => {
      await app.stop();
      await link.close();
    },
  };
}
