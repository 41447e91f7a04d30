import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findServer } from '../../gateway/connect/discovery.ts';
import { guardedFetch } from '../../gateway/connect/guarded-fetch.ts';
import { anyClient } from '../support/connect-scene.ts';
import { type Answer, standIn } from './credential-servers.ts';

interface Said {
  /** Of the resource; left out, there is none. */
  readonly resource?: (origin: string) => object;
  /** Of the authorization server. */
  readonly server?: (origin: string) => object;
}

/** An upstream that is its own authorization server, and says of both what the test wants. */
async function found(said: Said, client: Partial<typeof anyClient> = {}) {
  const none: Answer = [404, {}];
  await using box = await standIn(({ path }) => {
    const origin = box.url;
    if (path === '/.well-known/oauth-protected-resource/mcp' && said.resource)
      return [200, said.resource(origin)];
    if (path === '/.well-known/oauth-authorization-server') return [200, served(origin, said)];
    return none;
  });
  return await findServer(`${box.url}/mcp`, { ...anyClient, ...client });
}

function served(origin: string, { server }: Said): object {
  const right = {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    code_challenge_methods_supported: ['S256'],
  };
  return { ...right, ...server?.(origin) };
}

const own = (origin: string) => ({ resource: `${origin}/mcp`, authorization_servers: [origin] });

test('an upstream names its authorization server (RFC 9728, RFC 8414), or is one itself as before 2025-06', async () => {
  const named = await found({ resource: own });
  assert.match(named.authorizationUrl, /\/authorize$/);
  assert.match(named.resource ?? '', /\/mcp$/);
  assert.match((await found({})).tokenUrl, /\/token$/);
});

test('endpoints that are configured are taken without asking anybody', async () => {
  const client = {
    authorizationUrl: 'https://github.com/login/oauth/authorize',
    tokenUrl: 'https://github.com/login/oauth/access_token',
    clientId: 'x',
  };
  const server = await findServer('https://unreachable.invalid/mcp', { ...anyClient, ...client });
  assert.equal(server.tokenUrl, client.tokenUrl);
  assert.equal(server.issuer, 'https://github.com');
});

const hostile: readonly [string, Said, RegExp][] = [
  [
    'speaks of a resource on another origin',
    { resource: (origin) => ({ ...own(origin), resource: 'https://bank.example/mcp' }) },
    /describes another resource/,
  ],
  [
    'speaks of another path of its own origin',
    { resource: (origin) => ({ ...own(origin), resource: `${origin}/mcp-of-others` }) },
    /describes another resource/,
  ],
  [
    'names a cloud metadata service as its authorization server',
    { resource: (origin) => ({ ...own(origin), authorization_servers: ['https://169.254.169.254'] }) },
    /cannot be found/,
  ],
  [
    'names an authorization server without https',
    { resource: (origin) => ({ ...own(origin), authorization_servers: ['http://idp.example'] }) },
    /cannot be found/,
  ],
  [
    'publishes the metadata of another issuer',
    { resource: own, server: () => ({ issuer: 'https://idp.example' }) },
    /another issuer/,
  ],
  [
    'takes no PKCE with S256',
    { resource: own, server: () => ({ code_challenge_methods_supported: ['plain'] }) },
    /PKCE/,
  ],
  [
    'sends browsers to a script',
    // oxlint-disable-next-line no-script-url
    { resource: own, server: () => ({ authorization_endpoint: 'javascript:alert(1)' }) },
    /cannot be found/,
  ],
  [
    'wants codes sent in clear',
    { resource: own, server: () => ({ token_endpoint: 'http://idp.example/token' }) },
    /cannot be found/,
  ],
];

for (const [what, said, why] of hostile)
  test(`nobody signs in at an upstream that ${what}`, async () => {
    await assert.rejects(found(said), { name: 'ConnectError', message: why });
  });

test('what a public upstream names is not looked for on a network of ones own, and no redirect is followed', async () => {
  await using inside = await standIn(() => [200, { secret: true }]);
  await assert.rejects(guardedFetch(false)(inside.url, {}), /public internet/);
  await assert.rejects(guardedFetch(false)(inside.url.replace('127.0.0.1', 'localhost'), {}));
  assert.equal(inside.asked.length, 0);
  await using moved = await standIn(() => [302, {}]);
  assert.equal((await guardedFetch(true)(moved.url, {})).status, 302);
});
