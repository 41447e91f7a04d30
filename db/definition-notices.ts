import { inTransaction, type Pool } from './pool.ts';

/** Definitions that one Slack channel has not been told of yet. */
export interface Untold {
  readonly connection: string;
  readonly channels: readonly string[];
  readonly tools: readonly string[];
}

/**
 * Gives the definitions that wait and that nobody was told of, a connection and its approvers at a time, to `tell`,
 * and notes that they were told. Of several workers only one tells.
 * @returns what `tell` threw: those stay untold, and keep no others from being told
 */
export async function tellOfWaiting(pool: Pool, tell: (untold: Untold) => Promise<void>): Promise<unknown[]> {
  return inTransaction(pool, async (client) => {
    const { rows: locks } = await client.query<{ mine: boolean }>(
      `select pg_try_advisory_xact_lock(hashtext('definition notices')) as mine`,
    );
    if (!locks[0]?.mine) return [];
    const { rows } = await client.query<Untold & { ids: string[] }>(
      `select connection, array_agg(definition_id) as ids, array_agg(tool order by tool) as tools,
         array(select distinct a ->> 'slackChannel' from jsonb_array_elements(approvers) a
                where a ->> 'slackChannel' is not null) as channels
       from tool_definitions
       where state = 'quarantined' and current and told_at is null
       group by connection, approvers order by connection limit 20`,
    );
    const failed: unknown[] = [];
    for (const { ids, ...untold } of rows) {
      try {
        await tell(untold);
      } catch (error) {
        failed.push(error);
        continue;
      }
      await client.query('update tool_definitions set told_at = now() where definition_id = any($1)', [ids]);
    }
    return failed;
  });
}
