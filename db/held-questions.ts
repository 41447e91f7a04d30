import type { Queryable } from './pool.ts';

/**
 * Claims the answer to a question that upstream asked in the middle of a call. Committed when it resolves.
 * @returns true for the first one who answers, ever, and false when the call is not known or that was answered
 */
export async function claimAnswer(db: Queryable, callId: string, round: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into held_call_questions (call_id, round)
     select call_id, $2 from held_calls where call_id = $1 and executing_at is not null
     on conflict do nothing`,
    [callId, round],
  );
  return rowCount === 1;
}
