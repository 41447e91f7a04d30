import { setTimeout as sleep } from 'node:timers/promises';
import type { WebClient } from '@slack/web-api';
import { approverPlaces } from '../db/approver-places.ts';
import { linkedKeys, slackKey } from '../db/people.ts';
import type { Queryable } from '../db/pool.ts';
import { slackReach } from '../db/slack-reach.ts';
import { createSlackMembers } from './places.ts';
import { lookUpUser, type Workspace } from './workspace.ts';

/** Where in Slack a person belongs, as far as approver groups name it. */
export interface SlackStanding {
  /** Every stable key of the person's Slack accounts in the app's own workspace. */
  readonly keys: readonly string[];
  /** Ids of user groups, and of channels whose members may decide, to which they belong now. */
  readonly places: readonly string[];
  /** Those of which it could not be found out: they count as not belonging. */
  readonly unknown: readonly string[];
}

/** No page and no command waits longer than this for Slack. */
const answerWithinMs = 2500;
const nobody: SlackStanding = { keys: [], places: [], unknown: [] };

/**
 * Looks up, for surfaces other than Slack, where a person belongs there: by the Slack accounts that they have linked,
 * never by a name or an e-mail. Whoever is deactivated, a bot or from elsewhere belongs nowhere; what Slack does not say
 * in time is unknown.
 * @returns a function of a person's stable keys; it throws only when the database cannot be asked
 */
export function createSlackStanding(deps: {
  db: Queryable;
  client: WebClient;
  workspace: () => Promise<Workspace>;
}): (keys: readonly string[]) => Promise<SlackStanding> {
  const { db, client, workspace } = deps;
  const members = createSlackMembers({ client });
  return async (keys) => {
    const linked = (await linkedKeys(db, keys)).filter((key) => key.startsWith('slack:'));
    if (linked.length === 0) return nobody;
    const wanted = await approverPlaces(db);
    const all = [...wanted.userGroups, ...wanted.channels];
    if (all.length === 0) return { ...nobody, keys: linked };
    const cannotSay: SlackStanding = { keys: linked, places: [], unknown: all };
    if ((await slackReach(db)).awaySince !== null) return cannotSay;
    const given = new AbortController();
    const late = sleep(answerWithinMs, cannotSay, { signal: given.signal, ref: false });
    try {
      return await Promise.race([look(linked, wanted), late]);
    } finally {
      given.abort();
      late.catch(() => {});
    }
  };

  async function look(
    linked: readonly string[],
    wanted: { readonly userGroups: readonly string[]; readonly channels: readonly string[] },
  ): Promise<SlackStanding> {
    const all = [...wanted.userGroups, ...wanted.channels];
    let users: readonly string[];
    try {
      users = await ownUsers(linked);
    } catch {
      return { keys: linked, places: [], unknown: all };
    }
    const belongs = async (
      id: string,
      ask: (id: string) => Promise<readonly string[]>,
    ): Promise<readonly [string, boolean | null]> => {
      try {
        const found = await ask(id);
        return [id, users.some((user) => found.includes(user))];
      } catch {
        // Not to be found out is not to belong; whoever asks learns of it by `unknown`.
        return [id, null];
      }
    };
    const answers =
      users.length === 0
        ? []
        : await Promise.all([
            ...wanted.userGroups.map(async (id) => belongs(id, members.ofUserGroup)),
            ...wanted.channels.map(async (id) => belongs(id, members.ofChannel)),
          ]);
    return {
      keys: linked,
      places: answers.filter(([, member]) => member === true).map(([id]) => id),
      unknown: answers.filter(([, member]) => member === null).map(([id]) => id),
    };
  }

  /** The accounts' ids in the app's own workspace that may decide at all. */
  async function ownUsers(linked: readonly string[]): Promise<readonly string[]> {
    const own = await workspace();
    const prefix = slackKey(own.team, '');
    const users: string[] = [];
    for (const key of linked.filter((one) => one.startsWith(prefix))) {
      const user = key.slice(prefix.length);
      if ((await lookUpUser(client, own, user)).barred === null) users.push(user);
    }
    return users;
  }
}
