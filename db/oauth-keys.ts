import type { WrappedKey } from '../recording/key-ring.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** A signing key of the authorization server as it is stored: the private half sealed. */
export interface StoredSigningKey {
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly dataKey: WrappedKey;
  readonly sealedJwk: Uint8Array;
  readonly madeAt: Date;
  readonly signsFrom: Date;
}

interface Row {
  kid: string;
  public_jwk: Record<string, unknown>;
  kek_id: string;
  wrapped_key: Buffer;
  sealed_jwk: Buffer;
  made_at: Date;
  signs_from: Date;
}

const lockKey = 0x401d91;

/** The keys that may have signed something that still counts, the newest first. */
export async function signingKeys(db: Queryable, maxAgeMs: number): Promise<readonly StoredSigningKey[]> {
  const { rows } = await db.query<Row>(
    `select kid, public_jwk, kek_id, wrapped_key, sealed_jwk, made_at, signs_from from oauth_keys
      where made_at > now() - $1 * interval '1 millisecond' order by made_at desc, kid`,
    [maxAgeMs],
  );
  return rows.map((row) => ({
    kid: row.kid,
    publicJwk: row.public_jwk,
    dataKey: { kekId: row.kek_id, wrapped: row.wrapped_key },
    sealedJwk: row.sealed_jwk,
    madeAt: row.made_at,
    signsFrom: row.signs_from,
  }));
}

/**
 * Stores a new key unless the newest one is younger than `rotateAfterMs`: of several replicas that find it too old at
 * the same time, one succeeds. It signs after `leadMs`, or at once when it is the first.
 */
export async function addSigningKey(
  pool: Pool,
  key: Pick<StoredSigningKey, 'kid' | 'publicJwk' | 'dataKey' | 'sealedJwk'>,
  { rotateAfterMs, leadMs }: { readonly rotateAfterMs: number; readonly leadMs: number },
): Promise<void> {
  await inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await client.query(
      `insert into oauth_keys (kid, public_jwk, kek_id, wrapped_key, sealed_jwk, signs_from)
       select $1, $2, $3, $4, $5,
              case when exists (select from oauth_keys) then now() + $7 * interval '1 millisecond' else now() end
        where not exists (select from oauth_keys where made_at > now() - $6 * interval '1 millisecond')`,
      [
        key.kid,
        JSON.stringify(key.publicJwk),
        key.dataKey.kekId,
        Buffer.from(key.dataKey.wrapped),
        Buffer.from(key.sealedJwk),
        rotateAfterMs,
        leadMs,
      ],
    );
  });
}
