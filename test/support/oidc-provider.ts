import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** Who signs in next, and what the provider says of them. */
export interface ProviderUser {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
  groups?: string[];
  /** The provider refuses everything about them. */
  blocked?: boolean;
}

/** A small OpenID Connect provider with real keys: code flow with PKCE, UserInfo, no pages (it signs `user` in at once). */
export interface TestProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  user: ProviderUser;
  /** Changes the next ID token's claims, to see whether the console checks them. */
  tamper: Record<string, unknown>;
  /** Refuses `offline_access`, as Keycloak does to people without the role for it. */
  refusesOffline: boolean;
  /** As whom the refresh token that it then gives is answered; null gives none. */
  refreshAs: string | null;
  /** Whether it has UserInfo, and what that leaves out. */
  hasUserInfo: boolean;
  leavesOut: readonly string[];
  /** @param claims `exp: null` for a token that never ends */
  idToken(claims?: Record<string, unknown>): Promise<string>;
}

export async function testProvider(): Promise<TestProvider> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
  const codes = new Map<
    string,
    { challenge: string; nonce: string; redirectUri: string; scope: string | null }
  >();
  const access = new Map<string, string>();
  const idToken = async (claims: Record<string, unknown> = {}): Promise<string> => {
    const { blocked: _, ...user } = provider.user;
    const { exp, ...said } = claims;
    const token = new SignJWT({ ...user, iss: provider.issuer, aud: provider.clientId, ...said })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuedAt(claims['iat'] as number | undefined);
    return (exp === null ? token : token.setExpirationTime('10 min')).sign(privateKey);
  };
  const routes: Record<
    string,
    (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>
  > = {
    '/.well-known/openid-configuration': async (_, response) =>
      json(response, 200, {
        issuer: provider.issuer,
        authorization_endpoint: `${provider.issuer}/authorize`,
        token_endpoint: `${provider.issuer}/token`,
        ...(provider.hasUserInfo && { userinfo_endpoint: `${provider.issuer}/userinfo` }),
        jwks_uri: `${provider.issuer}/jwks`,
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['ES256'],
        subject_types_supported: ['public'],
      }),
    '/jwks': async (_, response) => json(response, 200, { keys: [jwk] }),
    '/authorize': async (_, response, { searchParams }) => {
      const code = randomBytes(8).toString('hex');
      const redirectUri = searchParams.get('redirect_uri') ?? '';
      codes.set(code, {
        challenge: searchParams.get('code_challenge') ?? '',
        nonce: searchParams.get('nonce') ?? '',
        redirectUri,
        scope: searchParams.get('scope'),
      });
      const back = new URL(redirectUri);
      back.searchParams.set('code', code);
      back.searchParams.set('state', searchParams.get('state') ?? '');
      response.writeHead(302, { location: back.toString() }).end();
    },
    '/token': async (request, response) => {
      const form = new URLSearchParams(await bodyOf(request));
      if (form.get('grant_type') === 'refresh_token')
        return json(response, 200, {
          access_token: form.get('refresh_token'),
          token_type: 'Bearer',
          expires_in: 3600,
          id_token: await idToken({ sub: provider.refreshAs }),
        });
      const grant = codes.get(form.get('code') ?? '');
      codes.delete(form.get('code') ?? '');
      const client = Buffer.from((request.headers.authorization ?? '').slice(6), 'base64').toString();
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url');
      if (!grant || grant.challenge !== challenge || grant.redirectUri !== form.get('redirect_uri'))
        return json(response, 400, { error: 'invalid_grant' });
      if (provider.refusesOffline && grant.scope?.includes('offline_access'))
        return json(response, 400, { error: 'not_allowed' });
      // RFC 6749 section 2.3.1: both are form-encoded before they are put together.
      const [id, secret] = client.split(':').map((part) => new URLSearchParams(`v=${part}`).get('v'));
      if (id !== provider.clientId || secret !== provider.clientSecret)
        return json(response, 401, { error: 'invalid_client' });
      const token = randomBytes(8).toString('hex');
      access.set(token, provider.user.sub);
      return json(response, 200, {
        access_token: token,
        token_type: 'Bearer',
        expires_in: 3600,
        ...(provider.refreshAs !== null && { refresh_token: token }),
        id_token: await idToken({ nonce: grant.nonce, ...provider.tamper }),
      });
    },
    '/userinfo': async (request, response) => {
      const sub = access.get((request.headers.authorization ?? '').slice(7));
      const { blocked, ...user }: ProviderUser = provider.user;
      if (sub === undefined || blocked || sub !== user.sub) {
        response.setHeader('www-authenticate', 'Bearer error="invalid_token"');
        return json(response, 401, { error: 'invalid_token' });
      }
      const left = Object.entries(user).filter(([name]) => !provider.leavesOut.includes(name));
      return json(response, 200, Object.fromEntries(left));
    },
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://provider');
    const route = routes[url.pathname];
    if (route) void route(request, response, url);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const provider: TestProvider = {
    issuer: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clientId: 'holdpoint console',
    clientSecret: 's3cret/+ &',
    user: { sub: 'u-1' },
    tamper: {},
    refusesOffline: false,
    refreshAs: null,
    hasUserInfo: true,
    leavesOut: [],
    idToken,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return provider;
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
