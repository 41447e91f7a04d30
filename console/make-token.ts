import { randomBytes } from 'node:crypto';
import { type NewAccessToken, storeToken } from '../db/access-tokens.ts';
import { newPersonalToken } from '../db/personal-token.ts';
import type { Queryable } from '../db/pool.ts';
import type { RecordAct } from './acts.ts';
import { type Identity, issuerOf, ownKey } from './identity.ts';

/** A token cannot be made as asked; the message says what to change. */
export class TokenRefused extends Error {}

/** What somebody asks for. */
export interface TokenWish {
  readonly name: string;
  readonly lifeMs: number;
  /** null: everything its owner may. */
  readonly scopes: readonly string[] | null;
  readonly groups: readonly string[];
}

export interface MakeTokenDeps {
  readonly db: Queryable;
  readonly recordAct: RecordAct;
  readonly now: Date;
  /** How long a token may be good for. */
  readonly longestMs: number;
  /** Every scope that there is. */
  readonly scopes: readonly string[];
}

/** A token that was made. The secret is nowhere else, and cannot be had again. */
export interface MadeToken {
  readonly secret: string;
  readonly token: NewAccessToken;
}

/**
 * Makes a token for a person, by themselves: it gives no group that they are not in.
 * @throws TokenRefused
 */
export async function makePersonalToken(
  deps: MakeTokenDeps,
  owner: Identity,
  wish: TokenWish,
): Promise<MadeToken> {
  const personKey = ownKey(owner);
  const foreign = wish.groups.filter((group) => !owner.groups.includes(group));
  if (foreign.length > 0) throw new TokenRefused(`you are not in ${foreign.join(', ')} yourself`);
  return make(deps, wish, {
    kind: 'personal',
    personKey,
    subject: owner.subject,
    issuer: issuerOf(personKey),
    email: owner.email,
    createdBy: personKey,
  });
}

/**
 * Makes a token for a service, by whoever may administer this Holdpoint.
 * @param by the stable key of whoever makes it
 * @throws TokenRefused
 */
export async function makeServiceToken(
  deps: MakeTokenDeps,
  { subject, by }: { readonly subject: string; readonly by: string },
  wish: TokenWish,
): Promise<MadeToken> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(subject))
    throw new TokenRefused('a service is named by 1 to 63 letters, digits, `.`, `_` or `-`');
  const key = `service:${subject}`;
  return make(deps, wish, {
    kind: 'service',
    personKey: key,
    subject,
    issuer: null,
    email: null,
    createdBy: by,
  });
}

type Owner = Pick<NewAccessToken, 'kind' | 'personKey' | 'subject' | 'issuer' | 'email' | 'createdBy'>;

async function make(deps: MakeTokenDeps, wish: TokenWish, owner: Owner): Promise<MadeToken> {
  const name = wish.name.trim();
  if (name === '' || name.length > 100) throw new TokenRefused('a token needs a name of 1 to 100 characters');
  if (!(wish.lifeMs > 0) || wish.lifeMs > deps.longestMs)
    throw new TokenRefused(
      `a token is good for at most ${Math.floor(deps.longestMs / 86_400_000)} days here (identity.accessTokens.longest)`,
    );
  const unknown = (wish.scopes ?? []).filter((scope) => !deps.scopes.includes(scope));
  if (unknown.length > 0)
    throw new TokenRefused(`there is no scope ${unknown.join(', ')}; there are ${deps.scopes.join(', ')}`);
  if (wish.scopes?.length === 0) throw new TokenRefused('a token that may call nothing is of no use');
  const token: NewAccessToken = {
    ...owner,
    // Never one that a command line takes for an option.
    id: `tok_${randomBytes(9).toString('base64url')}`,
    name,
    groups: [...new Set(wish.groups)],
    scopes: wish.scopes === null ? null : [...new Set(wish.scopes)],
    expiresAt: new Date(deps.now.getTime() + wish.lifeMs),
  };
  await deps.recordAct('tokens.create', {
    id: token.id,
    kind: token.kind,
    owner: token.personKey,
    by: token.createdBy,
    scopes: token.scopes?.join(' ') ?? 'everything',
    groups: token.groups.join(', '),
    expires: token.expiresAt.toISOString(),
  });
  const secret = newPersonalToken();
  await storeToken(deps.db, secret, token);
  return { secret, token };
}
