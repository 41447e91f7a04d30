import { createHash } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import type { WebClient } from '@slack/web-api';
import type { Pool } from '../db/pool.ts';
import { type CardFacts, cardFacts } from '../db/card-facts.ts';
import {
  type CardCopy,
  cardCopies,
  markAttempt,
  markFailed,
  markGone,
  markPosted,
  planCards,
  withCardLease,
} from '../db/cards.ts';
import { noteAnnounced } from '../db/held-clock.ts';
import { type Card, cardOf } from '../slack-app/card.ts';
import { alertOf } from './card-alert.ts';
import { findPosted } from './find-card.ts';
import { failOver } from './fail-over.ts';
import { remind } from './reminding.ts';
import type { Cards } from './timekeeping.ts';
import { slackFailure, type SlackTrouble, slackTrouble } from './slack-errors.ts';

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
    failOver: (callId) => failOver({ ...deps, bringUpToDate: (id) => bringUpToDate(deps, id) }, callId),
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
  await planCards(
    deps.pool,
    callId,
    unique(approvers.flatMap(({ slackChannel }) => slackChannel ?? [])),
    'approver',
  );
  try {
    const requester = caller.email === null ? null : await deps.userOf(caller.email);
    if (requester !== null) await planCards(deps.pool, callId, [requester], 'requester');
    const named = approvers
      .filter(({ slackChannel }) => slackChannel === null)
      .flatMap(({ people }) => people);
    const users: string[] = [];
    for (const name of unique(named).slice(0, directMessagesAtMost)) {
      const user = await deps.userOf(name);
      if (user !== null && user !== requester) users.push(user);
    }
    await planCards(deps.pool, callId, unique(users), 'approver');
  } catch (error) {
    const trouble = slackTrouble(error);
    if (!trouble) throw error;
    // The channels need not wait until Slack tells who someone is.
    await bringUpToDate(deps, callId);
    throw slackFailure(trouble, `finding whom to tell of call ${callId}`);
  }
}

function unique(all: readonly string[]): readonly string[] {
  return [...new Set(all)];
}

async function bringUpToDate(deps: CardsDeps, callId: string): Promise<void> {
  const result = await withCardLease(deps.pool, callId, async (renew) => {
    const troubles: SlackTrouble[] = [];
    for (const copy of await cardCopies(deps.pool, callId)) {
      await renew();
      // Read anew for each copy: while Slack was answering, the call may have moved on.
      const facts = await cardFacts(deps.pool, callId);
      if (!facts) return troubles;
      const trouble = await bringCopyUpToDate(deps, copy, facts);
      if (trouble) troubles.push(trouble);
      if (trouble?.kind === 'rate-limited') return troubles;
    }
    return troubles;
  });
  if (result === null)
    throw ApplicationFailure.create({
      type: 'SlackBusy',
      message: `another process is bringing the cards of ${callId} up to date`,
      nextRetryDelay: 1000,
    });
  const [first] = result.done.sort((a, b) => urgency(a) - urgency(b));
  if (first) throw slackFailure(first, `showing call ${callId}`);
}

/** The trouble that decides when to try again: the one that passes soonest. */
function urgency(trouble: SlackTrouble): number {
  return { ambiguous: 0, 'rate-limited': 1, refused: 2 }[trouble.kind];
}

async function bringCopyUpToDate(
  deps: CardsDeps,
  copy: CardCopy,
  facts: CardFacts,
): Promise<SlackTrouble | null> {
  const links = { consoleUrl: deps.consoleUrl };
  const options = { forRequester: copy.role === 'requester' };
  try {
    const wanted = cardOf(facts, links, options);
    await show(deps, copy, facts, wanted);
    await alertOf(deps, copy, facts, wanted.text);
    return null;
  } catch (error) {
    const trouble = slackTrouble(error);
    if (!trouble) throw error;
    if (trouble.kind !== 'refused') return trouble;
    if (isTooLong(trouble.error))
      return showBrief(deps, copy, facts, cardOf(facts, links, { ...options, brief: true }));
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
  facts: CardFacts,
  brief: Card,
): Promise<SlackTrouble | null> {
  try {
    await show(deps, copy, facts, brief);
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

async function show(deps: CardsDeps, copy: CardCopy, facts: CardFacts, wanted: Card): Promise<void> {
  const shown = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
  const posted = await placeOf(deps, copy, facts);
  if (posted) {
    if (copy.shown === shown) return;
    await deps.client.chat.update({
      channel: posted.channel,
      ts: posted.ts,
      ...content(wanted, facts.callId),
    });
    await markPosted(deps.pool, copy.cardId, { ...posted, whole: wanted.whole, shown });
    return;
  }
  // A call that has ended needs no first card.
  if (facts.state !== 'pending' || copy.target === null) return;
  await markAttempt(deps.pool, copy.cardId);
  const message = {
    channel: copy.target,
    unfurl_links: false,
    unfurl_media: false,
    ...content(wanted, facts.callId),
  };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's, not a window's
  const { channel, ts } = await deps.client.chat.postMessage(message);
  if (!channel || !ts)
    throw ApplicationFailure.create({ message: 'Slack posted a card without naming its place' });
  await markPosted(deps.pool, copy.cardId, { channel, ts, whole: wanted.whole, shown });
}

async function placeOf(
  deps: CardsDeps,
  copy: CardCopy,
  facts: CardFacts,
): Promise<{ channel: string; ts: string } | null> {
  if (copy.channel !== null && copy.ts !== null) return { channel: copy.channel, ts: copy.ts };
  if (copy.attemptedAt === null || copy.target === null) return null;
  return findPosted(deps.client, {
    channel: copy.target,
    since: copy.attemptedAt,
    eventType: cardEventType,
    callId: facts.callId,
  });
}

function content(wanted: Card, callId: string) {
  return {
    text: wanted.text,
    blocks: wanted.blocks,
    metadata: { event_type: cardEventType, event_payload: { call_id: callId } },
  };
}
