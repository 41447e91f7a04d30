import { createHash, randomBytes } from 'node:crypto';
import type { Queryable } from './pool.ts';

/** Someone who is signed in to the console, as proven when they signed in or were last looked up. */
export interface SignedIn {
  /** Names the login settings that proved the person. */
  readonly binding: string;
  readonly personKeys: readonly string[];
  readonly name: string;
  readonly subject: string;
  /** Only when verified. */
  readonly email: string | null;
  readonly groups: readonly string[];
  readonly sealedTokens: Uint8Array | null;
  /** How they proved themselves, as the identity provider says it. */
  readonly acr: string | null;
  readonly amr: readonly string[];
  /** When they last proved themselves there; null where it does not say. */
  readonly authenticatedAt: Date | null;
  /** The same where it is certain; null where the provider may have said the time of its answer. */
  readonly provenAt: Date | null;
  readonly signedInAt: Date;
  readonly seenAt: Date;
}

/** How long a session lives at most, and how long without being used. */
export interface SessionLimits {
  readonly lifeMs: number;
  readonly idleMs: number;
}

/** A fresh 256-bit secret for a cookie or a link, in base64url. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Stores a new session under `secret` (the cookie), of which only the hash is kept. */
export async function openSession(
  db: Queryable,
  secret: string,
  who: SignedIn,
  limits: SessionLimits,
): Promise<void> {
  await db.query(
    `insert into console_sessions (id_sha256, binding, person_keys, name, subject, email, groups, sealed_tokens,
       signed_in_at, seen_at, used_at, expires_at, acr, amr, authenticated_at, proven_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now(), now() + $11 * interval '1 millisecond', $12, $13, $14,
       $15)`,
    [
      sha256(secret),
      who.binding,
      who.personKeys,
      who.name,
      who.subject,
      who.email,
      who.groups,
      bytes(who.sealedTokens),
      who.signedInAt,
      who.seenAt,
      limits.lifeMs,
      who.acr,
      who.amr,
      who.authenticatedAt,
      who.provenAt,
    ],
  );
}

interface SessionRow {
  binding: string;
  person_keys: string[];
  name: string;
  subject: string;
  email: string | null;
  groups: string[];
  sealed_tokens: Buffer | null;
  acr: string | null;
  amr: string[];
  authenticated_at: Date | null;
  proven_at: Date | null;
  signed_in_at: Date;
  seen_at: Date;
}

/**
 * The session of a cookie, marked as used now; null when there is none, it has expired, lay idle too long, or was
 * proven by other login settings.
 */
export async function findSession(
  db: Queryable,
  secret: string,
  binding: string,
  limits: SessionLimits,
): Promise<SignedIn | null> {
  const { rows } = await db.query<SessionRow>(
    `update console_sessions set used_at = now()
      where id_sha256 = $1 and binding = $2 and expires_at > now()
        and used_at > now() - $3 * interval '1 millisecond'
      returning binding, person_keys, name, subject, email, groups, sealed_tokens, acr, amr,
        authenticated_at, proven_at, signed_in_at, seen_at`,
    [sha256(secret), binding, limits.idleMs],
  );
  const [row] = rows;
  if (!row) return null;
  return {
    binding: row.binding,
    personKeys: row.person_keys,
    name: row.name,
    subject: row.subject,
    email: row.email,
    groups: row.groups,
    sealedTokens: row.sealed_tokens,
    acr: row.acr,
    amr: row.amr,
    authenticatedAt: row.authenticated_at,
    provenAt: row.proven_at,
    signedInAt: row.signed_in_at,
    seenAt: row.seen_at,
  };
}

/** Whether {@link findSession} would find the session; does not count as use. */
export async function sessionStands(
  db: Queryable,
  secret: string,
  binding: string,
  limits: SessionLimits,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `select 1 from console_sessions where id_sha256 = $1 and binding = $2 and expires_at > now()
       and used_at > now() - $3 * interval '1 millisecond'`,
    [sha256(secret), binding, limits.idleMs],
  );
  return rowCount === 1;
}

/** Stores what the identity provider now says of a signed-in person. */
export async function updateSession(
  db: Queryable,
  secret: string,
  now: Pick<SignedIn, 'name' | 'email' | 'groups' | 'personKeys' | 'sealedTokens' | 'seenAt'>,
): Promise<void> {
  await db.query(
    `update console_sessions set name = $2, email = $3, groups = $4, person_keys = $5, sealed_tokens = $6, seen_at = $7
      where id_sha256 = $1`,
    [sha256(secret), now.name, now.email, now.groups, now.personKeys, bytes(now.sealedTokens), now.seenAt],
  );
}

/** Ends a session at once. Safe to repeat. */
export async function closeSession(db: Queryable, secret: string): Promise<void> {
  await db.query('delete from console_sessions where id_sha256 = $1', [sha256(secret)]);
}

/** A sign-in on its way through the identity provider. */
export interface PendingLogin {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnTo: string;
}

/** Stores a sign-in under `secret` (a cookie of the browser that began it). */
export async function beginLogin(
  db: Queryable,
  secret: string,
  login: PendingLogin,
  lifeMs: number,
): Promise<void> {
  await db.query(
    `insert into console_logins (id_sha256, state_sha256, nonce, code_verifier, return_to, expires_at)
     values ($1, $2, $3, $4, $5, now() + $6 * interval '1 millisecond')`,
    [sha256(secret), sha256(login.state), login.nonce, login.codeVerifier, login.returnTo, lifeMs],
  );
}

/** Takes a sign-in out, whoever comes first; null when cookie and state do not belong together or it is too late. */
export async function takeLogin(
  db: Queryable,
  secret: string,
  state: string,
): Promise<Omit<PendingLogin, 'state'> | null> {
  const { rows } = await db.query<{ nonce: string; code_verifier: string; return_to: string }>(
    `delete from console_logins where id_sha256 = $1 and state_sha256 = $2 and expires_at > now()
      returning nonce, code_verifier, return_to`,
    [sha256(secret), sha256(state)],
  );
  const [row] = rows;
  return row ? { nonce: row.nonce, codeVerifier: row.code_verifier, returnTo: row.return_to } : null;
}

/** Marks a one-time link as used. @returns false when somebody has used it before */
export async function useLink(db: Queryable, link: string, expiresAt: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    'insert into console_used_links (link_sha256, expires_at) values ($1, $2) on conflict do nothing',
    [sha256(link), expiresAt],
  );
  return rowCount === 1;
}

/** Deletes what has expired. */
export async function sweepConsole(db: Queryable): Promise<void> {
  await db.query('delete from console_sessions where expires_at <= now()');
  await db.query('delete from console_logins where expires_at <= now()');
  await db.query('delete from console_used_links where expires_at <= now()');
}

function bytes(value: Uint8Array | null): Buffer | null {
  return value === null ? null : Buffer.from(value);
}
