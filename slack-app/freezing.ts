import type { WebClient } from '@slack/web-api';
import { freeze, lift, switchPeople } from '../db/kill-switch.ts';
import { personOf, slackKey } from '../db/people.ts';
import type { Pool } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import type { Person } from '../workflows/contract.ts';
import type { MembershipLookup } from './membership.ts';
import type { Containment } from './revoking.ts';
import { longestReason } from './modals.ts';
import { lookUpUser, type Workspace } from './workspace.ts';

/** What turning the kill switch from Slack needs. */
export interface FreezingDeps {
  readonly pool: Pool;
  readonly client: WebClient;
  readonly workspace: () => Promise<Workspace>;
  readonly membership: MembershipLookup;
  /** The people and directory groups of the roles that may, beside every approver group. */
  readonly containment: Pick<Containment, 'operators'>;
  /** Masks what people write before it is stored. */
  readonly maskText: (text: string) => Masked<string>;
}

const peopleToLift = 2;

/**
 * Stops all calls at once, for a Slack user who belongs to an approver group of the policy in force, or is an operator or
 * owner.
 * @param user id in the app's own workspace, which the caller has checked
 * @returns what the person is told: text, not markup
 */
export async function freezeFromSlack(
  deps: FreezingDeps,
  user: string,
  reason: string,
): Promise<{ text: string }> {
  const who = await whoMayTurn(deps, user);
  if ('text' in who) return who;
  const because = reason.trim() === '' ? null : deps.maskText(reason.trim()).slice(0, longestReason);
  const turned = await freeze(deps.pool, { person: who.person, via: 'slack', because });
  return {
    text: turned
      ? 'Frozen: nothing goes upstream, and no deadline runs, until two people lift it.'
      : 'It is frozen already.',
  };
}

/** Asks to lift the freeze; the second person who does so lifts it. */
export async function liftFromSlack(deps: FreezingDeps, user: string): Promise<{ text: string }> {
  const who = await whoMayTurn(deps, user);
  if ('text' in who) return who;
  const lifted = await lift(deps.pool, { person: who.person, via: 'slack', peopleNeeded: peopleToLift });
  if (lifted.kind === 'not frozen') return { text: 'Nothing is frozen.' };
  if (lifted.kind === 'waits')
    return { text: 'Noted: it is lifted as soon as another person asks for it too.' };
  const people = lifted.by.map(({ person }) => person.name).join(' and ');
  return { text: `Lifted, as asked for by ${people}. Deadlines have moved by as long as the freeze lasted.` };
}

/** The person, if an active member of the workspace and of an approver group, or an operator, at this moment. */
async function whoMayTurn(deps: FreezingDeps, user: string): Promise<{ person: Person } | { text: string }> {
  const workspace = await deps.workspace();
  const known = await lookUpUser(deps.client, workspace, user);
  if (known.barred !== null) return { text: `${known.barred} Nothing was changed.` };
  const person = await personOf(deps.pool, slackKey(workspace.team, user), known.name);
  const inSlack = { slackChannel: null, slackUserGroup: null };
  const operators = { name: 'operators', ...inSlack, ...deps.containment.operators };
  const { groups } = await deps.membership.of({ team: workspace.team, user, keys: person.keys }, [
    ...(await switchPeople(deps.pool)),
    operators,
  ]);
  if (groups.length > 0) return { person };
  return {
    text: 'Only members of an approver group, operators and owners may do this. Nothing was changed.',
  };
}
