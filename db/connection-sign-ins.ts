import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { SealedValue } from './held-execution.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';
import { personHandles, revokedAmong } from './revocations.ts';

/** Whose sign-in, and where. */
export interface SignInPlace {
  readonly connection: string;
  /** Stable key of the caller. */
  readonly holder: string;
}

/** A person's sign-in at an upstream server, without what it gave. */
export interface ConnectionSignIn extends SignInPlace {
  readonly settings: string;
  /** Names the present tokens; other tokens have another. */
  readonly version: string;
  /** When the access token is renewed at the latest; null for one that says nothing of an end. */
  readonly renewAt: Date | null;
  readonly issuer: string;
  /** What the authorization server said that it gave. */
  readonly scope: string | null;
  /** What it was asked for. */
  readonly askedScope: string | null;
  /** What the server has said since that is wanted in addition; null where nothing is. */
  readonly wantedScope: string | null;
  readonly connectedAt: Date;
}

/** With the tokens, sealed. */
export type StoredSignIn = ConnectionSignIn & SealedValue;

/** What a token endpoint gave, ready to be stored. */
export type GivenTokens = SealedValue & Pick<ConnectionSignIn, 'renewAt' | 'scope'>;

const shown = `connection, holder, settings, version::text as version, renew_at as "renewAt", issuer, scope,
  asked_scope as "askedScope", wanted_scope as "wantedScope", connected_at as "connectedAt"`;
const columns = `${shown}, kek_id as "kekId", wrapped_key as wrapped, sealed`;

/** @returns null when the person has not signed in there */
export async function connectionSignIn(
  db: Queryable,
  { connection, holder }: SignInPlace,
): Promise<StoredSignIn | null> {
  const { rows } = await db.query<StoredSignIn>(
    `select ${columns} from connection_sign_ins where connection = $1 and holder = $2`,
    [connection, holder],
  );
  return rows[0] ?? null;
}

/** Every sign-in of a person. */
export async function connectionSignInsOf(
  db: Queryable,
  holders: readonly string[],
): Promise<ConnectionSignIn[]> {
  const { rows } = await db.query<ConnectionSignIn>(
    `select ${shown} from connection_sign_ins where holder = any($1) order by connection, connected_at`,
    [holders],
  );
  return rows;
}

/** Who has signed in, as containment may name them. */
export interface Holder {
  readonly subject: string;
  readonly email: string | null;
  readonly keys: readonly string[];
}

/**
 * Stores what somebody's sign-in gave, in place of what was there.
 * @returns false when the person has been cut off meanwhile: nothing is stored
 */
export async function storeConnectionSignIn(
  pool: Pool,
  place: SignInPlace,
  given: GivenTokens & Pick<ConnectionSignIn, 'settings' | 'issuer' | 'askedScope'>,
  who: Holder,
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    // An act of cutting off holds this alone: it either is seen here, or deletes what is stored here.
    await client.query('select version from revocation_state for share');
    if (await revokedAmong(client, personHandles([place.holder, who.subject, ...who.keys]))) return false;
    await client.query(
      `insert into connection_sign_ins (connection, holder, subject, email, settings, version, kek_id, wrapped_key, sealed,
         renew_at, issuer, scope, asked_scope)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
       on conflict (connection, holder) do update set subject = $3, email = $4, settings = $5, version = $6, kek_id = $7,
         wrapped_key = $8, sealed = $9, renew_at = $10, issuer = $11, scope = $12, asked_scope = $13, wanted_scope = null,
         connected_at = clock_timestamp(), renewed_at = clock_timestamp()`,
      [
        place.connection,
        place.holder,
        who.subject,
        who.email,
        given.settings,
        randomUUID(),
        given.kekId,
        given.wrapped,
        given.sealed,
        given.renewAt,
        given.issuer,
        given.scope,
        given.askedScope,
      ],
    );
    await client.query('delete from connection_asks where connection = $1 and holder = $2', [
      place.connection,
      place.holder,
    ]);
    return true;
  });
}

/**
 * Renews a sign-in under a lock on its row, so that of all replicas one asks and the others get what it was given.
 * @param renew what to do with the row as it is now: keep it, put new tokens in, or forget it, since they are good for
 *   nothing any more
 * @returns the row as it is then; null when there is none
 */
export async function renewConnectionSignIn(
  pool: Pool,
  { connection, holder }: SignInPlace,
  renew: (stored: StoredSignIn) => Promise<GivenTokens | 'keep' | 'forget'>,
): Promise<StoredSignIn | null> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<StoredSignIn>(
      `select ${columns} from connection_sign_ins where connection = $1 and holder = $2 for update`,
      [connection, holder],
    );
    const [stored] = rows;
    if (!stored) return null;
    const made = await renew(stored);
    if (made === 'keep') return stored;
    if (made === 'forget') {
      await client.query('delete from connection_sign_ins where connection = $1 and holder = $2', [
        connection,
        holder,
      ]);
      return null;
    }
    const renewed = await client.query<StoredSignIn>(
      `update connection_sign_ins set version = $3, kek_id = $4, wrapped_key = $5, sealed = $6, renew_at = $7, scope = $8,
         renewed_at = clock_timestamp()
       where connection = $1 and holder = $2 returning ${columns}`,
      [
        connection,
        holder,
        randomUUID(),
        made.kekId,
        made.wrapped,
        made.sealed,
        made.renewAt,
        made.scope ?? stored.scope,
      ],
    );
    return renewed.rows[0] ?? null;
  });
}

/** Notes what a server wants beyond what a person's tokens allow, unless they have others by now. */
export async function noteWantedScope(
  db: Queryable,
  { connection, holder }: SignInPlace,
  version: string,
  scope: string,
): Promise<void> {
  await db.query(
    'update connection_sign_ins set wanted_scope = $4 where connection = $1 and holder = $2 and version = $3',
    [connection, holder, version, scope],
  );
}

/** Forgets a sign-in. @returns it as it was, with its sealed tokens; null when there was none */
export async function dropConnectionSignIn(
  db: Queryable,
  { connection, holder }: SignInPlace,
): Promise<StoredSignIn | null> {
  const { rows } = await db.query<StoredSignIn>(
    `delete from connection_sign_ins where connection = $1 and holder = $2 returning ${columns}`,
    [connection, holder],
  );
  return rows[0] ?? null;
}

/** A sign-in that is under way in one browser session. */
export interface PendingSignIn extends SignInPlace {
  /** The secret of the console's session in which it began. */
  readonly session: string;
  readonly sealed: SealedValue;
}

/** Stores a sign-in that begins. @param state travels through the authorization server; only its hash is kept */
export async function beginConnectionSignIn(
  db: Queryable,
  state: string,
  { connection, holder, session, sealed }: PendingSignIn,
  lifeMs: number,
): Promise<void> {
  await db.query('delete from connection_sign_in_states where expires_at <= now()');
  await db.query(
    `insert into connection_sign_in_states (state_sha256, session_sha256, connection, holder, kek_id, wrapped_key, sealed,
       expires_at) values ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 millisecond')`,
    [sha256(state), sha256(session), connection, holder, sealed.kekId, sealed.wrapped, sealed.sealed, lifeMs],
  );
}

/** Takes a sign-in out, once. @returns null unless state, session and connection belong together and it is in time */
export async function takeConnectionSignIn(
  db: Queryable,
  state: string,
  { session, connection }: { readonly session: string; readonly connection: string },
): Promise<{ readonly holder: string; readonly sealed: SealedValue } | null> {
  const { rows } = await db.query<SealedValue & { holder: string }>(
    `delete from connection_sign_in_states
      where state_sha256 = $1 and session_sha256 = $2 and connection = $3 and expires_at > now()
      returning holder, kek_id as "kekId", wrapped_key as wrapped, sealed`,
    [sha256(state), sha256(session), connection],
  );
  const [row] = rows;
  return row
    ? { holder: row.holder, sealed: { kekId: row.kekId, wrapped: row.wrapped, sealed: row.sealed } }
    : null;
}

const askLifeMs = 60 * 60_000;

/** Names the request of somebody's program for a sign-in; the same one for a while, however often it asks. */
export async function askConnectionSignIn(
  db: Queryable,
  { connection, holder }: SignInPlace,
): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into connection_asks as a (connection, holder, id, expires_at)
     values ($1, $2, $3, now() + $4 * interval '1 millisecond')
     on conflict (connection, holder) do update set
       id = case when a.expires_at > now() + interval '10 minutes' then a.id else excluded.id end,
       expires_at = case when a.expires_at > now() + interval '10 minutes' then a.expires_at else excluded.expires_at end
     returning id`,
    [connection, holder, `ask_${randomBytes(12).toString('base64url')}`, askLifeMs],
  );
  return rows[0]?.id ?? '';
}

/** Whose program asked. @returns null when nobody's did, or it is too long ago */
export async function whoAskedToConnect(db: Queryable, id: string): Promise<SignInPlace | null> {
  const { rows } = await db.query<SignInPlace>(
    'select connection, holder from connection_asks where id = $1 and expires_at > now()',
    [id],
  );
  return rows[0] ?? null;
}

/** A client that was registered, or registers one: of all replicas, one does. */
export async function sharedClient(
  pool: Pool,
  place: string,
  register: () => Promise<SealedValue>,
): Promise<SealedValue> {
  return inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtextextended('client ' || $1, 0))`, [place]);
    const { rows } = await client.query<SealedValue>(
      'select kek_id as "kekId", wrapped_key as wrapped, sealed from connection_clients where place = $1',
      [place],
    );
    if (rows[0]) return rows[0];
    const made = await register();
    await client.query(
      'insert into connection_clients (place, kek_id, wrapped_key, sealed) values ($1, $2, $3, $4)',
      [place, made.kekId, made.wrapped, made.sealed],
    );
    return made;
  });
}

/** Forgets a registered client that its authorization server no longer knows. */
export async function forgetClient(db: Queryable, place: string): Promise<void> {
  await db.query('delete from connection_clients where place = $1', [place]);
}

function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
