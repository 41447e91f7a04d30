import type { Queryable } from './pool.ts';

/** A card whose people are to be reminded. */
export interface DueReminder {
  readonly cardId: string;
  readonly channel: string;
  readonly ts: string;
  readonly expiresAt: Date;
  /** The Slack user groups of the request's approver groups. */
  readonly userGroups: readonly string[];
}

/** The approvers' cards of a call that waits, whose people have not had its nth reminder. */
export async function dueReminders(
  db: Queryable,
  callId: string,
  nth: number,
): Promise<readonly DueReminder[]> {
  const { rows } = await db.query<DueReminder>(
    `select c.card_id as "cardId", c.channel, c.ts, h.expires_at as "expiresAt",
       array(select g->>'slackUserGroup' from jsonb_array_elements(h.approvers) g
             where g->>'slackUserGroup' ~ '^S[A-Z0-9]+$') as "userGroups"
     from slack_cards c join held_calls h using (call_id)
     where call_id = $1 and h.state = 'pending' and c.role = 'approver' and c.ts is not null and c.gone_at is null
       and not exists (select from card_reminders r where r.card_id = c.card_id and r.nth >= $2)
     order by c.card_id`,
    [callId, nth],
  );
  return rows;
}

/** Notes that a reminder was sent. */
export async function markReminded(db: Queryable, cardId: string, nth: number): Promise<void> {
  await db.query('insert into card_reminders (card_id, nth) values ($1, $2) on conflict do nothing', [
    cardId,
    nth,
  ]);
}
