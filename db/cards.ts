import { randomUUID } from 'node:crypto';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** For whom a card is: those who decide, or the person who asked through an agent and only looks on. */
export type CardRole = 'approver' | 'requester';

/** One message in Slack that shows one held call, or several similar ones. */
export interface CardCopy {
  readonly cardId: string;
  /** The call that it was made for, and by whose id it is found in Slack. */
  readonly callId: string;
  /** Every call that it shows, in order. */
  readonly calls: readonly CardCall[];
  readonly target: string | null;
  readonly role: CardRole;
  readonly channel: string | null;
  readonly ts: string | null;
  readonly attemptedAt: Date | null;
  readonly postedAt: Date | null;
  readonly whole: boolean;
  readonly shown: string | null;
  /** Slack's last refusal of this card; null once it stands. */
  readonly lastError: string | null;
}

/** What the people around a card were told of one of its calls. Times are ISO 8601, null for not yet. */
export interface CardCall {
  readonly callId: string;
  readonly toldAt: string | null;
  readonly alertedAt: string | null;
  /** Of how many extensions. */
  readonly extensions: number;
}

/** What a button for all decides: exactly these calls, as the card showed them. */
export interface CardOffer {
  /** Names the set: SHA-256 over decision, ids and digests. */
  readonly id: string;
  readonly decision: 'approve' | 'deny';
  readonly calls: readonly { readonly callId: string; readonly digest: string }[];
}

const copyColumns = `card_id as "cardId", call_id as "callId", target, role, channel, ts, attempted_at as "attemptedAt",
  posted_at as "postedAt", whole, shown, last_error as "lastError",
  (select jsonb_agg(jsonb_build_object('callId', m.call_id, 'toldAt', m.told_at, 'alertedAt', m.alerted_at,
     'extensions', m.extensions) order by m.nth)
   from slack_card_calls m where m.card_id = slack_cards.card_id) as calls`;

/** Every message that shows a call, or is wanted for it. */
export async function cardCopies(db: Queryable, callId: string): Promise<readonly CardCopy[]> {
  const { rows } = await db.query<CardCopy>(
    `select ${copyColumns} from slack_cards
     where card_id in (select card_id from slack_card_calls where call_id = $1) and gone_at is null order by card_id`,
    [callId],
  );
  return rows;
}

/** One card as it is now; null when it is gone. */
export async function cardCopy(db: Queryable, cardId: string): Promise<CardCopy | null> {
  const { rows } = await db.query<CardCopy>(
    `select ${copyColumns} from slack_cards where card_id = $1 and gone_at is null`,
    [cardId],
  );
  return rows[0] ?? null;
}

/** The card that stands at a place in Slack, or null. */
export async function cardAt(db: Queryable, at: { channel: string; ts: string }): Promise<CardCopy | null> {
  const { rows } = await db.query<CardCopy>(
    `select ${copyColumns} from slack_cards where channel = $1 and ts = $2`,
    [at.channel, at.ts],
  );
  return rows[0] ?? null;
}

/**
 * Notes, before it is sent, what a card's buttons for all will decide, and that from now on it may be in Slack: whoever
 * clicks on what stood there before is then refused.
 */
export async function markAttempt(
  db: Queryable,
  cardId: string,
  offers: readonly CardOffer[],
): Promise<void> {
  await db.query(
    'update slack_cards set attempted_at = coalesce(attempted_at, now()), offers = $2 where card_id = $1',
    [cardId, JSON.stringify(offers)],
  );
}

/** Saves where a card stands and what it shows. A copy that a click had made known there is the same message. */
export async function markPosted(
  pool: Pool,
  cardId: string,
  card: { channel: string; ts: string; whole: boolean; shown: string },
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query('delete from slack_cards where channel = $1 and ts = $2 and card_id <> $3', [
      card.channel,
      card.ts,
      cardId,
    ]);
    await client.query(
      `update slack_cards set channel = $2, ts = $3, whole = $4, shown = $5,
         posted_at = coalesce(posted_at, now()), last_error = null where card_id = $1`,
      [cardId, card.channel, card.ts, card.whole, card.shown],
    );
  });
}

/** Where a message that nobody wrote down was clicked on, and by whom. */
export interface UnknownPlace {
  readonly callId: string;
  readonly channel: string;
  readonly ts: string;
  readonly user: string;
}

/** A card of the call that may be the message at this place: its post has begun, and its answer is not known yet. */
const awaited = `select card_id from slack_cards join slack_card_calls m using (card_id)
  where m.call_id = $1 and ts is null and attempted_at is not null and target in ($2, case when $2 like 'D%' then $3 end)
  limit 1`;

/** Whether a card is just being posted at a place: a click can be faster than Slack's answer to us. */
export async function isBeingPosted(db: Queryable, at: Omit<UnknownPlace, 'ts'>): Promise<boolean> {
  const { rowCount } = await db.query(awaited, [at.callId, at.channel, at.user]);
  return rowCount === 1;
}

/**
 * Takes in a message that was found by a click on it: the card whose answer from Slack got lost, or a copy of one that
 * was posted again since. From then on it is brought up to date like any other. It may not approve until it has been:
 * `whole` stays false.
 */
export async function adoptCard(pool: Pool, at: UnknownPlace): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `update slack_cards set channel = $2, ts = $4, posted_at = now() where card_id = (${awaited})`,
      [at.callId, at.channel, at.user, at.ts],
    );
    if (rowCount === 1) return;
    const { rows } = await client.query<{ card_id: string }>(
      `insert into slack_cards (call_id, channel, ts, attempted_at, posted_at)
       select call_id, $2, $3, now(), now() from held_calls where call_id = $1 on conflict do nothing returning card_id`,
      [at.callId, at.channel, at.ts],
    );
    if (!rows[0]) return;
    // It shows the same calls as the card that took its place.
    await client.query(
      `insert into slack_card_calls (card_id, call_id, nth, told_at)
       select $1, m.call_id, 1 + m.nth, now() from slack_card_calls m
       where m.card_id = (select max(c.card_id) from slack_cards c join slack_card_calls mine using (card_id)
                          where mine.call_id = $2 and c.channel = $3 and c.card_id <> $1)
       on conflict do nothing`,
      [rows[0].card_id, at.callId, at.channel],
    );
  });
}

/** Notes that Slack refused a card, for whoever looks why it is not there. */
export async function markFailed(db: Queryable, cardId: string, error: string): Promise<void> {
  await db.query('update slack_cards set last_error = $2 where card_id = $1', [cardId, error]);
}

/** Notes what the people around a card were told of some of its calls. */
export async function markTold(
  db: Queryable,
  cardId: string,
  told: { readonly waiting: readonly string[]; readonly ended: readonly string[] },
): Promise<void> {
  await db.query(
    `update slack_card_calls set told_at = case when call_id = any($2::text[]) then now() else told_at end,
       alerted_at = case when call_id = any($3::text[]) then now() else alerted_at end
     where card_id = $1 and (call_id = any($2::text[]) or call_id = any($3::text[]))`,
    [cardId, told.waiting, told.ended],
  );
}

/** Notes of how many extensions of a call the people around a card were told. */
export async function markExtensionsTold(
  db: Queryable,
  at: { readonly cardId: string; readonly callId: string; readonly extensions: number },
): Promise<void> {
  await db.query('update slack_card_calls set extensions = $3 where card_id = $1 and call_id = $2', [
    at.cardId,
    at.callId,
    at.extensions,
  ]);
}

/** Notes that a message was deleted in Slack. */
export async function markGone(db: Queryable, cardId: string): Promise<void> {
  await db.query('update slack_cards set gone_at = now() where card_id = $1', [cardId]);
}

/** One card's post or update takes at most half of this; it is renewed before each. */
const leaseMs = 30_000;

/**
 * Runs `work` while no other process works on the same card, so that two attempts of an activity cannot post twice
 * and an older state never overwrites a newer one. A lease, not a lock: while Slack takes its time, no database
 * connection is held, and a process that dies holds nobody up for long.
 * @param work calls `renew` before each thing that takes time; it throws when the lease was lost
 * @returns what `work` returned, or null when someone else is at it
 */
export async function withCardLease<T>(
  db: Queryable,
  cardId: string,
  work: (renew: () => Promise<void>) => Promise<T>,
): Promise<{ done: T } | null> {
  const holder = randomUUID();
  const taken = await db.query(
    `insert into slack_card_leases (card_id, holder, good_until)
     values ($1, $2, now() + $3 * interval '1 millisecond')
     on conflict (card_id) do update set holder = excluded.holder, good_until = excluded.good_until
       where slack_card_leases.good_until < now()`,
    [cardId, holder, leaseMs],
  );
  if (taken.rowCount !== 1) return null;
  const renew = async (): Promise<void> => {
    const { rowCount } = await db.query(
      `update slack_card_leases set good_until = now() + $3 * interval '1 millisecond'
       where card_id = $1 and holder = $2`,
      [cardId, holder, leaseMs],
    );
    if (rowCount !== 1) throw new Error(`card ${cardId} was taken over by another process`);
  };
  try {
    return { done: await work(renew) };
  } finally {
    await db.query('delete from slack_card_leases where card_id = $1 and holder = $2', [cardId, holder]);
  }
}
