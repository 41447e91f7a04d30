import { groupsInClaims } from '../policy/claims.ts';
import type { ApproverGroup } from '../policy/verdict.ts';
import type { Person } from '../workflows/contract.ts';

/** Somebody who has proven who they are, and by what they may belong to approver groups. */
export interface Identity {
  readonly person: Person;
  readonly subject: string;
  /** Only when the identity provider says it is verified; lower case. */
  readonly email: string | null;
  /** Directory groups. */
  readonly groups: readonly string[];
  /** True for the person proven by the credential in the data directory. */
  readonly local: boolean;
  /** Where they belong in Slack; left out where nobody can be asked. */
  readonly slack?: SlackPlaces;
}

/** Ids of Slack user groups, and of channels whose members may decide, to which somebody belongs at this moment. */
export interface SlackPlaces {
  readonly places: readonly string[];
  /** Those of which Slack did not say: they count as not belonging. */
  readonly unknown: readonly string[];
}

/** Finds out where somebody with these keys belongs in Slack; `keys` are those of their linked Slack accounts. */
export type LookIntoSlack = (
  keys: readonly string[],
) => Promise<SlackPlaces & { readonly keys: readonly string[] }>;

/** Somebody with where they belong in Slack now, and the Slack accounts that are theirs. */
export async function placed(identity: Identity, look: LookIntoSlack | null): Promise<Identity> {
  if (!look || identity.local) return identity;
  const { keys, places, unknown } = await look(identity.person.keys);
  const { person } = identity;
  return {
    ...identity,
    person: { ...person, keys: [...new Set([...person.keys, ...keys])] },
    slack: { places, unknown },
  };
}

/** Whoever can read the data directory's credential, where no identity provider is configured. */
export function localApprover(): Identity {
  return {
    person: { keys: ['local:approver'], name: 'local-approver' },
    subject: 'local-approver',
    email: null,
    groups: [],
    local: true,
  };
}

/**
 * The identity that verified claims of an identity provider prove. The e-mail counts only when `email_verified` is
 * true; besides the stable key `oidc:<issuer>#<sub>` it becomes a key of its own, so that one human who votes here
 * and in Slack counts once.
 * @param claims of an ID token or UserInfo answer that has been verified
 * @param groupsClaim dots go into nested claims
 * @throws UnusableClaims when the groups cannot be read
 */
export function identityFromClaims(
  issuer: string,
  claims: Readonly<Record<string, unknown>>,
  groupsClaim: string,
): Identity {
  const sub = claims['sub'];
  if (typeof sub !== 'string' || sub === '') throw new TypeError('claims must have a sub');
  const email =
    claims['email_verified'] === true && typeof claims['email'] === 'string'
      ? claims['email'].toLowerCase()
      : null;
  const name = [claims['name'], claims['preferred_username'], email, sub].find(
    (value): value is string => typeof value === 'string' && value.trim() !== '',
  );
  return {
    person: {
      keys: [`oidc:${issuer}#${sub}`, ...(email === null ? [] : [`email:${email}`])],
      name: name ?? sub,
    },
    subject: sub,
    email,
    groups: groupsInClaims(claims, groupsClaim),
    local: false,
  };
}

/**
 * The approver groups to which somebody belongs. A person is named by verified e-mail (anything with an `@`), by
 * stable key, or by OIDC subject; one directory group, Slack user group or channel in common is enough. Without an identity provider the local
 * approver stands for every group.
 */
export function groupsOf(identity: Identity, approvers: readonly ApproverGroup[]): string[] {
  return approvers.filter((group) => identity.local || belongs(identity, group)).map((group) => group.name);
}

/** The places in Slack whose members an approver group takes in. */
function placesOf({ slackUserGroup, slackChannel, channelMembers }: ApproverGroup): readonly string[] {
  return [slackUserGroup, channelMembers === true ? slackChannel : null].flatMap((id) => id ?? []);
}

/** Why it is not known whether somebody belongs to one of these groups by Slack; null when that is not the question. */
export function whyUnknown(identity: Identity, approvers: readonly ApproverGroup[]): string | null {
  const asked = approvers.flatMap(placesOf);
  if (asked.length === 0) return null;
  if (!identity.slack)
    return 'Whether you belong to a group in Slack cannot be found out here: decide in Slack.';
  if (!identity.person.keys.some((key) => key.startsWith('slack:')))
    return 'Members of a group in Slack decide here once they have linked their account: /holdpoint link in Slack.';
  return asked.some((id) => identity.slack?.unknown.includes(id))
    ? 'Slack did not say whether you belong to a group of its: try again in a moment, or decide in Slack.'
    : null;
}

function belongs(identity: Identity, group: ApproverGroup): boolean {
  if (placesOf(group).some((id) => identity.slack?.places.includes(id))) return true;
  if (group.groups.some((name) => identity.groups.includes(name))) return true;
  return group.people.some((person) => {
    if (identity.person.keys.includes(person)) return true;
    if (person.includes('@')) return identity.email !== null && person.toLowerCase() === identity.email;
    return person === identity.subject;
  });
}

/**
 * The key of the account that signed in, among those that were linked to its person.
 * @throws Error when there is none, which no way of signing in leads to
 */
export function ownKey({ person, subject }: Pick<Identity, 'person' | 'subject'>): string {
  const key =
    person.keys.find((each) => each.endsWith(`#${subject}`)) ??
    person.keys.find((each) => each.startsWith('local:'));
  if (key === undefined) throw new Error('somebody is signed in under no key of their own');
  return key;
}

/** The issuer in `oidc:<issuer>#<subject>` and `saml:<issuer>#<name>`; null in other keys. */
export function issuerOf(key: string): string | null {
  return /^(?:oidc|saml):(.+?)#/.exec(key)?.[1] ?? null;
}
