import { createHash } from 'node:crypto';
import type { Queryable } from './pool.ts';

/** What the authorization server keeps of one artifact. */
export interface ArtifactFacts {
  readonly kind: string;
  /** What names it; only its hash is kept. */
  readonly id: string;
}

/** A stored artifact: its payload, and when it was used up. */
export interface StoredArtifact {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly consumedAt: Date | null;
}

/** Stores an artifact, or replaces it. */
export async function putArtifact(
  db: Queryable,
  { kind, id }: ArtifactFacts,
  payload: Readonly<Record<string, unknown>>,
  lifeMs: number,
): Promise<void> {
  const text = (name: string): string | null => {
    const value = payload[name];
    return typeof value === 'string' ? value : null;
  };
  await db.query(
    `insert into oauth_artifacts (kind, id_sha256, payload, grant_id, account_id, client_id, expires_at)
     values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 millisecond')
     on conflict (kind, id_sha256) do update set payload = excluded.payload, grant_id = excluded.grant_id,
       account_id = excluded.account_id, client_id = excluded.client_id, expires_at = excluded.expires_at`,
    [kind, hashOf(id), JSON.stringify(payload), text('grantId'), text('accountId'), text('clientId'), lifeMs],
  );
}

/** An artifact that has not expired; null when there is none. */
export async function artifact(db: Queryable, { kind, id }: ArtifactFacts): Promise<StoredArtifact | null> {
  const { rows } = await db.query<StoredArtifact>(
    `select payload, consumed_at as "consumedAt" from oauth_artifacts
      where kind = $1 and id_sha256 = $2 and expires_at > now()`,
    [kind, hashOf(id)],
  );
  return rows[0] ?? null;
}

/** Uses up an artifact. @returns false when somebody was first */
export async function consumeArtifact(db: Queryable, { kind, id }: ArtifactFacts): Promise<boolean> {
  const { rowCount } = await db.query(
    'update oauth_artifacts set consumed_at = now() where kind = $1 and id_sha256 = $2 and consumed_at is null',
    [kind, hashOf(id)],
  );
  return rowCount === 1;
}

/** Deletes an artifact. Safe to repeat. */
export async function dropArtifact(db: Queryable, { kind, id }: ArtifactFacts): Promise<void> {
  await db.query('delete from oauth_artifacts where kind = $1 and id_sha256 = $2', [kind, hashOf(id)]);
}

/** Deletes everything of one kind that a grant gave. */
export async function dropOfGrant(db: Queryable, kind: string, grantId: string): Promise<void> {
  await db.query('delete from oauth_artifacts where kind = $1 and grant_id = $2', [kind, grantId]);
}

/**
 * Deletes a grant and the sign-in that made it. What else it gave is deleted beside this, kind by kind
 * ({@link dropOfGrant}), so that no two deletions wait for each other.
 */
export async function dropGrant(db: Queryable, grantId: string): Promise<void> {
  await db.query(
    `with gone as (delete from oauth_sign_ins where grant_id = $1)
     delete from oauth_artifacts where kind = 'Grant' and id_sha256 = $2`,
    [grantId, hashOf(grantId)],
  );
}

/** Ends a grant: everything that it gave, and the sign-in that made it. Tokens that are on their way find it gone. */
export async function endGrant(db: Queryable, grantId: string): Promise<void> {
  await db.query(
    `with gone as (delete from oauth_sign_ins where grant_id = $1)
     delete from oauth_artifacts where grant_id = $1 or (kind = 'Grant' and id_sha256 = $2)`,
    [grantId, hashOf(grantId)],
  );
}

/** Keeps a registered client for longer, since somebody has signed in with it. */
export async function keepClient(db: Queryable, clientId: string, lifeMs: number): Promise<void> {
  await db.query(
    `update oauth_artifacts set expires_at = greatest(expires_at, now() + $2 * interval '1 millisecond')
      where kind = 'Client' and id_sha256 = $1`,
    [hashOf(clientId), lifeMs],
  );
}

/** How many clients have registered themselves within the last hour. */
export async function recentRegistrations(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from oauth_artifacts where kind = 'Client' and made_at > now() - interval '1 hour'`,
  );
  return rows[0]?.count ?? 0;
}

/** Deletes what has expired. */
export async function sweepAuthorization(db: Queryable): Promise<void> {
  await db.query('delete from oauth_artifacts where expires_at <= now()');
  await db.query('delete from oauth_requests where expires_at <= now()');
  await db.query('delete from oauth_sign_ins where expires_at <= now()');
}

function hashOf(id: string): Buffer {
  return createHash('sha256').update(id).digest();
}
