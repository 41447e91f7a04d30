import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  errors,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose';
import { addSigningKey, signingKeys, type StoredSigningKey } from '../../db/oauth-keys.ts';
import type { Pool } from '../../db/pool.ts';
import { type KeyRing, newDataKey } from '../../recording/key-ring.ts';
import { seal, unseal } from '../../recording/seal.ts';
import { IssuerUnavailable } from '../identify/issuer-keys.ts';

/** The keys of the authorization server at one moment. */
export interface KeySet {
  /** Private keys, the one that signs first. */
  readonly privateKeys: readonly JWK[];
  /** What is published: every key that may have signed a token that still counts, and the next one. */
  readonly publicKeys: readonly JWK[];
  /** Changes whenever the keys do. */
  readonly version: string;
}

/** The keys of the authorization server, the same on every replica. */
export interface SigningKeys {
  /** @throws Error when the database cannot be asked, and the keys known are too old */
  readonly current: () => Promise<KeySet>;
  /** For checking tokens, without a way over the network. */
  readonly verify: JWTVerifyGetKey;
}

/** A key signs for this long. */
const rotateAfterMs = 30 * 86_400_000;
/** A new key is published for this long before it signs: longer than anybody goes without looking. */
const leadMs = 15 * 60_000;
/** A key checks until it is this old: it signed until the next one took over, and tokens live minutes. */
const maxAgeMs = 2 * rotateAfterMs + 2 * leadMs;
/** Stored keys are looked at again after this long. */
const freshMs = 60_000;
/** Keys older than this serve nobody. */
const staleMs = 10 * 60_000;
/** A token with an unknown key id makes us look again at most this often. */
const lookPauseMs = 5_000;

/** Opens the keys; makes the first one, and the next one when it is time. */
export function createSigningKeys(
  pool: Pool,
  keyRing: KeyRing,
  issuer: string,
  now: () => number = Date.now,
): SigningKeys {
  let known: { readonly set: KeySet; readonly atMs: number } | null = null;
  let pending: Promise<KeySet> | null = null;
  const load = (): Promise<KeySet> => {
    pending ??= readKeys(pool, keyRing, now)
      .then((set) => {
        known = { set, atMs: now() };
        return set;
      })
      .finally(() => {
        pending = null;
      });
    return pending;
  };
  const current = async (): Promise<KeySet> => {
    if (known && now() - known.atMs < freshMs) return known.set;
    const former = known && now() - known.atMs < staleMs ? known.set : null;
    return former ? load().catch(() => former) : load();
  };
  return {
    current,
    verify: async (header, token) => {
      const find = async (set: KeySet) => createLocalJWKSet({ keys: [...set.publicKeys] })(header, token);
      try {
        return await find(await current().catch(unavailable));
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || now() - (known?.atMs ?? 0) < lookPauseMs)
          throw error;
        return find(await load().catch(unavailable));
      }
    },
  };

  function unavailable(error: unknown): never {
    throw new IssuerUnavailable(issuer, error);
  }
}

async function readKeys(pool: Pool, keyRing: KeyRing, now: () => number): Promise<KeySet> {
  let stored = await signingKeys(pool, maxAgeMs);
  const [newest] = stored;
  if (!newest || now() - newest.madeAt.getTime() > rotateAfterMs) {
    await addSigningKey(pool, await newKey(keyRing), { rotateAfterMs, leadMs });
    stored = await signingKeys(pool, maxAgeMs);
  }
  const signing = stored.find((key) => key.signsFrom.getTime() <= now()) ?? stored.at(-1);
  if (!signing) throw new Error('the authorization server has no key');
  const ordered = [signing, ...stored.filter((key) => key !== signing)];
  return {
    privateKeys: await Promise.all(ordered.map((key) => opened(key, keyRing))),
    publicKeys: ordered.map((key) => key.publicJwk as JWK),
    version: ordered.map((key) => key.kid).join(' '),
  };
}

async function newKey(keyRing: KeyRing): Promise<Parameters<typeof addSigningKey>[1]> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const kid = await calculateJwkThumbprint(await exportJWK(publicKey));
  const named = { kid, alg: 'ES256', use: 'sig' };
  const dataKey = newDataKey();
  const jwk = Buffer.from(JSON.stringify({ ...(await exportJWK(privateKey)), ...named }));
  return {
    kid,
    publicJwk: { ...(await exportJWK(publicKey)), ...named },
    dataKey: await keyRing.wrap(dataKey, contextOf(kid)),
    sealedJwk: seal(dataKey, jwk, contextOf(kid)),
  };
}

async function opened(key: StoredSigningKey, keyRing: KeyRing): Promise<JWK> {
  const dataKey = await keyRing.unwrap(key.dataKey, contextOf(key.kid));
  return JSON.parse(unseal(dataKey, key.sealedJwk, contextOf(key.kid)).toString()) as JWK;
}

function contextOf(kid: string): string {
  return `oauth key ${kid}`;
}
