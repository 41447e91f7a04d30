import type { WebClient } from '@slack/web-api';
import {
  callsDecidedBy,
  type CardFacts,
  cardFacts,
  type ListedCall,
  openCalls,
  unjudgedCalls,
} from '../db/card-facts.ts';
import { type ShownGrant, shownGrants } from '../db/grants.ts';
import { personOf, slackKey } from '../db/people.ts';
import type { Queryable } from '../db/pool.ts';
import { isRequester } from './eligibility.ts';
import type { Decider, MembershipLookup } from './membership.ts';
import { listedRequest } from './request.ts';
import type { Inbox } from './home.ts';
import { lookUpUser, type Workspace } from './workspace.ts';

/** More than this many open requests are not looked through for one person. */
const lookedAtAtMost = 300;
const listedAtMost = 20;

/** What an inbox is put together from. */
export interface InboxDeps {
  readonly db: Queryable;
  readonly client: WebClient;
  readonly workspace: () => Promise<Workspace>;
  readonly membership: MembershipLookup;
}

/** Someone may not use Holdpoint in Slack at all. The message says why. */
export class Barred extends Error {}

/**
 * What waits for a person's decision or judgement, and what they decided: only requests that they may decide on.
 * @throws Barred when the person is from another workspace, deactivated or a bot
 */
export async function inboxOf(deps: InboxDeps, user: string): Promise<Inbox> {
  const { decider, isRequesterOf } = await deciderOf(deps, user);
  const open = await openCalls(deps.db, lookedAtAtMost);
  const mine: ListedCall[] = [];
  for (const facts of open) {
    if (isRequesterOf(facts) || hasVoted(facts, decider)) continue;
    const { groups } = await deps.membership.of(decider, facts.approvers);
    if (groups.length > 0) mine.push(facts);
  }
  const unknown: ListedCall[] = [];
  for (const facts of await unjudgedCalls(deps.db, lookedAtAtMost)) {
    if (isRequesterOf(facts)) continue;
    const { groups } = await deps.membership.of(decider, facts.approvers);
    if (groups.length > 0) unknown.push(facts);
  }
  const decided = await callsDecidedBy(deps.db, decider.keys, listedAtMost);
  return {
    waiting: mine.slice(0, listedAtMost).map(listedRequest),
    others: Math.max(0, mine.length - listedAtMost),
    unknown: unknown.map(listedRequest),
    decided: decided.map(listedRequest),
    grants: await grantsFor(deps, decider),
  };
}

/** Open grants that a person may revoke. @throws Barred as {@link inboxOf} */
export async function grantsOf(deps: InboxDeps, user: string): Promise<readonly ShownGrant[]> {
  const { decider } = await deciderOf(deps, user);
  return grantsFor(deps, decider);
}

async function grantsFor(deps: InboxDeps, decider: Decider): Promise<readonly ShownGrant[]> {
  const mine: ShownGrant[] = [];
  for (const grant of await shownGrants(deps.db, { open: true, limit: lookedAtAtMost })) {
    const { groups } = await deps.membership.of(decider, grant.approvers);
    if (groups.length > 0) mine.push(grant);
  }
  return mine;
}

/**
 * A call as far as a person may see it outside its card: approvers and the requester may, for others it does not exist.
 * @throws Barred as {@link inboxOf}
 */
export async function visibleCall(deps: InboxDeps, user: string, callId: string): Promise<CardFacts | null> {
  const { decider, isRequesterOf } = await deciderOf(deps, user);
  const facts = await cardFacts(deps.db, callId);
  if (!facts || isRequesterOf(facts)) return facts;
  const { groups } = await deps.membership.of(decider, facts.approvers);
  return groups.length > 0 ? facts : null;
}

async function deciderOf(
  deps: InboxDeps,
  user: string,
): Promise<{ decider: Decider; isRequesterOf: (facts: ListedCall) => boolean }> {
  const workspace = await deps.workspace();
  const known = await lookUpUser(deps.client, workspace, user);
  if (known.barred !== null) throw new Barred(known.barred);
  const person = await personOf(deps.db, slackKey(workspace.team, user), known.name);
  return {
    decider: { team: workspace.team, user, keys: person.keys },
    isRequesterOf: (facts) => isRequester(facts, person, known),
  };
}

function hasVoted(facts: ListedCall, decider: Decider): boolean {
  return facts.decisions.some((vote) => vote.person.keys.some((key) => decider.keys.includes(key)));
}
