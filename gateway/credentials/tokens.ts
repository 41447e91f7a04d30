import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import { type SealedToken, sharedToken, type TokenPlace } from '../../db/injected-tokens.ts';
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

  async function opened(token: SealedToken, place: TokenPlace): Promise<string> {
    const key = await keyRing.unwrap(token, contextOf(place));
    return unseal(key, token.sealed, contextOf(place)).toString();
  }

  async function get(wish: TokenWish, mine: Held, refused: string | null): Promise<string> {
    const place = placeOf(wish);
    const usable = async (token: SealedToken): Promise<boolean> =>
      token.expiresAt.getTime() > Date.now() &&
      (refused === null || (await opened(token, place)) !== refused);
    const found = await sharedToken(pool, place, usable, () => fetchSealed(wish, place));
    mine.untilMs = found.expiresAt.getTime();
    return opened(found, place);
  }

  /** Asks for the token that all replicas share, for one that is not `refused`, and keeps it in memory. */
  function ask(wish: TokenWish, refused: string | null): Promise<string> {
    const key = keyOf(placeOf(wish));
    if (held.size >= mostHeld) held.delete(held.keys().next().value ?? '');
    const mine: { token: Promise<string>; untilMs: number } = {
      untilMs: Number.POSITIVE_INFINITY,
      token: Promise.resolve(''),
    };
    mine.token = get(wish, mine, refused).catch((error: unknown) => {
      if (held.get(key) === mine) held.delete(key);
      if (error instanceof UpstreamError) throw error;
      log.warn({ err: error, connection: wish.connection }, 'a token for an upstream could not be had');
      const why = error instanceof TokenEndpointError ? error.message : 'an error in the gateway';
      throw credentialsUnavailable(wish.connection, why, error);
    });
    held.set(key, mine);
    return mine.token;
  }

  function known(wish: TokenWish): Promise<string> | null {
    const found = held.get(keyOf(placeOf(wish)));
    return found && Date.now() < found.untilMs ? found.token : null;
  }

  return {
    token: (wish) => known(wish) ?? ask(wish, null),
    async refused(wish, refused) {
      // One is there already where another request was refused the same token.
      if (((await known(wish)?.catch(() => refused)) ?? refused) !== refused) return true;
      // Compared where all replicas take turns, so that what one has fetched since is never thrown away.
      return (await ask(wish, refused)) !== refused;
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
