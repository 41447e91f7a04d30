import { createHash, randomBytes } from 'node:crypto';
import type { Person } from '../workflows/contract.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** The stable key of a Slack user. */
export function slackKey(team: string, user: string): string {
  return `slack:${team}/${user}`;
}

/**
 * The person behind a stable key, with every other key that was linked to it. A key that was never seen becomes a
 * person of its own.
 * @param name for people to read; the latest one is kept
 */
export async function personOf(db: Queryable, key: string, name: string): Promise<Person> {
  const { rows } = await db.query<{ key: string }>(
    `with me as (
       insert into people_keys (key, person_id, name) values ($1, gen_random_uuid(), $2)
       on conflict (key) do update set name = excluded.name, seen_at = now()
       returning person_id)
     select key from people_keys where person_id = (select person_id from me)`,
    [key, name],
  );
  // The statement does not see the row that it inserts itself.
  const keys = new Set([key, ...rows.map((row) => row.key)]);
  return { keys: [...keys].sort(), name };
}

/** Every key that was linked to any of these, these themselves included. */
export async function linkedKeys(db: Queryable, keys: readonly string[]): Promise<readonly string[]> {
  const { rows } = await db.query<{ key: string }>(
    `select key from people_keys where person_id in (select person_id from people_keys where key = any($1))`,
    [keys],
  );
  return [...new Set([...keys, ...rows.map((row) => row.key)])];
}

/** What came of linking two keys. */
export type Linked = 'linked' | 'already';

/**
 * Makes two keys one person. Only for a step that proved both (a login with a link code, an administrator's act).
 * @param by how it was proved; kept for audit
 */
export async function linkKeys(
  pool: Pool,
  { key, to, by }: { key: string; to: string; by: string },
): Promise<Linked> {
  return inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', ['people_keys']);
    const owner = await client.query<{ person_id: string }>(
      `insert into people_keys (key, person_id, name) values ($1, gen_random_uuid(), $1)
       on conflict (key) do update set seen_at = now() returning person_id`,
      [to],
    );
    const before = await client.query<{ person_id: string }>(
      'select person_id from people_keys where key = $1',
      [key],
    );
    const personId = owner.rows[0]?.person_id;
    const formerId = before.rows[0]?.person_id ?? null;
    if (personId === formerId) return 'already';
    await client.query(
      `insert into people_keys (key, person_id, name, linked_at, linked_by) values ($1, $2, $1, now(), $3)
       on conflict (key) do nothing`,
      [key, personId, by],
    );
    await client.query(
      'update people_keys set person_id = $1, linked_at = now(), linked_by = $3 where person_id = $2',
      [personId, formerId, by],
    );
    return 'linked';
  });
}

/** The key that an e-mail was resolved to, or null when it never was. */
export async function keyOfEmail(
  db: Queryable,
  { realm, email }: { realm: string; email: string },
): Promise<string | null> {
  const { rows } = await db.query<{ key: string }>(
    'select key from people_emails where realm = $1 and email = $2',
    [realm, email.toLowerCase()],
  );
  return rows[0]?.key ?? null;
}

/**
 * Fixes what an e-mail means in a realm. The first answer stays: an address that changes hands gives its new holder
 * nothing.
 * @returns the key it means
 */
export async function pinEmail(
  db: Queryable,
  { realm, email, key }: { realm: string; email: string; key: string },
): Promise<string> {
  await db.query('insert into people_emails (realm, email, key) values ($1, $2, $3) on conflict do nothing', [
    realm,
    email.toLowerCase(),
    key,
  ]);
  const pinned = await keyOfEmail(db, { realm, email });
  if (pinned === null)
    throw new Error(`the pin of an e-mail in realm ${realm} was removed while it was made`);
  return pinned;
}

/** Keeps the directory groups that an identity provider has just vouched for. */
export async function rememberGroups(
  db: Queryable,
  { key, groups, seenAt }: { key: string; groups: readonly string[]; seenAt: Date },
): Promise<void> {
  await db.query(
    `insert into people_groups (key, groups, seen_at) values ($1, $2, $3)
     on conflict (key) do update set groups = excluded.groups, seen_at = excluded.seen_at
       where people_groups.seen_at <= excluded.seen_at`,
    [key, JSON.stringify(groups), seenAt],
  );
}

/** The directory groups of a person's keys, as vouched for at most `maxAgeMs` ago. */
export async function rememberedGroups(
  db: Queryable,
  { keys, maxAgeMs }: { keys: readonly string[]; maxAgeMs: number },
): Promise<readonly string[]> {
  const { rows } = await db.query<{ groups: string[] }>(
    `select groups from people_groups where key = any($1) and seen_at > now() - $2 * interval '1 millisecond'`,
    [keys, maxAgeMs],
  );
  return [...new Set(rows.flatMap((row) => row.groups))].sort();
}

/**
 * A code that lets whoever logs in to the console with it link that login to `key`. Good once, for `validMs`.
 */
export async function newLinkCode(
  db: Queryable,
  { key, name, validMs }: { key: string; name: string; validMs: number },
): Promise<string> {
  const code = randomBytes(24).toString('base64url');
  await db.query(
    `insert into people_link_codes (code_sha256, key, name, expires_at)
     values ($1, $2, $3, now() + $4 * interval '1 millisecond')`,
    [hashed(code), key, name, validMs],
  );
  return code;
}

/** Whom a link code stands for, to be shown before anything is linked; null when it is unknown, used or too old. */
export async function linkCodeOwner(
  db: Queryable,
  code: string,
): Promise<{ key: string; name: string } | null> {
  const { rows } = await db.query<{ key: string; name: string }>(
    'select key, name from people_link_codes where code_sha256 = $1 and used_at is null and expires_at > now()',
    [hashed(code)],
  );
  return rows[0] ?? null;
}

/** Uses up a link code. @returns whom it stood for, or null when it was no longer good */
export async function useLinkCode(
  db: Queryable,
  code: string,
): Promise<{ key: string; name: string } | null> {
  const { rows } = await db.query<{ key: string; name: string }>(
    `update people_link_codes set used_at = now()
     where code_sha256 = $1 and used_at is null and expires_at > now() returning key, name`,
    [hashed(code)],
  );
  return rows[0] ?? null;
}

function hashed(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}
