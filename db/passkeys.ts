import { createHash } from 'node:crypto';
import type { Queryable } from './pool.ts';

/** A passkey of a person: what its answers are checked with. */
export interface Passkey {
  readonly credentialId: string;
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly madeAt: Date;
  readonly lastUsedAt: Date | null;
}

interface Row extends Omit<Passkey, 'counter'> {
  /** A bigint, which the driver gives as text. */
  readonly counter: string;
}

/** Stores a passkey. @returns false when it is somebody's already */
export async function storePasskey(
  db: Queryable,
  personKey: string,
  passkey: Omit<Passkey, 'madeAt' | 'lastUsedAt'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into passkeys (credential_id, person_key, name, public_key, counter, transports)
     values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
    [
      passkey.credentialId,
      personKey,
      passkey.name,
      Buffer.from(passkey.publicKey),
      passkey.counter,
      passkey.transports,
    ],
  );
  return rowCount === 1;
}

/** The passkeys of a person, the oldest first. */
export async function passkeysOf(db: Queryable, personKeys: readonly string[]): Promise<readonly Passkey[]> {
  const { rows } = await db.query<Row>(
    `select credential_id as "credentialId", name, public_key as "publicKey", counter, transports, made_at as "madeAt",
       last_used_at as "lastUsedAt" from passkeys where person_key = any($1) order by made_at limit 50`,
    [personKeys],
  );
  return rows.map((row) => ({ ...row, counter: Number(row.counter) }));
}

/**
 * Notes that a passkey was used.
 * @returns false when a counter that it has moved on from came again: somebody has copied it
 */
export async function notePasskeyUse(db: Queryable, credentialId: string, counter: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `update passkeys set counter = $2, last_used_at = now()
      where credential_id = $1 and ($2 > counter or ($2 = 0 and counter = 0))`,
    [credentialId, counter],
  );
  return rowCount === 1;
}

/** Removes a passkey of a person. @returns false when they have none of that id */
export async function removePasskey(
  db: Queryable,
  personKeys: readonly string[],
  credentialId: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'delete from passkeys where credential_id = $1 and person_key = any($2)',
    [credentialId, personKeys],
  );
  return rowCount === 1;
}

/** A challenge, whom it is given to, and what its answer is for. */
export interface Challenge {
  readonly challenge: string;
  /** The session's secret; only its hash is kept. */
  readonly session: string;
  readonly purpose: string;
}

/** Notes a challenge that is given to a browser, and forgets those that nobody answered. */
export async function giveChallenge(db: Queryable, given: Challenge, lifeMs: number): Promise<void> {
  await db.query('delete from passkey_challenges where expires_at <= now()');
  await db.query(
    `insert into passkey_challenges (challenge_sha256, session_sha256, purpose, expires_at)
     values ($1, $2, $3, now() + $4 * interval '1 millisecond')`,
    [hashOf(given.challenge), hashOf(given.session), given.purpose, lifeMs],
  );
}

/** Uses up a challenge. @returns false when it was not given to this session for this purpose, or was answered before */
export async function takeChallenge(db: Queryable, answered: Challenge): Promise<boolean> {
  const { rowCount } = await db.query(
    `delete from passkey_challenges
      where challenge_sha256 = $1 and session_sha256 = $2 and purpose = $3 and expires_at > now()`,
    [hashOf(answered.challenge), hashOf(answered.session), answered.purpose],
  );
  return rowCount === 1;
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
