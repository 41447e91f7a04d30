import type { WebClient } from '@slack/web-api';
import { rememberedGroups, slackKey } from '../db/people.ts';
import type { Queryable } from '../db/pool.ts';
import type { ApproverGroup } from '../policy/verdict.ts';
import { keyOfSlackEmail } from './emails.ts';
import { createSlackMembers } from './places.ts';

/** Directory groups count as long as the login that vouched for them. */
const directoryGroupsFreshMs = 8 * 3600_000;

/** Who decides, as Slack and the directory know them at this moment. */
export interface Decider {
  readonly team: string;
  readonly user: string;
  /** Every stable key of the person, the Slack key among them. */
  readonly keys: readonly string[];
}

/** To which groups a person belongs. `unknown`: it could not be found out, which counts as not belonging. */
export interface Membership {
  readonly groups: readonly string[];
  readonly unknown: readonly string[];
}

/** Looks up who belongs to what, at the moment of a decision. */
export interface MembershipLookup {
  of(decider: Decider, groups: readonly ApproverGroup[]): Promise<Membership>;
}

/** Membership as Slack, the directory and the policy's own lists have it. Any one way of belonging is enough. */
export function createMembership(deps: {
  db: Queryable;
  client: WebClient;
  now?: () => number;
}): MembershipLookup {
  const members = createSlackMembers(deps);
  return {
    of: async (decider, groups) => {
      const answers = await Promise.all(
        groups.map(async (group) => ({ name: group.name, ...(await belongs(group, decider)) })),
      );
      return {
        groups: answers.filter(({ member }) => member).map(({ name }) => name),
        unknown: answers.filter(({ member, failed }) => !member && failed).map(({ name }) => name),
      };
    },
  };

  async function belongs(
    group: ApproverGroup,
    decider: Decider,
  ): Promise<{ member: boolean; failed: boolean }> {
    const ways = [
      ...group.people.map((named) => () => isNamed(named, decider)),
      ...(group.groups.length > 0 ? [() => inDirectoryGroup(group.groups, decider)] : []),
      ...(group.channelMembers && group.slackChannel !== null
        ? [() => inChannel(group.slackChannel ?? '', decider)]
        : []),
      ...(group.slackUserGroup === null ? [] : [() => inUserGroup(group.slackUserGroup ?? '', decider)]),
    ];
    let failed = false;
    for (const way of ways) {
      try {
        if (await way()) return { member: true, failed: false };
      } catch {
        // Not to be found out is not to belong; the caller learns of it by `unknown`.
        failed = true;
      }
    }
    return { member: false, failed };
  }

  async function isNamed(named: string, decider: Decider): Promise<boolean> {
    if (named.startsWith('slack:')) return decider.keys.includes(named);
    if (decider.keys.some((key) => isSubject(key, named))) return true;
    return (
      named.includes('@') &&
      (await keyOfSlackEmail(deps, named, decider.team)) === slackKey(decider.team, decider.user)
    );
  }

  async function inDirectoryGroup(names: readonly string[], decider: Decider): Promise<boolean> {
    const linked = decider.keys.filter((key) => key.startsWith('oidc:'));
    if (linked.length === 0) return false;
    const groups = await rememberedGroups(deps.db, { keys: linked, maxAgeMs: directoryGroupsFreshMs });
    return names.some((name) => groups.includes(name));
  }

  async function inChannel(channel: string, decider: Decider): Promise<boolean> {
    return (await members.ofChannel(channel)).includes(decider.user);
  }

  async function inUserGroup(userGroup: string, decider: Decider): Promise<boolean> {
    return (await members.ofUserGroup(userGroup)).includes(decider.user);
  }
}

/** Whether a key is that of an OIDC subject: `oidc:<issuer>#<subject>`. */
function isSubject(key: string, subject: string): boolean {
  return key.startsWith('oidc:') && key.slice(key.indexOf('#') + 1) === subject;
}
