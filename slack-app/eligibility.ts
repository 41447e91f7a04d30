import type { ListedCall } from '../db/card-facts.ts';
import { personOf, slackKey } from '../db/people.ts';
import type { Queryable } from '../db/pool.ts';
import type { Person, VoteRefusal } from '../workflows/contract.ts';
import type { MembershipLookup } from './membership.ts';
import type { SlackUser } from './workspace.ts';

/** Why a click was refused before it came to a vote. */
export type ClickRefusal =
  | 'UnknownCall'
  | 'NotShownWhole'
  | 'StaleCard'
  | 'ForeignWorkspace'
  | 'BarredPerson'
  | 'MembershipUnknown';

/** A refusal, and what the person is told. */
export interface Refused {
  readonly state: 'refused';
  readonly code: VoteRefusal | ClickRefusal;
  readonly text: string;
  readonly tell: true;
}

/** What looking someone up needs. */
export interface EligibilityDeps {
  readonly pool: Queryable;
  /** Who a user of Slack is, asked at this moment (workspace.ts, `lookUpUser`). */
  readonly userNow: (user: string) => Promise<SlackUser>;
  readonly membership: MembershipLookup;
}

/** Someone who may decide: who they are, and by which of the request's approver groups. */
export interface Eligible {
  readonly state: 'eligible';
  readonly person: Person;
  readonly groups: readonly string[];
}

/**
 * Whether a Slack user may decide on a call at this moment: active member of the workspace → not the requester →
 * member of an approver group.
 * @throws when Slack or the database cannot be asked
 */
export async function eligibility(
  deps: EligibilityDeps,
  facts: ListedCall,
  who: { team: string; user: string },
): Promise<Eligible | Refused> {
  const user = await deps.userNow(who.user);
  if (user.barred !== null) return refused('BarredPerson', `${user.barred} Nothing was decided.`);
  const person = await personNow(deps, who, user);
  if (isRequester(facts, person, user))
    return refused('SelfApproval', 'You asked for this call yourself: someone else has to decide on it.');
  const { groups, unknown } = await deps.membership.of({ ...who, keys: person.keys }, facts.approvers);
  return groups.length > 0 ? { state: 'eligible', person, groups } : notAMember(facts, unknown);
}

/** A refusal in words for the person. */
export function refused(code: Refused['code'], text: string): Refused {
  return { state: 'refused', code, text, tell: true };
}

/** Every key of the person; a confirmed e-mail is one more, so that one human counts once across surfaces. */
async function personNow(
  deps: EligibilityDeps,
  who: { team: string; user: string },
  user: SlackUser,
): Promise<Person> {
  const person = await personOf(deps.pool, slackKey(who.team, who.user), user.name);
  if (user.email === null) return person;
  return { ...person, keys: [...person.keys, `email:${user.email}`] };
}

/** Whether a person is the one for whom a call was asked: by key, or by an e-mail that both sides confirmed. */
export function isRequester(facts: ListedCall, person: Person, user: SlackUser): boolean {
  const { key, email } = facts.caller;
  return person.keys.includes(key) || (email !== null && email.toLowerCase() === user.email);
}

function notAMember(facts: ListedCall, unknown: readonly string[]): Refused {
  if (unknown.length > 0)
    return refused(
      'MembershipUnknown',
      `Holdpoint could not find out whether you belong to ${unknown.join(', ')}. Nothing was decided; please try again.`,
    );
  const names = facts.approvers.map(({ name }) => name).join(', ');
  return refused(
    'NotAnApprover',
    `Only members of ${names} can decide on this request. Nothing was decided.`,
  );
}
