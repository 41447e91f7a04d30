import * as oidc from 'openid-client';
import type { Logger } from 'pino';
import {
  beginConnectionSignIn,
  type ConnectionSignIn,
  connectionSignIn,
  connectionSignInsOf,
  dropConnectionSignIn,
  type Holder,
  type SignInPlace,
  storeConnectionSignIn,
  takeConnectionSignIn,
} from '../../db/connection-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { CodeClient } from '../credentials/settings.ts';
import { ConnectError, findServer } from './discovery.ts';
import { type ClientDescription, clientMetadata, forgetOwnClient, ownClient } from './own-client.ts';
import {
  type KeptTokens,
  sealValue,
  settingsHash,
  type TokenSource,
  tokensContext,
  unsealValue,
} from './sealing.ts';
import { revokeTokens, tokensForCode, TokensRefused } from './token-endpoint.ts';
import { sealTokens } from './user-tokens.ts';

/** A connection at which each person signs in. */
export interface PersonalConnection {
  readonly url: string;
  readonly client: CodeClient;
}

/** A sign-in that begins in a browser session of the console. */
export interface BeginSignIn {
  readonly connection: string;
  readonly holder: string;
  /** The secret of the console's session. */
  readonly session: string;
}

/** How a sign-in ended. */
export type SignInEnd =
  | { readonly kind: 'connected'; readonly holder: string; readonly issuer: string }
  /** `why` is for people, and holds nothing of what the authorization server said but its error code. */
  | { readonly kind: 'refused'; readonly why: string };

/** What the console does about people's own sign-ins at upstream servers. */
export interface ConnectDesk {
  /** The connections at which people sign in, with the host of each. */
  readonly connections: ReadonlyMap<string, { readonly host: string }>;
  /** The sign-ins of a person that still count. */
  standing(holders: readonly string[]): Promise<readonly ConnectionSignIn[]>;
  /**
   * Begins a sign-in. @returns where the browser goes
   * @throws ConnectError when it cannot be found out where that is
   */
  begin(asked: BeginSignIn): Promise<URL>;
  /** Takes the answer of an authorization server, once, in the browser session in which the sign-in began. */
  finish(
    asked: { readonly connection: string; readonly session: string; readonly answer: URL },
    who: Holder,
  ): Promise<SignInEnd>;
  /** Ends a sign-in, here and, where that is offered, at the authorization server. @returns false when there was none */
  disconnect(place: SignInPlace): Promise<boolean>;
  /** What the document of a client id says (CIMD); null for connections that have none. */
  document(connection: string): object | null;
}

export interface DeskDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly log: Logger;
  /** Where browsers reach the console, without a slash at the end. */
  readonly consoleUrl: () => string;
}

/** What travels with a sign-in, sealed, from its beginning to its answer. */
interface Travelling extends TokenSource {
  readonly codeVerifier: string;
  readonly saysIssuer: boolean;
  readonly settings: string;
  /** Left out of those that began under an earlier version. */
  readonly askedScope?: string | null;
}

const lifeMs = 10 * 60_000;

export function createConnectDesk(
  connections: Readonly<Record<string, PersonalConnection>>,
  deps: DeskDeps,
): ConnectDesk {
  const { pool, keyRing, log, consoleUrl } = deps;
  const byName = new Map(Object.entries(connections));

  const describe = (connection: string): ClientDescription => {
    const base = `${consoleUrl()}/connections/${connection}`;
    const documentUrl = consoleUrl().startsWith('https:') ? `${base}/client.json` : null;
    return { redirectUri: `${base}/callback`, documentUrl };
  };

  async function begin({ connection, holder, session }: BeginSignIn): Promise<URL> {
    const settings = byName.get(connection);
    if (!settings) throw new ConnectError('there is no such connection');
    const { url, client } = settings;
    const server = await findServer(url, client);
    const description = describe(connection);
    const own = await ownClient(deps, server, client, description);
    const codeVerifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const { issuer, tokenUrl, revocationUrl, resource, inward, saysIssuer } = server;
    const wanted = client.scope === null ? await wantedScope({ connection, holder }, url, client) : null;
    const scope = client.scope ?? wanted ?? server.scopes?.join(' ') ?? null;
    const travelling: Travelling = {
      issuer,
      tokenUrl,
      revocationUrl,
      resource,
      inward,
      saysIssuer,
      codeVerifier,
      client: own,
      settings: settingsHash(url, client),
      askedScope: scope,
    };
    const sealed = await sealValue(keyRing, travelling, stateContext(connection, holder));
    await beginConnectionSignIn(pool, state, { connection, holder, session, sealed }, lifeMs);
    const to = new URL(server.authorizationUrl);
    const parameters = {
      response_type: 'code',
      client_id: own.clientId,
      redirect_uri: description.redirectUri,
      state,
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      ...(scope !== null && { scope }),
      ...(resource !== null && { resource }),
    };
    for (const [name, value] of Object.entries(parameters)) to.searchParams.set(name, value);
    return to;
  }

  /** What the server has said that it wants, together with what the person agreed to before. */
  async function wantedScope(place: SignInPlace, url: string, client: CodeClient): Promise<string | null> {
    const row = await connectionSignIn(pool, place);
    return row && row.settings === settingsHash(url, client) ? row.wantedScope : null;
  }

  async function finish(
    { connection, session, answer }: Parameters<ConnectDesk['finish']>[0],
    who: Holder,
  ): Promise<SignInEnd> {
    const state = answer.searchParams.get('state') ?? '';
    const taken = await takeConnectionSignIn(pool, state, { session, connection });
    if (!taken || !byName.has(connection) || !who.keys.includes(taken.holder))
      return { kind: 'refused', why: 'No sign-in waits for this answer in this browser.' };
    const { holder } = taken;
    const travelling = await unsealValue<Travelling>(keyRing, taken.sealed, stateContext(connection, holder));
    const { codeVerifier, saysIssuer, settings, askedScope = null, ...source } = travelling;
    const here = new URL(describe(connection).redirectUri);
    here.search = answer.search;
    try {
      const given = await tokensForCode(source, here, { state, codeVerifier, saysIssuer });
      const place = { connection, holder };
      const stored = {
        ...(await sealTokens(keyRing, place, given)),
        settings,
        askedScope,
        issuer: source.issuer,
      };
      if (await storeConnectionSignIn(pool, place, stored, who))
        return { kind: 'connected', holder, issuer: source.issuer };
      await revokeTokens(given.kept).catch(() => {});
      return { kind: 'refused', why: 'Your access has been revoked.' };
    } catch (error) {
      if (!(error instanceof TokensRefused)) throw error;
      if (error.unknownClient) await forgetOwnClient(deps, source, describe(connection));
      log.warn({ err: error, connection }, 'a sign-in at an upstream failed');
      return { kind: 'refused', why: `The sign-in failed: ${error.message}.` };
    }
  }

  return {
    connections: new Map([...byName].map(([name, { url }]) => [name, { host: new URL(url).host }])),
    async standing(holders) {
      const found = await connectionSignInsOf(pool, holders);
      return found.filter(({ connection, settings }) => {
        const now = byName.get(connection);
        return now !== undefined && settingsHash(now.url, now.client) === settings;
      });
    },
    begin,
    finish,
    async disconnect(place) {
      const dropped = await dropConnectionSignIn(pool, place);
      if (!dropped) return false;
      const kept = await unsealValue<KeptTokens>(
        keyRing,
        dropped,
        tokensContext(place.connection, place.holder),
      );
      // It is over here in any case.
      await revokeTokens(kept).catch((error: unknown) =>
        log.warn(
          { err: error, connection: place.connection },
          'an authorization server was not told of an end',
        ),
      );
      return true;
    },
    document(connection) {
      const { redirectUri, documentUrl } = describe(connection);
      if (documentUrl === null || byName.get(connection)?.client.clientId !== null) return null;
      return { client_id: documentUrl, client_uri: consoleUrl(), ...clientMetadata(redirectUri, 'none') };
    },
  };
}

function stateContext(connection: string, holder: string): string {
  return `connection-sign-in-state:${JSON.stringify([connection, holder])}`;
}
