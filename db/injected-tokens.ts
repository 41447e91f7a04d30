import { inTransaction, type Pool } from './pool.ts';
import type { SealedValue } from './held-execution.ts';

/** A sealed token for an upstream server. */
export interface SealedToken extends SealedValue {
  readonly expiresAt: Date;
}

/** Which token: what asks for it, and for whom. */
export interface TokenPlace {
  readonly source: string;
  readonly holder: string;
}

/**
 * The token of a place: the one that is stored, when `usable` says so, or one that `fetch` gets. However many replicas
 * ask at the same moment, one fetches and all get the same: `usable` is asked once those before have their token.
 */
export async function sharedToken(
  pool: Pool,
  { source, holder }: TokenPlace,
  usable: (token: SealedToken) => boolean | Promise<boolean>,
  fetch: () => Promise<SealedToken>,
): Promise<SealedToken> {
  return inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtextextended('token ' || $1 || ' ' || $2, 0))`, [
      source,
      holder,
    ]);
    const { rows } = await client.query<SealedToken>(
      `select kek_id as "kekId", wrapped_key as wrapped, sealed, expires_at as "expiresAt"
       from injected_tokens where source = $1 and holder = $2`,
      [source, holder],
    );
    const [stored] = rows;
    if (stored && (await usable(stored))) return stored;
    const token = await fetch();
    await client.query(
      `insert into injected_tokens (source, holder, kek_id, wrapped_key, sealed, expires_at)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (source, holder) do update set kek_id = $3, wrapped_key = $4, sealed = $5, expires_at = $6,
         fetched_at = clock_timestamp()`,
      [source, holder, token.kekId, token.wrapped, token.sealed, token.expiresAt],
    );
    await client.query(`delete from injected_tokens where expires_at < now() - interval '1 day'`);
    return token;
  });
}
