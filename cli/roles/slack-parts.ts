import { createUserLookup } from '../../slack-app/emails.ts';
import { createSlackClient } from '../../slack-app/web-client.ts';
import { workspaceOf } from '../../slack-app/workspace.ts';
import type { RoleContext } from './context.ts';

/** What cards and the Slack app have in common; null where Slack is not configured. */
export function slackParts({ config, pool, log }: RoleContext) {
  if (!config.slack) return null;
  const client = createSlackClient({ botToken: config.slack.botToken, apiUrl: config.slack.apiUrl, log });
  return { client, userOf: createUserLookup({ db: pool, client, workspace: workspaceOf(client) }) };
}
