import type { SealedValue } from './held-execution.ts';
import type { Queryable } from './pool.ts';

type Kept = 'held_call_before' | 'held_call_read_backs';

/** Keeps what a precondition's call answered, sealed, until the call ends. */
export function storeBefore(db: Queryable, callId: string, value: SealedValue): Promise<void> {
  return store(db, 'held_call_before', callId, value);
}

/** What was kept; null when nothing was, or the call has ended. */
export function sealedBefore(db: Queryable, callId: string): Promise<SealedValue | null> {
  return read(db, 'held_call_before', callId);
}

/** Keeps a call's read-back, sealed, until it is known how the call ended. */
export function storeReadBack(db: Queryable, callId: string, value: SealedValue): Promise<void> {
  return store(db, 'held_call_read_backs', callId, value);
}

/** The read-back of a call of which nobody knows; null when there is none. */
export function sealedReadBack(db: Queryable, callId: string): Promise<SealedValue | null> {
  return read(db, 'held_call_read_backs', callId);
}

async function store(db: Queryable, table: Kept, callId: string, value: SealedValue): Promise<void> {
  await db.query(
    `insert into ${table} (call_id, kek_id, wrapped_key, sealed) values ($1, $2, $3, $4) on conflict do nothing`,
    [callId, value.kekId, value.wrapped, value.sealed],
  );
}

async function read(db: Queryable, table: Kept, callId: string): Promise<SealedValue | null> {
  const { rows } = await db.query<{ kek_id: string; wrapped_key: Buffer; sealed: Buffer }>(
    `select kek_id, wrapped_key, sealed from ${table} where call_id = $1`,
    [callId],
  );
  const [row] = rows;
  return row ? { kekId: row.kek_id, wrapped: row.wrapped_key, sealed: row.sealed } : null;
}
