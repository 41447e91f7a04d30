import { restartClocks, stopClocks } from './clock-stops.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** How Slack is reached, as the whole installation sees it. */
export interface SlackReach {
  /** Since when Slack counts as away; null while it answers. */
  readonly awaySince: Date | null;
  readonly failure: string | null;
}

/** How Slack is reached. */
export async function slackReach(db: Queryable): Promise<SlackReach> {
  const { rows } = await db.query<SlackReach>(
    `select (select began_at from clock_stops where kind = 'slack' and ended_at is null) as "awaySince", failure
     from slack_reach`,
  );
  return rows[0] ?? { awaySince: null, failure: null };
}

/**
 * Notes that Slack has answered somebody of the installation. Ends an outage; deadlines that policy had frozen move by
 * as long as it lasted.
 * @returns true when this ended an outage
 */
export async function slackAnswered(pool: Pool): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    await client.query('update slack_reach set ok_at = now(), failure = null');
    const { rowCount } = await client.query(
      `update clock_stops set ended_at = now() where kind = 'slack' and ended_at is null`,
    );
    if (rowCount !== 1) return false;
    await restartClocks(client);
    return true;
  });
}

/**
 * Notes that Slack did not answer. Once nobody of the installation has had an answer for `awayAfterMs`, that is an
 * outage, which began with the first failure.
 * @param failure what it looked like; no secrets
 * @returns true when an outage began with this
 */
export async function slackFailed(pool: Pool, failure: string, awayAfterMs: number): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ since: Date; away: boolean }>(
      `update slack_reach set failure = $1,
         failed_at = case when failed_at is null or failed_at <= coalesce(ok_at, '-infinity') then now() else failed_at end
       returning failed_at as since, failed_at <= now() - $2 * interval '1 millisecond' as away`,
      [failure, awayAfterMs],
    );
    const [row] = rows;
    if (!row?.away) return false;
    const { rowCount } = await client.query(
      `insert into clock_stops (kind, began_at, because) values ('slack', $1, $2) on conflict do nothing`,
      [row.since, failure],
    );
    if (rowCount !== 1) return false;
    await stopClocks(client, 'slack', row.since);
    return true;
  });
}
