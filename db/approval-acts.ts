import { inTransaction, type Pool } from './pool.ts';

/** What somebody did beside voting: a grant revoked, an unknown outcome looked into or marked. */
export interface ApprovalAct {
  readonly actId: string;
  readonly callId: string;
  readonly act: string;
  /** Masked. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly doneAt: Date;
}

/**
 * Hands acts that are not recorded yet to `record`, oldest first, and marks those that it recorded. Any number of
 * processes may do so; what one has in hand the others leave alone. An act may be recorded twice, never not at all.
 * @returns how many were recorded
 */
export async function recordActs(
  pool: Pool,
  limit: number,
  record: (act: ApprovalAct) => Promise<void>,
): Promise<number> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<ApprovalAct>(
      `select act_id as "actId", call_id as "callId", act, facts, done_at as "doneAt" from approval_acts
       where recorded_at is null order by act_id limit $1 for update skip locked`,
      [limit],
    );
    for (const act of rows) {
      await record(act);
      await client.query('update approval_acts set recorded_at = now() where act_id = $1', [act.actId]);
    }
    return rows.length;
  });
}
