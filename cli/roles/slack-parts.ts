import type { LookIntoSlack } from '../../console/identity.ts';
import { createUserLookup } from '../../slack-app/emails.ts';
import { createSlackStanding } from '../../slack-app/standing-elsewhere.ts';
import { createSlackClient } from '../../slack-app/web-client.ts';
import { workspaceOf } from '../../slack-app/workspace.ts';
import type { RoleContext } from './context.ts';

/** What cards and the Slack app have in common; null where Slack is not configured. */
export function slackParts({ config, pool, log }: Pick<RoleContext, 'config' | 'pool' | 'log'>) {
  if (!config.slack) return null;
  const client = createSlackClient({ botToken: config.slack.botToken, apiUrl: config.slack.apiUrl, log });
  return { client, userOf: createUserLookup({ db: pool, client, workspace: workspaceOf(client) }) };
}

/** Finds out where people belong in Slack, for surfaces that are not Slack; null where Slack is not configured. */
export function slackStanding(context: Pick<RoleContext, 'config' | 'pool' | 'log'>): LookIntoSlack | null {
  const parts = slackParts(context);
  if (!parts) return null;
  const { client } = parts;
  return createSlackStanding({ db: context.pool, client, workspace: workspaceOf(client) });
}
