import { type WebClient, WebAPIPlatformError } from '@slack/web-api';
import { keyOfEmail, pinEmail, slackKey } from '../db/people.ts';
import type { Queryable } from '../db/pool.ts';
import type { Workspace } from './workspace.ts';

/**
 * The Slack user that an e-mail stands for, as a stable key. Slack is asked once; the answer is kept, so that an
 * address that changes hands later gives its new holder nothing.
 * @returns null when no active member of the workspace has it
 * @throws when Slack or the database cannot be asked
 */
export async function keyOfSlackEmail(
  deps: { db: Queryable; client: WebClient },
  email: string,
  team: string,
): Promise<string | null> {
  const realm = `slack:${team}`;
  const known = await keyOfEmail(deps.db, { realm, email });
  if (known !== null) return known;
  try {
    const { user } = await deps.client.users.lookupByEmail({ email });
    if (!user?.id || user.team_id !== team || user.deleted === true) return null;
    return await pinEmail(deps.db, { realm, email, key: slackKey(team, user.id) });
  } catch (error) {
    if (error instanceof WebAPIPlatformError && error.data.error === 'users_not_found') return null;
    throw error;
  }
}

/**
 * Finds the Slack user whom a policy names by e-mail or as `slack:TEAM/USER`; for direct messages only.
 * @returns a function that gives the user's id, or null when it is nobody in this workspace
 */
export function createUserLookup(deps: {
  db: Queryable;
  client: WebClient;
  workspace: () => Promise<Workspace>;
}): (named: string) => Promise<string | null> {
  return async (named) => {
    const { team } = await deps.workspace();
    const key = named.startsWith('slack:')
      ? named
      : named.includes('@')
        ? await keyOfSlackEmail(deps, named, team)
        : null;
    const own = slackKey(team, '');
    return key?.startsWith(own) === true ? key.slice(own.length) : null;
  };
}
