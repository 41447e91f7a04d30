import type { Queryable } from './pool.ts';

/** A gateway that has not been seen for this long is dead. Gateways show themselves every few seconds. */
export const replicaSilentMs = 15_000;

/** True of a column that names a replica which is dead, or ended in order. */
export function deadReplica(column: string): string {
  return `not exists (select from gateway_replicas r where r.replica = ${column}
    and r.seen_at > now() - interval '${replicaSilentMs} milliseconds')`;
}

/** Says that a gateway lives, and forgets those that have been dead for a day. */
export async function showReplica(db: Queryable, replica: string): Promise<void> {
  await db.query(
    `insert into gateway_replicas (replica) values ($1) on conflict (replica) do update set seen_at = now()`,
    [replica],
  );
  await db.query(`delete from gateway_replicas where seen_at < now() - interval '1 day'`);
}

/** A gateway that stops in order is gone at once. */
export async function removeReplica(db: Queryable, replica: string): Promise<void> {
  await db.query('delete from gateway_replicas where replica = $1', [replica]);
}
