import type { WebClient } from '@slack/web-api';

/** Slack allows about 20 calls a minute for user groups: an answer is used again for this long. */
const membersFreshMs = 20_000;
const mostChannelMembers = 5000;

/** Who belongs where in Slack now, by user id. Answers are used for up to 20 seconds. */
export interface SlackMembers {
  /** @throws when Slack cannot say */
  ofUserGroup(userGroup: string): Promise<readonly string[]>;
  /** @throws when Slack cannot say, or the channel has too many members to be a set of approvers */
  ofChannel(channel: string): Promise<readonly string[]>;
}

export function createSlackMembers({
  client,
  now = Date.now,
}: {
  client: WebClient;
  now?: () => number;
}): SlackMembers {
  return {
    ofUserGroup: cached(now, async (usergroup) => {
      const { users = [] } = await client.usergroups.users.list({ usergroup });
      return users;
    }),
    ofChannel: cached(now, (channel) => membersOf(client, channel)),
  };
}

/** Everybody in a channel, page by page; a channel of more people than this is no set of approvers. */
async function membersOf(client: WebClient, channel: string): Promise<readonly string[]> {
  const members: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await client.conversations.members({
      channel,
      limit: 1000,
      ...(cursor === undefined ? {} : { cursor }),
    });
    members.push(...(page.members ?? []));
    cursor = page.response_metadata?.next_cursor;
    if (!cursor) return members;
    if (members.length >= mostChannelMembers)
      throw new Error(`channel ${channel} has more than ${mostChannelMembers} members`);
  }
}

function cached(
  now: () => number,
  ask: (id: string) => Promise<readonly string[]>,
): (id: string) => Promise<readonly string[]> {
  const cache = new Map<string, { users: readonly string[]; goodUntilMs: number }>();
  return async (id) => {
    const kept = cache.get(id);
    if (kept && kept.goodUntilMs > now()) return kept.users;
    cache.delete(id);
    const users = await ask(id);
    cache.set(id, { users, goodUntilMs: now() + membersFreshMs });
    return users;
  };
}
