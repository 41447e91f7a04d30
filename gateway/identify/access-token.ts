import type { AccessToken } from '../../db/access-tokens.ts';
import { isPersonalToken } from '../../db/personal-token.ts';
import type { Caller } from '../../policy/caller.ts';

/** Where personal and service access tokens are looked up. */
export interface TokenStore {
  /** The token of a secret while it is neither revoked nor expired. */
  readonly find: (secret: string) => Promise<AccessToken | null>;
  /** Notes that a token was used. */
  readonly used: (id: string) => Promise<void>;
}

/**
 * Says whose an access token (`hpat_…`) is. Each is looked up anew, so that one that was revoked is refused by the
 * next call, and a personal token gives no group that its owner has left.
 * @returns null when it is none of ours, was revoked, or has expired
 */
export async function callerOfToken(secret: string, store: TokenStore): Promise<Caller | null> {
  if (!isPersonalToken(secret)) return null;
  const token = await store.find(secret);
  if (!token) return null;
  await store.used(token.id);
  return {
    key: token.personKey,
    subject: token.subject,
    issuer: token.issuer,
    email: token.email,
    name: token.name,
    groups: token.groups,
    actors: [],
    client: null,
    credentialId: `token:${token.id}`,
    claims: {},
    proof: { kind: 'token', scopes: token.scopes, acr: null, amr: [], authenticatedAtMs: null },
  };
}
