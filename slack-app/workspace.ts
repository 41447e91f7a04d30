import type { WebClient } from '@slack/web-api';

/** The workspace the app is installed in, and the app's own ids there. */
export interface Workspace {
  readonly team: string;
  readonly botId: string;
  readonly botUser: string;
}

/** Someone in Slack, as `users.info` knows them now. */
export interface SlackUser {
  readonly name: string;
  /** Only when Slack says that it was confirmed. */
  readonly email: string | null;
  /** Why they may not decide whatever group they are in; null when nothing speaks against it. */
  readonly barred: string | null;
}

/** Asks for the app's own workspace once; a failed answer is not kept. */
export function workspaceOf(client: WebClient): () => Promise<Workspace> {
  let known: Promise<Workspace> | undefined;
  return () => {
    known ??= askWhoIAm(client).catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

async function askWhoIAm(client: WebClient): Promise<Workspace> {
  const { team_id: team, bot_id: botId, user_id: botUser } = await client.auth.test();
  if (!team || !botId || !botUser)
    throw new Error('slack.botToken is not the token of a bot: it must start with xoxb-');
  return { team, botId, botUser };
}

/** Looks a user up at this moment: deactivated people, bots and strangers decide nothing. */
export async function lookUpUser(
  client: WebClient,
  workspace: Workspace,
  userId: string,
): Promise<SlackUser> {
  const { user } = await client.users.info({ user: userId });
  if (!user || user.id !== userId) throw new Error('Slack answered users.info with someone else');
  const name = user.profile?.real_name || user.real_name || user.name || userId;
  const email = user.profile?.email;
  const confirmed = user.is_email_confirmed !== false && typeof email === 'string';
  return { name, email: confirmed ? email.toLowerCase() : null, barred: whyBarred(user, workspace) };
}

function whyBarred(
  user: { deleted?: boolean; is_bot?: boolean; is_stranger?: boolean; team_id?: string },
  workspace: Workspace,
): string | null {
  if (user.deleted === true) return 'Your Slack account is deactivated.';
  if (user.is_bot === true) return 'Bots cannot decide.';
  if (user.is_stranger === true || user.team_id !== workspace.team) return foreignWorkspace;
  return null;
}

/** What someone from another workspace is told. */
export const foreignWorkspace =
  'You are from another Slack workspace. Only members of the workspace that Holdpoint is installed in can decide.';
