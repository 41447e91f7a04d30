import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { WebClient } from '@slack/web-api';
import type { Pool } from '../db/pool.ts';
import { type CardFacts, cardFacts, cardFactsOf } from '../db/card-facts.ts';
import { planCards } from '../db/card-plan.ts';
import {
  type CardCopy,
  cardCopies,
  cardCopy,
  type CardRole,
  markAttempt,
  markFailed,
  markGone,
  markPosted,
  withCardLease,
} from '../db/cards.ts';
import { noteAnnounced } from '../db/held-clock.ts';
import { cardOf, fitTogether } from '../slack-app/card.ts';
import { tellNews } from './card-alert.ts';
import { findPosted } from './find-card.ts';
import { failOver } from './fail-over.ts';
import { remind } from './reminding.ts';
import type { Cards } from './timekeeping.ts';
import { slackFailure, type SlackTrouble, slackTrouble } from './slack-errors.ts';

type Card = ReturnType<typeof cardOf>;

/** What the cards need. */
export interface CardsDeps {
  readonly pool: Pool;
  /** Without retries of its own and with `rejectRateLimitedCalls`: Temporal does the waiting. */
  readonly client: WebClient;
  /** Public URL of the console, without a slash at the end. */
  readonly consoleUrl: string;
  /** The Slack user of an e-mail or a `slack:TEAM/USER`; null when there is none (slack-app/emails.ts). */
  readonly userOf: (named: string) => Promise<string | null>;
}

/** Name of the message metadata by which a posted card is found again. */
const cardEventType = 'holdpoint_card';

/**
 * Posts and updates cards. Both activities may be repeated at any time: a card is written down before it is posted,
 * its place is saved as soon as Slack names it, and only the state that is newest when an update is sent is sent.
 * After a post without an answer the card is looked for in the channel; where the app may not read the channel, it is
 * posted again, and the copy that nobody knew of joins the others as soon as someone clicks on it.
 */
export function createCards(deps: CardsDeps): Cards {
  return {
    announce: async (callId) => {
      const facts = await cardFacts(deps.pool, callId);
      if (facts?.state === 'pending') await plan(deps, facts);
      await bringUpToDate(deps, callId);
      await noteAnnounced(deps.pool, callId, true);
    },
    refresh: (callId) => bringUpToDate(deps, callId),
    remind: (callId, nth) => remind(deps, callId, nth),
    failOver: (callId) =>
      failOver(
        {
          ...deps,
          planAt: (facts, targets) => planAt(deps, facts, targets, 'approver'),
          bringUpToDate: (id) => bringUpToDate(deps, id),
        },
        callId,
      ),
  };
}

/** More people than this are not written to one by one: a group of this size wants a channel. */
const directMessagesAtMost = 20;

/**
 * Where a call is shown: each channel of its approver groups; each person of a group that has no channel; and the
 * person who asked, where the e-mail that the identity provider vouched for is known in Slack.
 */
async function plan(deps: CardsDeps, facts: CardFacts): Promise<void> {
  const { callId, approvers, caller } = facts;
  const channels = unique(approvers.flatMap(({ slackChannel }) => slackChannel ?? []));
  await planAt(deps, facts, channels, 'approver');
  try {
    const requester = caller.email === null ? null : await deps.userOf(caller.email);
    if (requester !== null) await planAt(deps, facts, [requester], 'requester');
    const named = approvers
      .filter(({ slackChannel }) => slackChannel === null)
      .flatMap(({ people }) => people);
    const users: string[] = [];
    for (const name of unique(named).slice(0, directMessagesAtMost)) {
      const user = await deps.userOf(name);
      if (user !== null && user !== requester) users.push(user);
    }
    await planAt(deps, facts, unique(users), 'approver');
  } catch (error) {
    const trouble = slackTrouble(error);
    if (!trouble) throw error;
    // The channels need not wait until Slack tells who someone is.
    await bringUpToDate(deps, callId);
    throw slackFailure(trouble, `finding whom to tell of call ${callId}`);
  }
}

/** Writes down where a call is to be shown: on the card of similar calls that wait there, or on one of its own. */
async function planAt(
  { pool, consoleUrl }: CardsDeps,
  call: CardFacts,
  targets: readonly string[],
  role: CardRole,
): Promise<void> {
  await planCards(pool, { call, targets, role, fits: (calls) => fitTogether(calls, { consoleUrl }) });
}

function unique(all: readonly string[]): readonly string[] {
  return [...new Set(all)];
}

async function bringUpToDate(deps: CardsDeps, callId: string): Promise<void> {
  const troubles: SlackTrouble[] = [];
  let busy = false;
  for (const { cardId } of await cardCopies(deps.pool, callId)) {
    const result = await withCardLease(deps.pool, cardId, async (renew) => {
      await renew();
      return bringCardUpToDate(deps, cardId);
    });
    if (result === null) busy = true;
    else if (result.done) troubles.push(result.done);
    if (result?.done?.kind === 'rate-limited') break;
  }
  const [first] = troubles.sort((a, b) => urgency(a) - urgency(b));
  if (first) throw slackFailure(first, `showing call ${callId}`);
  if (busy)
    throw ApplicationFailure.create({
      type: 'SlackBusy',
      message: `another process is bringing the cards of ${callId} up to date`,
      nextRetryDelay: 1000,
    });
}

/** The trouble that decides when to try again: the one that passes soonest. */
function urgency(trouble: SlackTrouble): number {
  return { ambiguous: 0, 'rate-limited': 1, refused: 2 }[trouble.kind];
}

async function bringCardUpToDate(deps: CardsDeps, cardId: string): Promise<SlackTrouble | null> {
  // Read now that nobody else works on it: while Slack was answering, calls may have joined or moved on.
  const copy = await cardCopy(deps.pool, cardId);
  if (!copy) return null;
  const calls = await cardFactsOf(
    deps.pool,
    copy.calls.map(({ callId }) => callId),
  );
  const links = { consoleUrl: deps.consoleUrl };
  const options = { forRequester: copy.role === 'requester' };
  try {
    await show(deps, copy, calls, cardOf(calls, links, options));
    await tellNews(deps, cardId, calls);
    return null;
  } catch (error) {
    const trouble = slackTrouble(error);
    if (!trouble) throw error;
    if (trouble.kind !== 'refused') return trouble;
    if (isTooLong(trouble.error))
      return showBrief(deps, copy, calls, cardOf(calls, links, { ...options, brief: true }));
    if (trouble.error === 'message_not_found') {
      await markGone(deps.pool, copy.cardId);
      return null;
    }
    await markFailed(deps.pool, copy.cardId, trouble.error);
    return trouble;
  }
}

/** Slack's own count is not published: a card that it refuses as too long is shown without its arguments. */
async function showBrief(
  deps: CardsDeps,
  copy: CardCopy,
  calls: readonly CardFacts[],
  brief: Card,
): Promise<SlackTrouble | null> {
  try {
    await show(deps, copy, calls, brief);
    return null;
  } catch (error) {
    const trouble = slackTrouble(error);
    if (!trouble) throw error;
    if (trouble.kind === 'refused') await markFailed(deps.pool, copy.cardId, trouble.error);
    return trouble;
  }
}

function isTooLong(error: string): boolean {
  return error === 'msg_blocks_too_long' || error === 'msg_too_long' || error === 'invalid_blocks';
}

async function show(
  deps: CardsDeps,
  copy: CardCopy,
  calls: readonly CardFacts[],
  wanted: Card,
): Promise<void> {
  const shown = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
  const posted = await placeOf(deps, copy);
  if (posted) {
    if (copy.ts !== null && copy.shown === shown) return;
    await markAttempt(deps.pool, copy.cardId, wanted.offers);
    await deps.client.chat.update({
      channel: posted.channel,
      ts: posted.ts,
      ...content(wanted, copy.callId),
    });
    await markPosted(deps.pool, copy.cardId, { ...posted, whole: wanted.whole, shown });
    return;
  }
  // Calls that have ended need no first card.
  if (copy.target === null || !calls.some(({ state }) => state === 'pending')) return;
  await markAttempt(deps.pool, copy.cardId, wanted.offers);
  const message = {
    channel: copy.target,
    unfurl_links: false,
    unfurl_media: false,
    ...content(wanted, copy.callId),
  };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
  const { channel, ts } = await deps.client.chat.postMessage(message);
  if (!channel || !ts)
    throw ApplicationFailure.create({ message: 'Slack posted a card without naming its place' });
  await markPosted(deps.pool, copy.cardId, { channel, ts, whole: wanted.whole, shown });
}

async function placeOf(deps: CardsDeps, copy: CardCopy): Promise<{ channel: string; ts: string } | null> {
  if (copy.channel !== null && copy.ts !== null) return { channel: copy.channel, ts: copy.ts };
  if (copy.attemptedAt === null || copy.target === null) return null;
  return findPosted(deps.client, {
    channel: copy.target,
    since: copy.attemptedAt,
    eventType: cardEventType,
    callId: copy.callId,
  });
}

function content(wanted: Card, callId: string) {
  return {
    text: wanted.text,
    blocks: wanted.blocks,
    metadata: { event_type: cardEventType, event_payload: { call_id: callId } },
  };
}
