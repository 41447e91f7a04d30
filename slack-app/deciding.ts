import { setTimeout as sleep } from 'node:timers/promises';
import type { WebClient } from '@slack/web-api';
import { type CardFacts, cardFacts } from '../db/card-facts.ts';
import { termsWithin } from '../db/grants.ts';
import { adoptCard, type CardCopy, cardAt, isBeingPosted } from '../db/cards.ts';
import type { Pool } from '../db/pool.ts';
import type { OpenDecision } from '../db/slack-decisions.ts';
import type { Approvals } from '../workflows/client.ts';
import type { ApprovalStatus, Decision, GrantTerms, Person } from '../workflows/contract.ts';
import { counted } from './batch-words.ts';
import { wordsOf } from './blocks.ts';
import { type EligibilityDeps, eligibility, type Refused, refused } from './eligibility.ts';
import { cardRequest } from './request.ts';
import { stateOf } from './state.ts';

/** As long as a post may take until its place is known. */
const postedWithinMs = 12_000;
const lookEveryMs = 100;

/** What became of a click, and what the person who clicked is told, unless the card itself shows it. */
export type Settled =
  | Refused
  | { readonly state: 'counted'; readonly code: 'Counted'; readonly text: string; readonly tell: boolean };

/** What deciding needs. */
export interface DecidingDeps extends EligibilityDeps {
  readonly pool: Pool;
  readonly client: WebClient;
  readonly approvals: Pick<Approvals, 'decide'>;
  /** Brings every card of a call up to date. */
  readonly refreshCards: (callId: string) => Promise<void>;
}

/**
 * Turns a stored click into a vote: read → see that the card showed everything → look up the person → look up their
 * groups → ask the workflow. May be repeated: the same click is the same vote.
 * @throws when something could not be asked for now (Slack, PostgreSQL, Temporal); nothing was decided then, unless
 * the workflow counted it without the answer reaching us, which the next try finds out
 */
export async function settle(deps: DecidingDeps, click: OpenDecision): Promise<Settled> {
  const facts = await cardFacts(deps.pool, click.callId);
  if (!facts) return refused('UnknownCall', 'This request is not known any more. Nothing was decided.');
  // What a click on all decides was read from what the card offered, when the click arrived.
  const unseen = click.batchId ? whyOther(facts, click) : await whyUnseen(deps, click);
  if (unseen) return unseen;

  const who = await eligibility(deps, facts, { team: click.team, user: click.slackUser });
  if (who.state === 'refused') return who;
  const { person, groups } = who;
  const { callId, digest, workflowId } = facts;
  const { updateId, decision, reason } = click;
  const answer = await deps.approvals.decide({
    workflowId,
    callId,
    digest,
    updateId,
    person,
    decision,
    reason,
    grant: grantOf(facts, click),
    bounds: decision === 'deny' ? (click.bounds ?? null) : null,
    groups,
    via: 'slack',
  });
  if (answer.kind === 'counted') return countedWords(answer.status, decision);
  if (answer.kind === 'refused') return refused(answer.code, answer.message);
  return endedWords(deps, callId, person, decision);
}

/** What an approval releases beside its call, within what policy offers. */
function grantOf({ grantOffer, sessionId }: CardFacts, click: OpenDecision): GrantTerms | null {
  if (click.decision !== 'approve' || !click.grantChoice || !grantOffer) return null;
  return termsWithin(grantOffer, click.grantChoice, { sessionId, nowMs: Date.now() });
}

/** The workflow has closed: the row tells whether this person's decision was among those that counted. */
async function endedWords(
  deps: DecidingDeps,
  callId: string,
  person: Person,
  decision: Decision,
): Promise<Settled> {
  const facts = await cardFacts(deps.pool, callId);
  const mine = facts?.decisions.some(
    (vote) => vote.decision === decision && vote.person.keys.some((key) => person.keys.includes(key)),
  );
  if (mine === true) return { state: 'counted', code: 'Counted', text: counted, tell: false };
  const { heading, outcome } = facts ? stateOf(cardRequest(facts)) : { heading: null, outcome: [] };
  const words = [heading ?? 'It has ended', ...outcome.map(wordsOf)].join('. ');
  return refused('AlreadyDecided', `There is nothing left to decide. ${words}`);
}

function whyOther({ digest }: CardFacts, click: OpenDecision): Refused | null {
  return digest === click.digest
    ? null
    : refused('StaleCard', 'The card showed other content than the request has. Nothing was decided.');
}

/** Promise 5: an approval counts only from a card that shows all of what would run. */
async function whyUnseen(deps: DecidingDeps, click: OpenDecision): Promise<Refused | null> {
  if (click.channel === null || click.messageTs === null)
    return click.decision === 'deny'
      ? null
      : refused('NotShownWhole', 'Approve from the request’s card or in the console.');
  const at = { channel: click.channel, ts: click.messageTs };
  const copy = await copyAt(deps, click, at);
  if (copy !== null && !copy.calls.some(({ callId }) => callId === click.callId))
    return refused('StaleCard', 'This card belongs to another request. Nothing was decided.');
  if (copy === null) {
    // Posted by us, but its place never reached us: from now on it is kept up to date like the others.
    await adoptCard(deps.pool, { callId: click.callId, user: click.slackUser, ...at });
  }
  if (click.decision === 'deny') return null;
  // Adopted now, or by an earlier try that could not renew it: what it shows nobody knows yet.
  if (copy === null || copy.shown === null) {
    await deps.refreshCards(click.callId);
    return refused(
      'StaleCard',
      'This card was out of date and has just been renewed. Look again, then decide.',
    );
  }
  if (!copy.whole)
    return refused(
      'NotShownWhole',
      'This request is too large to be shown whole in Slack, so it cannot be approved here. Open it in the console.',
    );
  return null;
}

/** The card at a place. One that is just being posted is waited for: a click can be faster than Slack's answer. */
async function copyAt(
  deps: DecidingDeps,
  click: OpenDecision,
  at: { channel: string; ts: string },
): Promise<CardCopy | null> {
  const place = { callId: click.callId, channel: at.channel, user: click.slackUser };
  for (let lookedMs = 0; ; lookedMs += lookEveryMs) {
    const copy = await cardAt(deps.pool, at);
    if (copy || lookedMs >= postedWithinMs || !(await isBeingPosted(deps.pool, place))) return copy;
    await sleep(lookEveryMs);
  }
}

function countedWords(status: ApprovalStatus, decision: Decision): Settled {
  if (status.outcome !== null || decision === 'deny')
    return { state: 'counted', code: 'Counted', text: counted, tell: false };
  const text = `Your approval counts. Needed before the call runs: ${status.stillNeeded}.`;
  return { state: 'counted', code: 'Counted', text, tell: true };
}
