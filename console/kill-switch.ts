import { type Freeze, freeze, freezeInForce, lift, switchPeople } from '../db/kill-switch.ts';
import type { Pool, Queryable } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import { groupsOf, type Identity } from './identity.ts';
import { may, type Roles } from './roles.ts';

/** What turning the kill switch works with. */
export interface SwitchDeps {
  readonly pool: Pool;
  /** Who is what on Holdpoint itself: operators and owners may turn it as approvers may. */
  readonly roles: Roles;
  /** Masks what people write before it is stored. */
  readonly maskText: (text: string) => Masked<string>;
}

/** What became of it, in words for the person. */
export interface Turned {
  readonly done: boolean;
  readonly text: string;
}

/** Who asks, proven at this moment, and where. */
export interface SwitchAsk {
  readonly identity: Identity;
  readonly via: 'console' | 'cli' | 'api';
}

/** A freeze that people with an identity provider have made is lifted by this many of them. */
const peopleToLift = 2;
/** A longer reason is cut, once it is masked: nobody who stops everything is asked to be brief. */
const longestReason = 1000;

/** Stops all calls at once. Anybody who may decide on calls, operators and owners may do that alone. */
export async function turnOn(
  deps: SwitchDeps,
  { identity, via }: SwitchAsk,
  reason: string,
): Promise<Turned> {
  if (!(await mayTurn(deps, identity))) return notYours;
  const because = reason.trim() === '' ? null : deps.maskText(reason.trim()).slice(0, longestReason);
  const turned = await freeze(deps.pool, { person: identity.person, via, because });
  return turned
    ? { done: true, text: 'Frozen: nothing goes upstream, and no deadline runs, until two people lift it.' }
    : { done: false, text: 'It is frozen already.' };
}

/**
 * Asks to lift the freeze; the second person who does so lifts it. Where no identity provider tells people apart, the
 * one local person is enough: there is nobody else.
 */
export async function askToLift(deps: SwitchDeps, { identity, via }: SwitchAsk): Promise<Turned> {
  if (!(await mayTurn(deps, identity))) return notYours;
  const peopleNeeded = identity.local ? 1 : peopleToLift;
  const lifted = await lift(deps.pool, { person: identity.person, via, peopleNeeded });
  if (lifted.kind === 'not frozen') return { done: false, text: 'Nothing is frozen.' };
  if (lifted.kind === 'waits') {
    const noted = lifted.again ? 'You have asked already' : 'Noted';
    return { done: true, text: `${noted}: it is lifted as soon as another person asks for it too.` };
  }
  const people = lifted.by.map(({ person }) => person.name).join(' and ');
  return {
    done: true,
    text: `Lifted, as asked for by ${people}. Deadlines have moved by as long as the freeze lasted.`,
  };
}

/** Whether somebody may turn the kill switch: whoever may decide on any call by the policy in force, and operators. */
export async function mayTurn(
  { pool, roles }: Pick<SwitchDeps, 'pool' | 'roles'>,
  identity: Identity,
): Promise<boolean> {
  if (identity.local || may(identity, roles, 'kill-switch.turn')) return true;
  return groupsOf(identity, await switchPeople(pool)).length > 0;
}

const notYours: Turned = {
  done: false,
  text: 'Only members of an approver group, operators and owners may do this. Nothing was changed.',
};

/** How the freeze in force came to be, in one sentence; null while nothing is frozen. */
export async function freezeWords(pool: Queryable): Promise<string | null> {
  const now = await freezeInForce(pool);
  return now && wordsOf(now);
}

/** The same of a freeze that is known. */
export function wordsOf({ by, since, because, lifts }: Freeze): string {
  const asked = lifts.map(({ person }) => person.name).join(', ');
  return [
    `Frozen by ${by.person.name} (${by.via}) at ${since.toISOString()}${because === null ? '' : `: ${because}`}.`,
    'Nothing goes upstream, and no deadline runs.',
    asked === '' ? '' : `${asked} asked to lift it; another person is needed.`,
  ]
    .filter((part) => part !== '')
    .join(' ');
}
