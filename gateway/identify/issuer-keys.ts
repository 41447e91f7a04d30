import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { discoveryOf } from './discovery.ts';
import { fetchJson, type Fetch } from './fetch-json.ts';
import type { IssuerSettings } from './settings.ts';

/** The issuer's keys cannot be had at the moment. */
export class IssuerUnavailable extends Error {
  constructor(issuer: string, cause: unknown) {
    super(`the keys of ${issuer} cannot be had`, { cause });
    this.name = 'IssuerUnavailable';
  }
}

export interface IssuerKeysDeps {
  readonly fetch: Fetch;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Keys are asked for again after this long, while the known ones still serve. */
const freshMs = 5 * 60_000;
/** Older keys serve nobody: a withdrawn key stops working, and an issuer that is down shuts the door. */
const maxAgeMs = 15 * 60_000;
/** A token with an unknown key id makes us look for a rotated key at most this often. */
const rotationPauseMs = 30_000;
/** After a failure, nobody asks the issuer for this long. */
const failurePauseMs = 2_000;

interface Fetched {
  readonly find: JWTVerifyGetKey;
  readonly atMs: number;
}

/**
 * The signing keys of one issuer: found by discovery, cached, refreshed when they are old or when a token names
 * a key that is not among them. One request at a time, however many tokens wait. An issuer that is down for a few
 * minutes locks nobody out; when the cached keys are too old, nobody gets in.
 */
export function issuerKeys(
  settings: Pick<IssuerSettings, 'issuer' | 'jwksUrl'>,
  { fetch, now }: IssuerKeysDeps,
): JWTVerifyGetKey {
  let keys: Fetched | null = null;
  let failed: { readonly atMs: number; readonly error: IssuerUnavailable } | null = null;
  let pending: Promise<Fetched> | null = null;
  let jwksUrl = settings.jwksUrl;

  const load = async (): Promise<Fetched> => {
    try {
      jwksUrl ??= jwksUrlOf(await discoveryOf(settings.issuer, fetch), settings.issuer);
      const found = await fetchJson(fetch, jwksUrl);
      keys = { find: createLocalJWKSet(found as unknown as JSONWebKeySet), atMs: now() };
      failed = null;
      return keys;
    } catch (error) {
      // A moved key set is found again by asking the discovery document next time.
      jwksUrl = settings.jwksUrl;
      failed = { atMs: now(), error: new IssuerUnavailable(settings.issuer, error) };
      throw failed.error;
    } finally {
      pending = null;
    }
  };
  const refresh = (): Promise<Fetched> => {
    if (pending) return pending;
    if (failed && now() - failed.atMs < failurePauseMs) return Promise.reject(failed.error);
    pending = load();
    return pending;
  };

  return async (header, token) => {
    const current = keys && now() - keys.atMs < maxAgeMs ? keys : await refresh();
    // A failure here is kept in `failed`, and refuses tokens once the keys are too old.
    if (now() - current.atMs >= freshMs) refresh().catch(() => undefined);
    try {
      return await current.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || now() - current.atMs < rotationPauseMs) throw error;
      return (await refresh()).find(header, token);
    }
  };
}

function jwksUrlOf(metadata: Readonly<Record<string, unknown>>, issuer: string): string {
  const url = metadata['jwks_uri'];
  if (typeof url !== 'string' || !URL.canParse(url))
    throw new Error(`the discovery document of ${issuer} has no jwks_uri`);
  if (new URL(url).protocol !== 'https:' && !issuer.startsWith('http:'))
    throw new Error(`the keys of ${issuer} are not served over https`);
  return url;
}
