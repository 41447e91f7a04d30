import type { Logger } from 'pino';
import {
  connectionSignIn,
  type GivenTokens,
  noteWantedScope,
  renewConnectionSignIn,
  type SignInPlace,
  type StoredSignIn,
} from '../../db/connection-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import { credentialsUnavailable } from '../credentials/errors.ts';
import { UpstreamError } from '../errors.ts';
import { type KeptTokens, sealValue, tokensContext, unsealValue } from './sealing.ts';
import { type PersonsTokens, renewedTokens, TokensRefused } from './token-endpoint.ts';

/** The tokens of one connection for one caller. */
export interface TokenWanted extends SignInPlace {
  /** `settingsHash`: a sign-in that was made under other settings does not count. */
  readonly settings: string;
  /** Whether an upstream may name further scopes: not where the configuration says what is asked for. */
  readonly mayWiden: boolean;
}

/** People's own tokens for upstream servers. Every answer is the database's of this moment: a sign-in that ended is over. */
export interface UserTokens {
  /** Whether somebody has signed in. A yes may be a second old. */
  has(wanted: TokenWanted): Promise<boolean>;
  /** @throws UpstreamError `sign_in_needed`, `credentials_unavailable` */
  token(wanted: TokenWanted): Promise<string>;
  /**
   * Upstream did not accept a token: it is renewed, unless that has happened already.
   * @returns whether there is another one now
   */
  refused(wanted: TokenWanted, token: string): Promise<boolean>;
  /** Whether the server has asked for more than the person's sign-in allows, and they have not been there since. */
  wantsMore(wanted: TokenWanted): Promise<boolean>;
  /**
   * Upstream wants scopes that a token lacks (RFC 6750 section 3.1, `insufficient_scope`).
   * @returns whether there is another token by now, to be tried
   * @throws UpstreamError `sign_in_needed` where the person can be asked for more; `upstream_unauthorized` where they were
   *   asked for all of it before, or may not be
   */
  tooNarrow(wanted: TokenWanted, token: string, scopes: readonly string[]): Promise<boolean>;
}

export interface UserTokensDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly log: Logger;
}

/** Tokens are renewed this long before they expire, or when four fifths of a short life are over. */
const earlyMs = 60_000;
const mostOpen = 2_000;
const yesLivesMs = 1_000;
/** What servers may come to want of one person, in characters. */
const longestScope = 2_000;

const due = ({ renewAt }: StoredSignIn): boolean => renewAt !== null && renewAt.getTime() <= Date.now();

function words(scope: string): readonly string[] {
  return scope.split(' ').filter((word) => word !== '');
}

export function createUserTokens({ pool, keyRing, log }: UserTokensDeps): UserTokens {
  /** Unsealed, by version: what is stored is asked for each time, and opened once. */
  const open = new Map<string, Promise<KeptTokens>>();
  const yes = new Map<string, number>();

  function opened(row: StoredSignIn): Promise<KeptTokens> {
    const known = open.get(row.version);
    if (known) return known;
    if (open.size >= mostOpen) open.delete(open.keys().next().value ?? '');
    const made = unsealValue<KeptTokens>(keyRing, row, tokensContext(row.connection, row.holder));
    open.set(row.version, made);
    made.catch(() => open.delete(row.version));
    return made;
  }

  const placeOf = ({ connection, holder }: TokenWanted): string => JSON.stringify([connection, holder]);
  /** What was known of a sign-in that is over is not true any more. */
  function over(wanted: TokenWanted): UpstreamError {
    yes.delete(placeOf(wanted));
    return signInNeeded(wanted.connection);
  }

  async function stored(wanted: TokenWanted): Promise<StoredSignIn | null> {
    const row = await connectionSignIn(pool, wanted);
    return row && row.settings === wanted.settings ? row : null;
  }

  /** The row with tokens that are good, renewed if `isDue` says so of the row under its lock. */
  async function renewed(
    wanted: TokenWanted,
    isDue: (row: StoredSignIn) => boolean | Promise<boolean>,
  ): Promise<StoredSignIn | null> {
    return renewConnectionSignIn(pool, wanted, async (row) => {
      if (row.settings !== wanted.settings || !(await isDue(row))) return 'keep';
      try {
        return await sealTokens(keyRing, wanted, await renewedTokens(await opened(row)));
      } catch (error) {
        if (!(error instanceof TokensRefused) || !error.final) throw error;
        const { connection, holder } = wanted;
        log.info({ connection, holder, why: error.message }, 'a sign-in at an upstream is over');
        return 'forget';
      } finally {
        open.delete(row.version);
      }
    });
  }

  function unavailable({ connection }: TokenWanted, error: unknown): UpstreamError {
    if (error instanceof UpstreamError) return error;
    log.warn({ err: error, connection }, "a person's token for an upstream could not be had");
    const why = error instanceof TokensRefused ? error.message : 'an error in the gateway';
    return credentialsUnavailable(connection, why, error);
  }

  async function tooNarrow(wanted: TokenWanted, token: string, scopes: readonly string[]): Promise<boolean> {
    const row = await stored(wanted);
    if (!row) throw over(wanted);
    if ((await opened(row)).accessToken !== token) return true;
    const asked = new Set(words(`${row.askedScope ?? ''} ${row.scope ?? ''}`));
    const all = [...new Set([...asked, ...words(row.wantedScope ?? ''), ...scopes])];
    const { connection, holder } = wanted;
    const further = scopes.some((scope) => !asked.has(scope));
    if (!wanted.mayWiden || !further || all.join(' ').length > longestScope) {
      const why = wanted.mayWiden ? 'it was asked for before' : '`scope` of the connection does not have it';
      log.warn({ connection, holder, scopes, why }, 'an upstream wants more than a sign-in may be asked for');
      throw new UpstreamError(
        'upstream_unauthorized',
        `upstream "${connection}" wants more rights for this than your sign-in there has, and signing in again would not give them; whoever runs Holdpoint can say why`,
        { sent: false },
      );
    }
    await noteWantedScope(pool, wanted, row.version, all.join(' '));
    yes.delete(placeOf(wanted));
    throw signInNeeded(connection);
  }

  return {
    async wantsMore(wanted) {
      const row = await stored(wanted).catch((error: unknown) => {
        throw unavailable(wanted, error);
      });
      return row !== null && row.wantedScope !== null;
    },
    tooNarrow: (wanted, token, scopes) =>
      tooNarrow(wanted, token, scopes).catch((error: unknown) => {
        throw unavailable(wanted, error);
      }),
    async has(wanted) {
      const key = placeOf(wanted);
      if ((yes.get(key) ?? 0) > Date.now()) return true;
      yes.delete(key);
      const found = await stored(wanted).catch((error: unknown) => {
        throw unavailable(wanted, error);
      });
      if (!found) return false;
      // Better to know that it is over before anything is begun with it. What cannot be asked now is not over.
      if (due(found) && !(await renewed(wanted, due).catch(() => found))) return false;
      if (yes.size >= mostOpen) yes.delete(yes.keys().next().value ?? '');
      yes.set(key, Date.now() + yesLivesMs);
      return true;
    },
    async token(wanted) {
      try {
        const found = await stored(wanted);
        const row = found && due(found) ? await renewed(wanted, due) : found;
        if (!row) throw over(wanted);
        return (await opened(row)).accessToken;
      } catch (error) {
        throw unavailable(wanted, error);
      }
    },
    async refused(wanted, token) {
      try {
        const row = await renewed(wanted, async (now) => (await opened(now)).accessToken === token);
        if (!row) throw over(wanted);
        return (await opened(row)).accessToken !== token;
      } catch (error) {
        throw unavailable(wanted, error);
      }
    },
  };
}

/** What was given, as it is stored. */
export async function sealTokens(
  keyRing: KeyRing,
  { connection, holder }: SignInPlace,
  { kept, livesMs, scope }: PersonsTokens,
): Promise<GivenTokens> {
  const sealed = await sealValue(keyRing, kept, tokensContext(connection, holder));
  const renewAt = livesMs === null ? null : new Date(Date.now() + livesMs - Math.min(earlyMs, livesMs / 5));
  return { ...sealed, renewAt, scope };
}

/** Whoever calls has not signed in at this upstream, or not any more: nothing is sent. */
export function signInNeeded(connection: string): UpstreamError {
  return new UpstreamError(
    'sign_in_needed',
    `upstream "${connection}" wants you to sign in yourself, on the page Connections of Holdpoint's console; nothing was sent`,
    { sent: false },
  );
}
