import type { SignInPlace } from './connection-sign-ins.ts';
import type { SealedValue } from './held-execution.ts';
import type { Queryable } from './pool.ts';

/** Tokens of somebody who was cut off, of which their authorization server is still to be told. */
export type EndedSignIn = SignInPlace & SealedValue & { readonly id: string; readonly tries: number };

/**
 * Takes the next one that is due, for one replica: it is due again later, should this replica not come back to forget it.
 * @returns null when none is due
 */
export async function takeEndedSignIn(db: Queryable): Promise<EndedSignIn | null> {
  const { rows } = await db.query<EndedSignIn>(
    `update connection_sign_ins_ended set tries = tries + 1,
       next_try_at = clock_timestamp() + least(interval '1 minute' * power(2, tries), interval '30 minutes')
     where id = (select id from connection_sign_ins_ended where next_try_at <= clock_timestamp()
                 order by next_try_at limit 1 for update skip locked)
     returning id, connection, holder, kek_id as "kekId", wrapped_key as wrapped, sealed, tries`,
  );
  return rows[0] ?? null;
}

export async function forgetEndedSignIn(db: Queryable, id: string): Promise<void> {
  await db.query('delete from connection_sign_ins_ended where id = $1', [id]);
}
