import type { Queryable } from './pool.ts';

/**
 * Marks a DPoP proof as used, for all replicas at once.
 * @returns false when it was used before
 */
export async function useDpopProof(
  db: Queryable,
  { proofSha256, expiresAt }: { readonly proofSha256: Uint8Array; readonly expiresAt: Date },
): Promise<boolean> {
  const { rowCount } = await db.query(
    'insert into dpop_proofs (proof_sha256, expires_at) values ($1, $2) on conflict do nothing',
    [Buffer.from(proofSha256), expiresAt],
  );
  return rowCount === 1;
}

/** Deletes the marks of proofs that are too old to be used anyway. */
export async function sweepDpopProofs(db: Queryable): Promise<void> {
  await db.query('delete from dpop_proofs where expires_at <= now()');
}
