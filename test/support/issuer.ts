import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { IssuerSettings } from '../../gateway/identify/settings.ts';

/** A key that an issuer signs with. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  readonly alg: string;
}

export async function newKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  return { kid, alg, ...(await generateKeyPair(alg, { extractable: true })) };
}

/** An issuer on a real port: discovery, keys and UserInfo, each of which can be made to fail. */
export interface TestIssuer extends AsyncDisposable {
  readonly url: string;
  readonly settings: IssuerSettings;
  readonly state: {
    keys: SigningKey[];
    fail: boolean;
    discoveryIssuer: string | null;
    discoveryRequests: number;
    keyRequests: number;
    huge: boolean;
    /** What is answered in place of the keys. */
    poisoned: string | null;
    userInfo: Record<string, unknown>;
  };
  sign(claims: Record<string, unknown>, options?: { key?: SigningKey; typ?: string | null }): Promise<string>;
}

export async function testIssuer(keys?: SigningKey[]): Promise<TestIssuer> {
  const own = keys ?? [await newKey('k1')];
  const [first] = own;
  if (!first) throw new Error('an issuer needs a key');
  const state: TestIssuer['state'] = {
    keys: own,
    fail: false,
    discoveryIssuer: null,
    discoveryRequests: 0,
    keyRequests: 0,
    huge: false,
    poisoned: null,
    userInfo: {},
  };
  const answerTo = async (path: string | undefined): Promise<string | null> => {
    if (path === '/.well-known/openid-configuration') {
      state.discoveryRequests++;
      return JSON.stringify({
        issuer: state.discoveryIssuer ?? url,
        jwks_uri: `${url}/keys`,
        userinfo_endpoint: `${url}/userinfo`,
      });
    }
    if (path === '/userinfo') return JSON.stringify(state.userInfo);
    if (path !== '/keys') return null;
    state.keyRequests++;
    if (state.poisoned !== null) return state.poisoned;
    if (state.huge) return `{"keys":[],"x":"${'x'.repeat(600_000)}"}`;
    const published = state.keys.map(async ({ publicKey, kid, alg }) => ({
      ...(await exportJWK(publicKey)),
      kid,
      alg,
      use: 'sig',
    }));
    return JSON.stringify({ keys: await Promise.all(published) });
  };
  const server = createServer((request, response) => {
    void (async () => {
      const answer = state.fail ? null : await answerTo(request.url);
      if (answer === null) response.writeHead(state.fail ? 503 : 404).end();
      else response.end(answer);
    })();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    state,
    settings: {
      issuer: url,
      audience: [],
      groupsClaim: 'groups',
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      clockSkewMs: 30_000,
      jwksUrl: null,
    },
    sign: (claims, { key = first, typ = 'at+jwt' } = {}) => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: url, sub: 'alice', iat: now, exp: now + 300, ...claims })
        .setProtectedHeader({ alg: key.alg, kid: key.kid, ...(typ === null ? {} : { typ }) })
        .sign(key.privateKey);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
