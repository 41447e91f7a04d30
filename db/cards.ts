import { randomUUID } from 'node:crypto';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** For whom a card is: those who decide, or the person who asked through an agent and only looks on. */
export type CardRole = 'approver' | 'requester';

/** One copy of a held call's card. */
export interface CardCopy {
  readonly cardId: string;
  readonly callId: string;
  readonly target: string | null;
  readonly role: CardRole;
  readonly channel: string | null;
  readonly ts: string | null;
  readonly attemptedAt: Date | null;
  readonly whole: boolean;
  readonly shown: string | null;
  readonly alertedAt: Date | null;
  /** Slack's last refusal of this card; null once it stands. */
  readonly lastError: string | null;
}

const copyColumns = `card_id as "cardId", call_id as "callId", target, role, channel, ts, attempted_at as "attemptedAt",
  whole, shown, alerted_at as "alertedAt", last_error as "lastError"`;

/** Writes down where cards are to stand, before any is posted. Those that are known already stay. */
export async function planCards(
  db: Queryable,
  callId: string,
  targets: readonly string[],
  role: CardRole,
): Promise<void> {
  await db.query(
    `insert into slack_cards (call_id, target, role) select $1, t, $3 from unnest($2::text[]) t
     on conflict do nothing`,
    [callId, targets, role],
  );
}

/** Every copy of a call's card that is wanted or stands in Slack. */
export async function cardCopies(db: Queryable, callId: string): Promise<readonly CardCopy[]> {
  const { rows } = await db.query<CardCopy>(
    `select ${copyColumns} from slack_cards where call_id = $1 and gone_at is null order by card_id`,
    [callId],
  );
  return rows;
}

/** The copy that stands at a place in Slack, or null. */
export async function cardAt(db: Queryable, at: { channel: string; ts: string }): Promise<CardCopy | null> {
  const { rows } = await db.query<CardCopy>(
    `select ${copyColumns} from slack_cards where channel = $1 and ts = $2`,
    [at.channel, at.ts],
  );
  return rows[0] ?? null;
}

/** Notes, before posting, that from now on the card may be in Slack. */
export async function markAttempt(db: Queryable, cardId: string): Promise<void> {
  await db.query('update slack_cards set attempted_at = now() where card_id = $1', [cardId]);
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
const awaited = `select card_id from slack_cards where call_id = $1 and ts is null and attempted_at is not null
  and target in ($2, case when $2 like 'D%' then $3 end) limit 1`;

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
export async function adoptCard(db: Queryable, at: UnknownPlace): Promise<void> {
  const { rowCount } = await db.query(
    `update slack_cards set channel = $2, ts = $4, posted_at = now() where card_id = (${awaited})`,
    [at.callId, at.channel, at.user, at.ts],
  );
  if (rowCount === 1) return;
  await db.query(
    `insert into slack_cards (call_id, channel, ts, attempted_at, posted_at)
     select call_id, $2, $3, now(), now() from held_calls where call_id = $1 on conflict do nothing`,
    [at.callId, at.channel, at.ts],
  );
}

/** Notes that Slack refused a card, for whoever looks why it is not there. */
export async function markFailed(db: Queryable, cardId: string, error: string): Promise<void> {
  await db.query('update slack_cards set last_error = $2 where card_id = $1', [cardId, error]);
}

/** Notes that the people around a card were told that the outcome is unknown. */
export async function markAlerted(db: Queryable, cardId: string): Promise<void> {
  await db.query('update slack_cards set alerted_at = now() where card_id = $1', [cardId]);
}

/** Notes that a message was deleted in Slack. */
export async function markGone(db: Queryable, cardId: string): Promise<void> {
  await db.query('update slack_cards set gone_at = now() where card_id = $1', [cardId]);
}

/** One card's post or update takes at most half of this; it is renewed before each. */
const leaseMs = 30_000;

/**
 * Runs `work` while no other process works on the cards of the same call, so that two attempts of an activity cannot
 * post twice and an older state never overwrites a newer one. A lease, not a lock: while Slack takes its time, no
 * database connection is held, and a process that dies holds nobody up for long.
 * @param work calls `renew` before each thing that takes time; it throws when the lease was lost
 * @returns what `work` returned, or null when someone else is at it
 */
export async function withCardLease<T>(
  db: Queryable,
  callId: string,
  work: (renew: () => Promise<void>) => Promise<T>,
): Promise<{ done: T } | null> {
  const holder = randomUUID();
  const taken = await db.query(
    `insert into slack_card_leases (call_id, holder, good_until)
     values ($1, $2, now() + $3 * interval '1 millisecond')
     on conflict (call_id) do update set holder = excluded.holder, good_until = excluded.good_until
       where slack_card_leases.good_until < now()`,
    [callId, holder, leaseMs],
  );
  if (taken.rowCount !== 1) return null;
  const renew = async (): Promise<void> => {
    const { rowCount } = await db.query(
      `update slack_card_leases set good_until = now() + $3 * interval '1 millisecond'
       where call_id = $1 and holder = $2`,
      [callId, holder, leaseMs],
    );
    if (rowCount !== 1) throw new Error(`the cards of call ${callId} were taken over by another process`);
  };
  try {
    return { done: await work(renew) };
  } finally {
    await db.query('delete from slack_card_leases where call_id = $1 and holder = $2', [callId, holder]);
  }
}
