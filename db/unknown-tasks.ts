import type { ShownPreview } from './held-context.ts';
import type { Person } from '../workflows/contract.ts';
import { storeAct, wishRefresh } from './grants.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** What became of a call that was sent and never answered, as a person found out. */
export type Mark = 'happened' | 'did-not-happen';

/** What somebody has to find out about a call. */
export interface UnknownTask {
  readonly callId: string;
  readonly openedAt: string;
  /** Who looks into it. */
  readonly takenBy: string | null;
  readonly readBack: 'none' | 'wanted' | 'running' | 'done';
  readonly shown: ShownPreview | null;
  readonly mark: Mark | null;
  readonly reason: string | null;
  readonly markedBy: string | null;
  readonly markedAt: string | null;
}

/** SQL that gives a call's task as JSON, for queries over `held_calls`. */
export const taskOfCall = `(select jsonb_build_object('callId', t.call_id, 'openedAt', t.opened_at,
    'takenBy', t.taken_by #>> '{person,name}', 'readBack', t.read_back, 'shown', t.read_back_shown, 'mark', t.mark,
    'reason', t.reason, 'markedBy', t.marked_by #>> '{person,name}', 'markedAt', t.marked_at)
   from unknown_tasks t where t.call_id = held_calls.call_id)`;

/** Somebody, and where they are. */
interface Actor {
  readonly person: Person;
  readonly via: string;
}

/** Says who looks into it; another may take it over. @returns false when there is nothing to look into any more */
export async function takeTask(pool: Pool, callId: string, by: Actor): Promise<boolean> {
  return acted(pool, callId, { act: 'outcome-looked-into', facts: by }, (client) =>
    client.query(
      'update unknown_tasks set taken_by = $2, taken_at = now() where call_id = $1 and mark is null',
      [callId, JSON.stringify(by)],
    ),
  );
}

/** Wishes the read-back once more. @returns false when there is none, or it is under way */
export async function wantReadBack(pool: Pool, callId: string, by: Actor): Promise<boolean> {
  return acted(pool, callId, { act: 'read-back-asked', facts: by }, (client) =>
    client.query(
      `update unknown_tasks set read_back = 'wanted', read_back_at = now()
       where call_id = $1 and mark is null and read_back = 'done'`,
      [callId],
    ),
  );
}

/**
 * Writes down what became of a call, for good. From then on the next identical call of the agent is told, once.
 * Nothing is sent again by it.
 * @param by.reason masked
 * @returns false when it was marked before, or there is no such task
 */
export async function markOutcome(
  pool: Pool,
  callId: string,
  by: Actor & { readonly mark: Mark; readonly reason: string },
): Promise<boolean> {
  const { mark, reason, ...actor } = by;
  return acted(pool, callId, { act: 'outcome-marked', facts: by }, async (client) => {
    const marked = await client.query(
      `update unknown_tasks set mark = $2, reason = $3, marked_by = $4, marked_at = now()
       where call_id = $1 and mark is null`,
      [callId, mark, reason, JSON.stringify(actor)],
    );
    if (marked.rowCount === 1)
      await client.query(
        `update held_calls set delivered_at = null, retain_until = now() + interval '24 hours'
         where call_id = $1 and state = 'unknown'`,
        [callId],
      );
    return marked;
  });
}

async function acted(
  pool: Pool,
  callId: string,
  act: { readonly act: string; readonly facts: object },
  work: (client: Queryable) => Promise<{ rowCount: number | null }>,
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await work(client);
    if (rowCount !== 1) return false;
    await storeAct(client, { callId, ...act });
    await wishRefresh(client, callId);
    return true;
  });
}

/** Takes read-backs that are wanted, or whose gateway was lost; each goes to one gateway. */
export async function takeReadBacks(db: Queryable, limit: number): Promise<readonly string[]> {
  const { rows } = await db.query<{ call_id: string }>(
    `update unknown_tasks set read_back = 'running', read_back_at = now()
     where call_id in (
       select call_id from unknown_tasks
       where mark is null and (read_back = 'wanted' or (read_back = 'running' and read_back_at < now() - interval '1 minute'))
       order by opened_at limit $1 for update skip locked)
     returning call_id`,
    [limit],
  );
  return rows.map((row) => row.call_id);
}

/** Stores what a read-back answered, or why it did not. */
export async function readBackDone(pool: Pool, callId: string, shown: ShownPreview): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query(
      `update unknown_tasks set read_back = 'done', read_back_at = now(), read_back_shown = $2 where call_id = $1`,
      [callId, JSON.stringify(shown)],
    );
    await wishRefresh(client, callId);
  });
}

/** A call of which nobody knows whether it happened. */
export interface UnknownCall {
  readonly callId: string;
  readonly connection: string;
  readonly tool: string;
  readonly endedAt: Date | null;
  readonly task: UnknownTask;
}

/** Calls that nobody has judged yet, oldest first. */
export async function unknownCalls(db: Queryable, limit: number): Promise<readonly UnknownCall[]> {
  const { rows } = await db.query<UnknownCall>(
    `select call_id as "callId", connection, tool, ended_at as "endedAt", ${taskOfCall} as task from held_calls
     where call_id in (select call_id from unknown_tasks where mark is null order by opened_at limit $1)
     order by ended_at`,
    [limit],
  );
  return rows;
}
