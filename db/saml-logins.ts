import { createHash } from 'node:crypto';
import type { Queryable } from './pool.ts';

/** Somebody whom an assertion proved. */
export interface SamlPerson {
  readonly subject: string;
  readonly email: string | null;
  readonly name: string | null;
  readonly groups: readonly string[];
  readonly acr: string | null;
  /** In milliseconds since the epoch; null where the assertion does not say. */
  readonly authenticatedAtMs: number | null;
}

/** Uses up an assertion, on whichever replica. @returns false when it was used before */
export async function useAssertion(
  db: Queryable,
  { issuer, id, expiresAt }: { readonly issuer: string; readonly id: string; readonly expiresAt: Date },
): Promise<boolean> {
  const { rowCount } = await db.query(
    'insert into saml_used_assertions (assertion_sha256, expires_at) values ($1, $2) on conflict do nothing',
    [hashOf(`${issuer}\n${id}`), expiresAt],
  );
  return rowCount === 1;
}

/** Whether a request was sent from here and still waits for its answer. */
export async function samlRequestWaits(db: Queryable, requestId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'select 1 from console_logins where state_sha256 = $1 and expires_at > now()',
    [hashOf(requestId)],
  );
  return rowCount !== 0;
}

/** Keeps a proven person for the moment in which their browser comes by with its cookie. */
export async function storeArrival(
  db: Queryable,
  secret: string,
  { requestId, person }: { readonly requestId: string; readonly person: SamlPerson },
  lifeMs: number,
): Promise<void> {
  await db.query(
    `insert into saml_arrivals (id_sha256, request_id, person, expires_at)
     values ($1, $2, $3, now() + $4 * interval '1 millisecond')`,
    [hashOf(secret), requestId, JSON.stringify(person), lifeMs],
  );
}

/** Takes a proven person out, whoever comes first; null when there is none, or it is too late. */
export async function takeArrival(
  db: Queryable,
  secret: string,
): Promise<{ readonly requestId: string; readonly person: SamlPerson } | null> {
  const { rows } = await db.query<{ requestId: string; person: SamlPerson }>(
    `delete from saml_arrivals where id_sha256 = $1 and expires_at > now() returning request_id as "requestId", person`,
    [hashOf(secret)],
  );
  return rows[0] ?? null;
}

/** Deletes what has expired. */
export async function sweepSaml(db: Queryable): Promise<void> {
  await db.query('delete from saml_used_assertions where expires_at <= now()');
  await db.query('delete from saml_arrivals where expires_at <= now()');
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
