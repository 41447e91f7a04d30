import { type CardFacts, cardFactsOf } from './card-facts.ts';
import type { CardRole } from './cards.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** More calls than this are not put on one card, however short they are. */
const callsAtMost = 10;
/** What stands on one message of Slack's has fewer characters than this: longer calls need not be read to see it. */
const charactersAtMost = 12_000;
const cardsLookedAt = 5;

/** Where a call is to be shown, and which other calls it may share a card with. */
export interface CardPlan {
  readonly call: CardFacts;
  readonly targets: readonly string[];
  readonly role: CardRole;
  /** Whether one card has room for all of these calls, each whole. */
  readonly fits: (calls: readonly CardFacts[]) => boolean;
}

/**
 * Writes down where a call is to be shown, before anything is posted. At each target it joins the card of similar
 * calls that wait there now, if that has room; else it gets a card of its own. Where it is shown already it stays, so
 * this may be repeated; calls of one session take turns, so that neither two cards nor none come of two at once.
 */
export async function planCards(pool: Pool, { call, targets, role, fits }: CardPlan): Promise<void> {
  if (targets.length === 0) return;
  await inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtextextended('cards ' || $1, 0))`, [call.sessionId]);
    const shown = await client.query<{ target: string }>(
      `select target from slack_cards join slack_card_calls m using (card_id) where m.call_id = $1 and target = any($2)`,
      [call.callId, targets],
    );
    const known = new Set(shown.rows.map(({ target }) => target));
    for (const target of targets.filter((one) => !known.has(one))) {
      const card = await cardToJoin(client, { call, target, role, fits });
      if (card === null)
        await client.query(
          'insert into slack_cards (call_id, target, role) values ($1, $2, $3) on conflict do nothing',
          [call.callId, target, role],
        );
      else
        await client.query(
          `insert into slack_card_calls (card_id, call_id, nth)
           select $1, $2, max(nth) + 1 from slack_card_calls where card_id = $1`,
          [card, call.callId],
        );
    }
  });
}

/**
 * What makes calls similar: everything that a decision on them weighs, but for their arguments. Compared as they are
 * now, so that a call that escalated is not mixed up with one that has not.
 */
const sameAs = (one: string, other: string): string =>
  [
    'session_id',
    "caller ->> 'key'",
    "caller -> 'actors'",
    "caller ->> 'client'",
    'connection',
    'method',
    'tool',
    'rule',
    'reason',
    'risk',
    'policy_version',
    'approvers',
    'approvals_needed',
    'quorum',
    'step_up',
  ]
    .map((what) => `(${one}.${what}) is not distinct from (${other}.${what})`)
    // In its first moments a session does not know its tools' definitions yet; two that are known must be one.
    .concat(`coalesce(${one}.definition_hash = ${other}.definition_hash, true)`)
    .join(' and ');

async function cardToJoin(
  db: Queryable,
  { call, target, role, fits }: Omit<CardPlan, 'targets'> & { readonly target: string },
): Promise<string | null> {
  // Begins with what waits for the same caller, which is never much, however long the session is.
  const { rows } = await db.query<{ card: string; calls: string[] }>(
    `with mine as (select * from held_calls where call_id = $1),
       waiting as (
         select distinct m.card_id
         from mine join held_calls p on p.caller ->> 'key' = mine.caller ->> 'key'
           and p.state in ('pending', 'executing')
         join slack_card_calls m on m.call_id = p.call_id
         where p.session_id = mine.session_id and p.tool = mine.tool and p.state = 'pending'
           and (p.expires_at > now() or p.clock_stopped_at is not null))
     select c.card_id as card, array_agg(h.call_id order by m.nth) as calls
     from waiting join slack_cards c using (card_id) join slack_card_calls m using (card_id)
       join held_calls h on h.call_id = m.call_id cross join mine
     where c.target = $2 and c.role = $3 and c.gone_at is null and c.last_error is null
     group by c.card_id
     having bool_and(${sameAs('h', 'mine')}) and count(*) < $4
       and sum(length(h.shown_args)) + max(length(mine.shown_args)) < $5
     order by c.card_id desc limit $6`,
    [call.callId, target, role, callsAtMost, charactersAtMost, cardsLookedAt],
  );
  for (const { card, calls } of rows) if (fits([...(await cardFactsOf(db, calls)), call])) return card;
  return null;
}
