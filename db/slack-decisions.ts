import type { Queryable } from './pool.ts';

/** A click that asks for a decision. */
export interface ClickedDecision {
  /** `slack:<call>:<user>:<action_ts>`. */
  readonly updateId: string;
  readonly callId: string;
  readonly team: string;
  readonly slackUser: string;
  readonly decision: 'approve' | 'deny';
  readonly reason: string | null;
  /** Of an approval: how much further it is to go. */
  readonly grantChoice?: { readonly calls: number; readonly forMs: number } | null;
  /** Of a denial: within what the call may come again. */
  readonly bounds?: string | null;
  /** Where the click was made; null outside a conversation. */
  readonly channel: string | null;
  readonly messageTs: string | null;
  /** Of a click that decides several calls: which click that is, and the call as the card showed it. */
  readonly batchId?: string | null;
  readonly digest?: string | null;
}

/** A click on its way to being counted. */
export interface OpenDecision extends ClickedDecision {
  readonly receivedAt: Date;
  /** Of the call; null when there is no such call. */
  readonly correlationId: string | null;
  /** How often it was tried, this time included. */
  readonly attempts: number;
}

const columns = `update_id as "updateId", call_id as "callId", team, slack_user as "slackUser", decision, reason,
  grant_choice as "grantChoice", bounds, batch_id as "batchId", digest, channel, message_ts as "messageTs", received_at as "receivedAt", attempts,
  (select correlation_id from held_calls where held_calls.call_id = slack_decisions.call_id) as "correlationId"`;

/** Stores a click before Slack is told that it arrived. A second delivery of the same click changes nothing. */
export async function storeClick(db: Queryable, click: ClickedDecision): Promise<void> {
  await db.query(
    `insert into slack_decisions (update_id, call_id, team, slack_user, decision, reason, channel, message_ts,
       grant_choice, bounds, batch_id, digest)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
    [
      click.updateId,
      click.callId,
      click.team,
      click.slackUser,
      click.decision,
      click.reason,
      click.channel,
      click.messageTs,
      click.grantChoice ? JSON.stringify(click.grantChoice) : null,
      click.bounds ?? null,
      click.batchId ?? null,
      click.digest ?? null,
    ],
  );
}

/**
 * Takes open clicks whose turn it is, for `leaseMs`: a process that dies with them leaves them to the next one.
 * @param updateId only this one
 */
export async function takeClicks(
  db: Queryable,
  {
    limit,
    leaseMs,
    updateId,
    batchId,
  }: { limit: number; leaseMs: number; updateId?: string; batchId?: string },
): Promise<readonly OpenDecision[]> {
  const { rows } = await db.query<OpenDecision>(
    `update slack_decisions set attempts = attempts + 1, next_attempt_at = now() + $2 * interval '1 millisecond'
     where update_id in (
       select update_id from slack_decisions
       where state = 'received' and next_attempt_at <= now() and ($3::text is null or update_id = $3)
         and ($4::text is null or batch_id = $4)
       order by next_attempt_at limit $1 for update skip locked)
     returning ${columns}`,
    [limit, leaseMs, updateId ?? null, batchId ?? null],
  );
  return rows;
}

/** Gives a click back, to be tried again after `delayMs`. */
export async function postponeClick(db: Queryable, updateId: string, delayMs: number): Promise<void> {
  await db.query(
    `update slack_decisions set next_attempt_at = now() + $2 * interval '1 millisecond'
     where update_id = $1 and state = 'received'`,
    [updateId, delayMs],
  );
}

/** Writes down what became of a click; the first answer stays. @returns whether this was the first */
export async function settleClick(
  db: Queryable,
  updateId: string,
  outcome: { state: 'counted' | 'refused'; code: string; text: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update slack_decisions set state = $2, outcome_code = $3, outcome_text = $4, settled_at = now()
     where update_id = $1 and state = 'received'`,
    [updateId, outcome.state, outcome.code, outcome.text],
  );
  return rowCount === 1;
}
