import { createHash } from 'node:crypto';
import { endGrant } from './oauth-artifacts.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** Who signed in, as access tokens say it. */
export interface SignedInPerson {
  /** The stable key by which decisions and records know them. */
  readonly key: string;
  readonly subject: string;
  readonly issuer: string;
  readonly email: string | null;
  readonly name: string;
  readonly groups: readonly string[];
  readonly acr: string | null;
  readonly amr: readonly string[];
  /** When they proved themselves to the identity provider, in milliseconds since the epoch; null where it does not say. */
  readonly authenticatedAtMs: number | null;
}

/** A client as people are shown it. Only `host` is proven, and only where it is not null. */
export interface AskingClient {
  readonly id: string;
  readonly name: string | null;
  /** The host of a client id that is a URL: whoever holds that host wrote the client's document. */
  readonly host: string | null;
  readonly redirectUri: string;
}

/** A client that waits for a person to sign in and agree. */
export interface SignInRequest {
  readonly client: AskingClient;
  readonly connection: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Where the browser goes back to, once the person has answered. */
  readonly returnTo: string;
}

const columns = 'client, connection, resource, scopes, return_to as "returnTo"';

/** Stores a request under a secret that the browser carries to the console. */
export async function askForSignIn(
  db: Queryable,
  secret: string,
  request: SignInRequest,
  lifeMs: number,
): Promise<void> {
  await db.query(
    `insert into oauth_requests (id_sha256, client, connection, resource, scopes, return_to, expires_at)
     values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 millisecond')`,
    [
      hashOf(secret),
      JSON.stringify(request.client),
      request.connection,
      request.resource,
      request.scopes,
      request.returnTo,
      lifeMs,
    ],
  );
}

/** A request that nobody has answered yet; null when there is none. */
export async function openSignInRequest(db: Queryable, secret: string): Promise<SignInRequest | null> {
  const { rows } = await db.query<SignInRequest>(
    `select ${columns} from oauth_requests where id_sha256 = $1 and answered_at is null and expires_at > now()`,
    [hashOf(secret)],
  );
  return rows[0] ?? null;
}

/**
 * Stores a person's answer, the first one.
 * @param person null when they refuse
 * @param proof a fresh secret that their browser takes back
 * @returns false when it was answered before, or is too late
 */
export async function answerSignIn(
  db: Queryable,
  secret: string,
  { person, proof }: { readonly person: SignedInPerson | null; readonly proof: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update oauth_requests set answered_at = now(), person = $2, proof_sha256 = $3
      where id_sha256 = $1 and answered_at is null and expires_at > now()`,
    [hashOf(secret), person === null ? null : JSON.stringify(person), hashOf(proof)],
  );
  return rowCount === 1;
}

/**
 * Takes an answer out, whoever comes first with its proof.
 * @returns null when proof and address do not belong together, or it is too late
 */
export async function takeSignInAnswer(
  db: Queryable,
  { proof, returnTo }: { readonly proof: string; readonly returnTo: string },
): Promise<(SignInRequest & { readonly person: SignedInPerson | null }) | null> {
  const { rows } = await db.query<SignInRequest & { person: SignedInPerson | null }>(
    `delete from oauth_requests where proof_sha256 = $1 and return_to = $2 and expires_at > now()
      returning ${columns}, person`,
    [hashOf(proof), returnTo],
  );
  return rows[0] ?? null;
}

/** What a sign-in gave a client. */
export interface SignIn {
  readonly grantId: string;
  readonly person: SignedInPerson;
  readonly clientId: string;
  readonly clientName: string | null;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly signedInAt: Date;
  readonly expiresAt: Date;
}

/** Stores a sign-in. */
export async function storeSignIn(
  db: Queryable,
  signIn: Omit<SignIn, 'signedInAt' | 'expiresAt'>,
  lifeMs: number,
): Promise<void> {
  await db.query(
    `insert into oauth_sign_ins (grant_id, person_key, client_id, client_name, resource, scopes, person, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 millisecond')`,
    [
      signIn.grantId,
      signIn.person.key,
      signIn.clientId,
      signIn.clientName,
      signIn.resource,
      signIn.scopes,
      JSON.stringify(signIn.person),
      lifeMs,
    ],
  );
}

const signInColumns = `grant_id as "grantId", person, client_id as "clientId", client_name as "clientName", resource, scopes,
  signed_in_at as "signedInAt", expires_at as "expiresAt"`;

/** A sign-in that stands, and when its person was last vouched for. */
export interface StandingSignIn extends SignIn {
  /** When the identity provider last said who they are and in which groups. */
  readonly vouchedAt: Date;
}

/**
 * A sign-in while it stands, with the groups in which the person was when the identity provider last vouched for
 * them: whoever left a group since does not carry it into the next token.
 */
export async function standingSignIn(db: Queryable, grantId: string): Promise<StandingSignIn | null> {
  const { rows } = await db.query<StandingSignIn & { now: string[] | null }>(
    `select ${signInColumns}, said.groups as now, greatest(signed_in_at, said.seen_at) as "vouchedAt"
       from oauth_sign_ins s left join people_groups said on said.key = s.person_key
      where grant_id = $1 and s.expires_at > now()`,
    [grantId],
  );
  const [row] = rows;
  if (!row) return null;
  const { now, ...signIn } = row;
  return now === null ? signIn : { ...signIn, person: { ...signIn.person, groups: now } };
}

/** The clients that a person is signed in with, the newest first. */
export async function signInsOf(db: Queryable, personKeys: readonly string[]): Promise<readonly SignIn[]> {
  const { rows } = await db.query<SignIn>(
    `select ${signInColumns} from oauth_sign_ins where person_key = any($1) and expires_at > now()
      order by signed_in_at desc limit 200`,
    [personKeys],
  );
  return rows;
}

/**
 * Ends a sign-in: nothing of it can be renewed any more.
 * @returns false when there is none that belongs to one of these people
 */
export async function endSignIn(
  pool: Pool,
  grantId: string,
  personKeys: readonly string[],
): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      'delete from oauth_sign_ins where grant_id = $1 and person_key = any($2)',
      [grantId, personKeys],
    );
    if (rowCount === 1) await endGrant(client, grantId);
    return rowCount === 1;
  });
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
