import {
  type ClientMetadata,
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';
import { hkdfSync } from 'node:crypto';
import type { Logger } from 'pino';
import { personHandles, revokedAmong } from '../../db/revocations.ts';
import { standingSignIn } from '../../db/oauth-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import { postgresAdapter } from './adapter.ts';
import { fetchClientDocument } from './client-document.ts';
import { errorPage } from './error-page.ts';
import { paths } from './paths.ts';
import { targetOfResource } from './resources.ts';
import type { AuthorizationSettings } from './settings.ts';
import type { KeySet } from './signing-keys.ts';

/** Fetches the document of a client id that is a URL. */
export type FetchDocument = (url: string | URL, init: RequestInit) => Promise<Response>;

export interface ProviderDeps {
  readonly pool: Pool;
  readonly log: Logger;
  /** Signs the cookies of a sign-in that is under way; the same on every replica. */
  readonly cookieSecret: string;
  readonly fetchDocument: FetchDocument;
}

const sec = (ms: number): number => Math.max(1, Math.floor(ms / 1000));

/** A person has this long to sign in and agree. */
export const interactionLifeMs = 15 * 60_000;

/**
 * Sets oidc-provider up for what MCP asks of an authorization server: the authorization code flow with PKCE (S256),
 * for public clients, one resource (RFC 8707) a token, JWT access tokens (RFC 9068), refresh tokens that are rotated at
 * each use and end the whole grant when one is used twice. Nobody stays signed in here: each request is answered by
 * the console, where people sign in.
 */
export function createProvider(settings: AuthorizationSettings, keys: KeySet, deps: ProviderDeps): Provider {
  const provider = new Provider(settings.issuer, configurationOf(settings, keys, deps));
  // What reaches it has been rewritten to the public URL (routes.ts): no header of a client's is believed.
  provider.proxy = true;
  provider.on('server_error', (_, error) =>
    deps.log.error({ err: error }, 'the authorization server failed'),
  );
  const told = (what: string) => (_: KoaContextWithOIDC, error: errors.OIDCProviderError) =>
    deps.log.info({ error: error.error, because: error.error_description }, what);
  provider.on('authorization.error', told('a sign-in was refused'));
  provider.on('grant.error', told('a token was refused'));
  return provider;
}

function configurationOf(
  settings: AuthorizationSettings,
  keys: KeySet,
  { pool, cookieSecret, fetchDocument }: ProviderDeps,
): Configuration {
  return {
    adapter: postgresAdapter(pool),
    jwks: { keys: structuredClone(keys.privateKeys) as never },
    // The command line is known to every Holdpoint, and a public client like all others.
    clients: [commandLine(settings)],
    // Those of connections belong to their resources.
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'] },
    responseTypes: ['code'],
    clientAuthMethods: ['none'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      id_token_signed_response_alg: 'ES256',
    },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    pkce: { required: () => true },
    routes: {
      authorization: paths.authorize,
      token: paths.token,
      jwks: paths.keys,
      revocation: paths.revoke,
    },
    // Tokens are asked for from browsers too (MCP Inspector), by public clients, without cookies.
    clientBasedCORS: () => true,
    cookies: {
      keys: [cookieSecret],
      short: { signed: true, httpOnly: true, sameSite: 'lax', overwrite: true },
      long: { signed: true, httpOnly: true, sameSite: 'lax', overwrite: true },
    },
    ttl: {
      AccessToken: sec(settings.accessTokenLifeMs),
      AuthorizationCode: 60,
      IdToken: 300,
      Interaction: sec(interactionLifeMs),
      Session: sec(interactionLifeMs),
      RefreshToken: sec(settings.signInLifeMs),
      Grant: sec(settings.signInLifeMs),
    },
    interactions: {
      policy: policy(),
      url: (_, { uid }) => `${basePath(settings)}${paths.signIn}/${uid}`,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      dPoP: dpop(settings, cookieSecret),
      clientIdMetadataDocument: { enabled: settings.clientDocuments, ack: 'draft-02' },
      resourceIndicators: resourceIndicators(settings),
    },
    expiresWithSession: () => false,
    issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    findAccount: async (_, sub, token) => {
      const grantId = token && 'grantId' in token ? token.grantId : undefined;
      // A sign-in that has ended, or whose person or client has been cut off, gives no more tokens.
      if (grantId !== undefined && !(await mayBeServed(pool, grantId))) return undefined;
      return { accountId: sub, claims: () => ({ sub }) };
    },
    extraTokenClaims: async (_, token) => claimsOf(pool, 'grantId' in token ? token.grantId : undefined),
    fetch: fetchClientDocument(fetchDocument) as never,
    renderError: async (ctx, out) => {
      ctx.type = 'html';
      ctx.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
      ctx.body = errorPage(out.error, out.error_description);
    },
  };
}

/** `holdpoint login`: a program on the person's own machine, answered at whatever port it listens on (RFC 8252). */
function commandLine({ api }: AuthorizationSettings): ClientMetadata {
  return {
    client_id: api.client.id,
    client_name: api.client.name,
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
}

/** Nonces are the same on every replica, and others than those of connections: a client takes whichever it is told. */
function dpop(
  { dpopNonces }: AuthorizationSettings,
  secret: string,
): NonNullable<NonNullable<Configuration['features']>['dPoP']> {
  if (!dpopNonces) return { enabled: true };
  const nonceSecret = Buffer.from(hkdfSync('sha256', secret, '', 'holdpoint token endpoint nonces', 32));
  return { enabled: true, nonceSecret, requireNonce: () => true };
}

/** Whether a sign-in stands, and nothing of it is revoked. Looked at before a code or refresh token is used up. */
async function mayBeServed(pool: Pool, grantId: string): Promise<boolean> {
  const signIn = await standingSignIn(pool, grantId);
  if (!signIn) return false;
  const { person, clientId } = signIn;
  const handles = [
    ...personHandles([
      person.key,
      person.subject,
      ...(person.email === null ? [] : [`email:${person.email}`]),
    ]),
    `client:${clientId}`,
    `credential:oauth:${grantId}`,
  ];
  return (await revokedAmong(pool, handles)) === null;
}

/** What an access token says beside what RFC 9068 asks for: who the person is now. */
async function claimsOf(pool: Pool, grantId: string | undefined): Promise<Record<string, never>> {
  const served = grantId !== undefined && (await mayBeServed(pool, grantId));
  const signIn = served ? await standingSignIn(pool, grantId) : null;
  if (!signIn) throw new errors.InvalidGrant('the sign-in has ended');
  const { person } = signIn;
  const claims = {
    grant: grantId,
    idp: person.issuer,
    subject: person.subject,
    name: person.name,
    groups: person.groups,
    amr: person.amr,
    ...(person.email !== null && { email: person.email, email_verified: true }),
    ...(person.acr !== null && { acr: person.acr }),
    ...(person.authenticatedAtMs !== null && { auth_time: Math.floor(person.authenticatedAtMs / 1000) }),
  };
  return claims as unknown as Record<string, never>;
}

function resourceIndicators(
  settings: AuthorizationSettings,
): NonNullable<Configuration['features']>['resourceIndicators'] {
  return {
    enabled: true,
    defaultResource: () => {
      throw new errors.InvalidTarget(
        `name the connection as \`resource\` (RFC 8707), such as ${settings.issuer}/mcp/NAME`,
      );
    },
    useGrantedResource: () => true,
    getResourceServerInfo: (_, resource, client) => {
      const target = targetOfResource(settings, resource, client.clientId);
      if (target === null)
        throw new errors.InvalidTarget('there is no connection at that resource, or none for this client');
      return {
        scope: target.scopes.join(' '),
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: sec(settings.accessTokenLifeMs),
        jwt: { sign: { alg: 'ES256' } },
      };
    },
  };
}

/** Each request is answered by a person, whoever is known to the browser already. */
function policy(): interactionPolicy.DefaultPolicy {
  const { base, Check } = interactionPolicy;
  const prompts = base();
  prompts
    .get('login')
    ?.checks.add(
      new Check('answered_now', 'End-User authentication is required', ({ oidc }) =>
        oidc.result?.login ? Check.NO_NEED_TO_PROMPT : Check.REQUEST_PROMPT,
      ),
    );
  return prompts;
}

function basePath({ issuer }: AuthorizationSettings): string {
  return new URL(issuer).pathname.replace(/\/$/, '');
}
