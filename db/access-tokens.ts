import { createHash } from 'node:crypto';
import type { Queryable } from './pool.ts';

/** What a personal or service access token stands for. */
export interface AccessToken {
  readonly id: string;
  readonly name: string;
  readonly kind: 'personal' | 'service';
  /** The caller's stable key: the owner's, or `service:<subject>`. */
  readonly personKey: string;
  readonly subject: string;
  readonly issuer: string | null;
  readonly email: string | null;
  readonly groups: readonly string[];
  /** null: not limited. */
  readonly scopes: readonly string[] | null;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** What is said when a token is made. */
export type NewAccessToken = Omit<AccessToken, 'createdAt' | 'lastUsedAt' | 'revokedAt'>;

const columns = `id, name, kind, person_key as "personKey", subject, issuer, email, groups, scopes,
  created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt",
  revoked_at as "revokedAt"`;

/** Stores a token under the hash of its secret. */
export async function storeToken(db: Queryable, secret: string, token: NewAccessToken): Promise<void> {
  await db.query(
    `insert into access_tokens (id, secret_sha256, name, kind, person_key, subject, issuer, email, groups, scopes,
       created_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      token.id,
      hashOf(secret),
      token.name,
      token.kind,
      token.personKey,
      token.subject,
      token.issuer,
      token.email,
      token.groups,
      token.scopes,
      token.createdBy,
      token.expiresAt,
    ],
  );
}

/**
 * The token of a secret while it stands: neither revoked nor expired. A personal token's groups are those of its
 * groups in which its owner was when the identity provider last vouched for them.
 */
export async function standingToken(db: Queryable, secret: string): Promise<AccessToken | null> {
  const { rows } = await db.query<AccessToken & { present: string[] | null }>(
    `select ${columns}, present.held as present
       from access_tokens t
       left join lateral (
         select array_agg(distinct said.name) as held
           from people_keys mine
           join people_keys other using (person_id)
           join people_groups on people_groups.key = other.key,
           jsonb_array_elements_text(people_groups.groups) as said(name)
          where mine.key = t.person_key) present on true
      where secret_sha256 = $1 and revoked_at is null and expires_at > now()`,
    [hashOf(secret)],
  );
  const [row] = rows;
  if (!row) return null;
  const { present, ...token } = row;
  return token.kind === 'service'
    ? token
    : { ...token, groups: token.groups.filter((group) => present?.includes(group) ?? false) };
}

/** Notes that a token was used; at most once a minute, since nobody needs to know it better. */
export async function noteTokenUse(db: Queryable, id: string): Promise<void> {
  await db.query(
    `update access_tokens set last_used_at = now()
      where id = $1 and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [id],
  );
}

/** Tokens, the newest first: all of them, or those of some people. */
export async function listTokens(
  db: Queryable,
  personKeys: readonly string[] | null,
): Promise<readonly AccessToken[]> {
  const { rows } = await db.query<AccessToken>(
    `select ${columns} from access_tokens where $1::text[] is null or person_key = any($1) order by created_at desc limit 1000`,
    [personKeys],
  );
  return rows;
}

/** Which tokens a revocation means. */
export type RevokedTokens =
  | { readonly id: string; readonly personKeys?: readonly string[] }
  | { readonly personKey: string };

/**
 * Revokes tokens for good; those already revoked stay as they are.
 * @param which by id (only if it belongs to one of `personKeys`, where given), or all of a person
 * @returns how many were revoked
 */
export async function revokeTokens(db: Queryable, which: RevokedTokens, by: string): Promise<number> {
  const { rowCount } =
    'id' in which
      ? await db.query(
          `update access_tokens set revoked_at = now(), revoked_by = $2
            where id = $1 and revoked_at is null and ($3::text[] is null or person_key = any($3))`,
          [which.id, by, which.personKeys ?? null],
        )
      : await db.query(
          'update access_tokens set revoked_at = now(), revoked_by = $2 where person_key = $1 and revoked_at is null',
          [which.personKey, by],
        );
  return rowCount ?? 0;
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
