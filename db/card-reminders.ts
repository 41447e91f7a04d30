import type { Queryable } from './pool.ts';

/** A card whose people are to be reminded. */
export interface DueReminder {
  readonly cardId: string;
  readonly channel: string;
  readonly ts: string;
  readonly expiresAt: Date;
  /** How many of its calls wait. */
  readonly waiting: number;
  /** The Slack user groups of the request's approver groups. */
  readonly userGroups: readonly string[];
}

/**
 * The approvers' cards of a call that waits, whose people have not had its nth reminder. A card of several calls is
 * reminded of once for all that stand on it then, with the deadline that comes first.
 */
export async function dueReminders(
  db: Queryable,
  callId: string,
  nth: number,
): Promise<readonly DueReminder[]> {
  const { rows } = await db.query<DueReminder>(
    `select c.card_id as "cardId", c.channel, c.ts, open.first as "expiresAt", open.count::int as waiting,
       array(select g->>'slackUserGroup' from jsonb_array_elements(h.approvers) g
             where g->>'slackUserGroup' ~ '^S[A-Z0-9]+$') as "userGroups"
     from slack_cards c join slack_card_calls m using (card_id) join held_calls h on h.call_id = m.call_id,
       lateral (select count(*), min(o.expires_at) as first
                from slack_card_calls mo join held_calls o on o.call_id = mo.call_id
                where mo.card_id = c.card_id and o.state = 'pending') open
     where h.call_id = $1 and h.state = 'pending' and c.role = 'approver' and c.ts is not null and c.gone_at is null
       and not exists (select from card_reminders r where r.card_id = c.card_id and r.nth >= $2
                         and r.sent_at >= coalesce(m.told_at, h.created_at))
     order by c.card_id`,
    [callId, nth],
  );
  return rows;
}

/** Notes that a reminder was sent. */
export async function markReminded(db: Queryable, cardId: string, nth: number): Promise<void> {
  await db.query(
    `insert into card_reminders (card_id, nth) values ($1, $2)
     on conflict (card_id, nth) do update set sent_at = now()`,
    [cardId, nth],
  );
}
