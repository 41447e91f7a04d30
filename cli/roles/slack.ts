import { createCards } from '../../activities/cards.ts';
import { createRecordAct } from '../../console/acts.ts';
import { namedBy, rolesThatMay } from '../../console/roles.ts';
import { createRecordStore } from '../../db/records.ts';
import { createRecorder } from '../../recording/recorder.ts';
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
  const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
  const approvals = createApprovals(link.client, keys.voteKey);
  const app = await startSlackApp({
    settings: config.slack,
    pool,
    client: parts.client,
    consoleUrl,
    approvals,
    refreshCards: createCards({ pool, consoleUrl, ...parts }).refresh,
    maskText: (text) => masker.text(text).text,
    containment: {
      operators: namedBy(config.roles, rolesThatMay('containment.act'), null),
      recordAct: createRecordAct({ recorder, masker }),
      cancelWorkflow: approvals.cancel,
    },
    log,
  });
  return {
    name: 'slack',
    url: app.url,
    stop: async () => {
      await app.stop();
      await recorder.close();
      await link.close();
    },
  };
}
