import { createHash } from 'node:crypto';
import type { SealedValue } from '../../db/held-execution.ts';
import { type KeyRing, newDataKey } from '../../recording/key-ring.ts';
import { seal, unseal } from '../../recording/seal.ts';
import type { CodeClient } from '../credentials/settings.ts';

/** How Holdpoint proves itself to an authorization server. */
export interface OwnClient {
  readonly clientId: string;
  /** Null for a public client. */
  readonly clientSecret: string | null;
  readonly method: 'client_secret_basic' | 'client_secret_post' | 'none';
}

/** What asking a token endpoint again takes. */
export interface TokenSource {
  readonly issuer: string;
  readonly tokenUrl: string;
  /** RFC 7009; null where the authorization server has none. */
  readonly revocationUrl: string | null;
  /** RFC 8707; null where none was asked for. */
  readonly resource: string | null;
  readonly client: OwnClient;
  /** Whether whoever named the endpoints may name one that is not on the public internet. */
  readonly inward: boolean;
}

/** What is kept of a sign-in, sealed. */
export interface KeptTokens extends TokenSource {
  readonly accessToken: string;
  /** Null where the sign-in ends with the access token. */
  readonly refreshToken: string | null;
}

/** Seals a value under a key of its own. @param context what it belongs to; nothing else opens it */
export async function sealValue(keyRing: KeyRing, value: object, context: string): Promise<SealedValue> {
  const key = newDataKey();
  const { kekId, wrapped } = await keyRing.wrap(key, context);
  return { kekId, wrapped, sealed: seal(key, Buffer.from(JSON.stringify(value)), context) };
}

/** @throws Error when the key ring does not have the key, or the value was altered or moved */
export async function unsealValue<T>(keyRing: KeyRing, value: SealedValue, context: string): Promise<T> {
  const key = await keyRing.unwrap(value, context);
  return JSON.parse(unseal(key, value.sealed, context).toString()) as T;
}

/** What sealed tokens of a person on a connection belong to. */
export function tokensContext(connection: string, holder: string): string {
  return `connection-sign-in:${JSON.stringify([connection, holder])}`;
}

/** Names the settings under which a sign-in was made: what they gave is not used under others. */
export function settingsHash(url: string, client: CodeClient): string {
  const { clientSecret: _, ...named } = client;
  return createHash('sha256')
    .update(JSON.stringify([url, Object.entries(named).toSorted(([a], [b]) => (a < b ? -1 : 1))]))
    .digest('hex')
    .slice(0, 32);
}
