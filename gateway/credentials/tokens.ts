import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { forgetToken, type SealedToken, sharedToken, type TokenPlace } from '../../db/injected-tokens.ts';
import type { Pool } from '../../db/pool.ts';
import { type KeyRing, newDataKey } from '../../recording/key-ring.ts';
import { seal, unseal } from '../../recording/seal.ts';
import { UpstreamError } from '../errors.ts';
import { credentialsUnavailable } from './errors.ts';
import type { TokenClient } from './settings.ts';
import { askForToken, TokenEndpointError } from './token-endpoint.ts';

/** What is asked of a token endpoint, and for whom. */
export interface TokenWish {
  readonly connection: string;
  readonly client: TokenClient;
  /** Parameters of the grant; asked for when a token must be fetched. */
  readonly grant: () => Readonly<Record<string, string>>;
  /** For whom; empty where Holdpoint acts as itself. */
  readonly holder: string;
}

/** Tokens for upstream servers, fetched before they expire, once for all replicas. */
export interface UpstreamTokens {
  /** @throws UpstreamError `credentials_unavailable` */
  token(wish: TokenWish): Promise<string>;
  /**
   * Upstream did not accept it: another one is fetched, unless somebody has done that already.
   * @returns whether there is another one now
   * @throws UpstreamError `credentials_unavailable`
   */
  refused(wish: TokenWish, token: string): Promise<boolean>;
}

export interface UpstreamTokensDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly log: Logger;
}

/** A token in memory. */
interface Held {
  readonly token: Promise<string>;
  untilMs: number;
}

/** A token is fetched anew this long before it expires, or when four fifths of a short life are over. */
const earlyMs = 60_000;
const mostHeld = 10_000;

export function upstreamTokens({ pool, keyRing, log }: UpstreamTokensDeps): UpstreamTokens {
  const held = new Map<string, Held>();

  async function fetchSealed(wish: TokenWish, place: TokenPlace): Promise<SealedToken> {
    const { accessToken, livesMs } = await askForToken(wish.client, wish.grant());
    const key = newDataKey();
    const { kekId, wrapped } = await keyRing.wrap(key, contextOf(place));
    return {
      kekId,
      wrapped,
      sealed: seal(key, Buffer.from(accessToken), contextOf(place)),
      // Stored as what it is good for, so that replicas agree on when to fetch the next.
      expiresAt: new Date(Date.now() + livesMs - Math.min(earlyMs, livesMs / 5)),
    };
  }

  async function get(wish: TokenWish, place: TokenPlace, mine: Held): Promise<string> {
    const usable = (token: SealedToken): boolean => token.expiresAt.getTime() > Date.now();
    const found = await sharedToken(pool, place, usable, () => fetchSealed(wish, place));
    mine.untilMs = found.expiresAt.getTime();
    const key = await keyRing.unwrap(found, contextOf(place));
    return unseal(key, found.sealed, contextOf(place)).toString();
  }

  function token(wish: TokenWish): Promise<string> {
    const place = placeOf(wish);
    const key = keyOf(place);
    const known = held.get(key);
    if (known && Date.now() < known.untilMs) return known.token;
    if (held.size >= mostHeld) held.delete(held.keys().next().value ?? '');
    const mine: { token: Promise<string>; untilMs: number } = {
      untilMs: Number.POSITIVE_INFINITY,
      token: Promise.resolve(''),
    };
    mine.token = get(wish, place, mine).catch((error: unknown) => {
      if (held.get(key) === mine) held.delete(key);
      if (error instanceof UpstreamError) throw error;
      log.warn({ err: error, connection: wish.connection }, 'a token for an upstream could not be had');
      const why = error instanceof TokenEndpointError ? error.message : 'an error in the gateway';
      throw credentialsUnavailable(wish.connection, why, error);
    });
    held.set(key, mine);
    return mine.token;
  }

  return {
    token,
    async refused(wish, refused) {
      const place = placeOf(wish);
      const key = keyOf(place);
      const before = held.get(key);
      // What is in memory may be behind what another replica has fetched by now; ours is only forgotten if it is this.
      if (before && (await before.token.catch(() => refused)) === refused && held.get(key) === before)
        held.delete(key);
      if ((await token(wish)) !== refused) return true;
      held.delete(key);
      await forgetToken(pool, place);
      return (await token(wish)) !== refused;
    },
  };
}

function keyOf({ source, holder }: TokenPlace): string {
  return `${source} ${holder}`;
}

function placeOf({ connection, client, holder }: TokenWish): TokenPlace {
  const { tokenUrl, clientId, scope, audience, resource } = client;
  const source = createHash('sha256')
    .update(JSON.stringify([connection, tokenUrl, clientId, scope, audience, resource]))
    .digest('hex')
    .slice(0, 32);
  return { source, holder };
}

function contextOf({ source, holder }: TokenPlace): string {
  return `injected-token:${source}:${holder}`;
}
