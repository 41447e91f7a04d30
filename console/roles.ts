import { groupsOf, type Identity } from './identity.ts';

/** What people may be on Holdpoint itself, besides approvers of single requests, whom policy names. */
export const roleNames = ['viewer', 'approver', 'auditor', 'operator', 'owner'] as const;
export type Role = (typeof roleNames)[number];

/** People and directory groups, named as in approver groups. */
export interface Named {
  readonly people: readonly string[];
  readonly groups: readonly string[];
}

/** Who has which role; a role that is left out nobody has. */
export type Roles = Readonly<Partial<Record<Role, Named>>>;

/** What somebody does on Holdpoint itself. */
export type Permission =
  /** See every approval request, the policy and how things stand. */
  | 'requests.see'
  /** Decide, where policy names one as approver. */
  | 'requests.decide'
  /** Read recordings, look into what was revoked. */
  | 'recordings.read'
  /** See what is revoked. */
  | 'containment.see'
  /** Revoke, lift, cancel requests, end grants and tokens of others. */
  | 'containment.act'
  /** Turn the kill switch, as members of every approver group may, too. */
  | 'kill-switch.turn'
  /** Whatever cannot be taken back, such as purging recordings. */
  | 'recordings.purge'
  /** Keep recordings from being purged, and let them go again. */
  | 'recordings.hold'
  /** Make access tokens of services. */
  | 'tokens.serve'
  /** Wrap stored keys anew. */
  | 'keys.rewrap'
  /** Ask for what masking took out to be opened, and look at it once somebody else has agreed. */
  | 'unmasked.ask'
  /** Agree that somebody else opens it. */
  | 'unmasked.agree';

const permissions: Readonly<Record<Permission, readonly Role[]>> = {
  'requests.see': ['viewer', 'auditor', 'operator', 'owner'],
  'requests.decide': ['approver'],
  'recordings.read': ['auditor', 'owner'],
  'containment.see': ['auditor', 'operator', 'owner'],
  'containment.act': ['operator', 'owner'],
  'kill-switch.turn': ['operator', 'owner'],
  'recordings.purge': ['owner'],
  'recordings.hold': ['auditor', 'owner'],
  'tokens.serve': ['owner'],
  'keys.rewrap': ['operator', 'owner'],
  'unmasked.ask': ['auditor', 'operator', 'owner'],
  'unmasked.agree': ['owner'],
};

/** The roles that somebody has. Without an identity provider the local approver has all of them. */
export function rolesOf(identity: Identity, roles: Roles): Role[] {
  return roleNames.filter((role) => {
    const named = roles[role];
    // Where no `approver` is named, policy alone says who decides.
    if (identity.local || (role === 'approver' && !named)) return true;
    return named !== undefined && isNamed(identity, named);
  });
}

/** Whether somebody may do something. */
export function may(identity: Identity, roles: Roles, permission: Permission): boolean {
  const own = rolesOf(identity, roles);
  return permissions[permission].some((role) => own.includes(role));
}

/** The roles that give a permission, for telling people what they lack. */
export function rolesThatMay(permission: Permission): readonly Role[] {
  return permissions[permission];
}

function isNamed(identity: Identity, named: Named): boolean {
  return (
    groupsOf(identity, [{ name: 'role', slackChannel: null, slackUserGroup: null, ...named }]).length > 0
  );
}

/** Everybody who has one of some roles, as one list of people and groups. */
export function namedBy(roles: Roles, some: readonly Role[], more: Named | null): Named {
  const all = [...some.flatMap((role) => roles[role] ?? []), more ?? []].flat();
  return { people: all.flatMap(({ people }) => people), groups: all.flatMap(({ groups }) => groups) };
}

/** Who may look at recordings. */
export function auditorsOf(deps: { readonly roles?: Roles; readonly auditors?: Named | null }): Named {
  return namedBy(deps.roles ?? {}, rolesThatMay('recordings.read'), deps.auditors ?? null);
}
