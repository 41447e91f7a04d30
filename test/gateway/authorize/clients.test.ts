import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { decodeJwt } from 'jose';
import { noBrowser, type TestBrowser, testBrowser } from '../../support/browser.ts';
import { type CountingUpstream, startCountingUpstream } from '../../support/counting-upstream.ts';
import { type PagedProvider, pagedProvider } from '../../support/oidc-with-pages.ts';
import { samlProvider } from '../../support/saml-provider.ts';
import { letIn, type SignInScene, signInScene } from '../../support/sign-in-scene.ts';

/** A program on somebody's machine: what the SDK wants of it, and the page that gets the code. */
async function program(more: { clientMetadataUrl?: string } = {}) {
  const back: URL[] = [];
  const waiting: ((url: URL) => void)[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://program');
    response.end('signed in');
    if (url.pathname === '/callback') (waiting.shift() ?? ((late: URL) => void back.push(late)))(url);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const redirectUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  const kept: { client?: OAuthClientInformationMixed; tokens?: OAuthTokens; verifier?: string; url?: URL } =
    {};
  const provider: OAuthClientProvider = {
    ...more,
    redirectUrl,
    clientMetadata: { client_name: 'A <b>program</b>', redirect_uris: [redirectUrl] },
    state: () => 'the-state',
    clientInformation: () => kept.client,
    saveClientInformation: (client) => void (kept.client = client),
    tokens: () => kept.tokens,
    saveTokens: (tokens) => void (kept.tokens = tokens),
    redirectToAuthorization: (url) => void (kept.url = url),
    saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
    codeVerifier: () => kept.verifier ?? '',
  };
  return {
    provider,
    kept,
    redirectUrl,
    callback: async (): Promise<URL> =>
      back.shift() ?? new Promise<URL>((resolve) => void waiting.push(resolve)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Connects as the SDK does; where it is told to sign in, a person does. */
async function connectAs(
  own: Awaited<ReturnType<typeof program>>,
  resource: string,
  signIn: (url: string) => Promise<void>,
): Promise<Client> {
  const client = new Client({ name: 'program', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: own.provider });
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    const came = own.callback();
    await signIn(String(own.kept.url));
    const url = await came;
    assert.equal(url.searchParams.get('state'), 'the-state');
    await transport.finishAuth(url.searchParams.get('code') ?? '');
    return connectAs(own, resource, signIn);
  }
}

describe('a client that knows nothing but the URL of a connection', { skip: noBrowser }, () => {
  let upstream: CountingUpstream;
  let idp: PagedProvider;
  let browser: TestBrowser;
  let scene: SignInScene;

  before(async () => {
    upstream = await startCountingUpstream();
    browser = await testBrowser();
    scene = await signInScene({
      upstreamUrl: upstream.url,
      login: async (consoleUrl) => {
        idp = await pagedProvider(`${consoleUrl}/login/callback`);
        idp.groups.set('dana', ['dba']);
        const { issuer, clientId, clientSecret } = idp;
        return { mode: 'oidc', issuer, clientId, clientSecret };
      },
    });
  });
  after(async () => {
    await scene?.[Symbol.asyncDispose]();
    await idp?.[Symbol.asyncDispose]();
    await browser?.[Symbol.asyncDispose]();
    await upstream?.[Symbol.asyncDispose]();
  });

  test('signs in through the company’s provider, from 401 to the first call, and renews its token', async () => {
    await using own = await program();
    const page = await browser.page();
    const signIn = (url: string) => letIn(page, url, { idp: 'oidc', name: 'dana' });
    const connect = () => connectAs(own, scene.resource('everything'), signIn);
    const client = await connect();
    const answer = await client.callTool({ name: 'echo', arguments: { text: 'hello' } });
    assert.deepEqual(answer.content, [{ type: 'text', text: 'hello' }]);
    await client.close();
    const claims = decodeJwt(own.kept.tokens?.access_token ?? '');
    assert.deepEqual(
      [claims['sub'], claims['subject'], claims['groups'], claims.aud],
      [`oidc:${idp.issuer}#dana`, 'dana', ['dba'], scene.resource('everything')],
    );
    const first = own.kept.tokens?.refresh_token;
    // The access token is gone: the SDK renews it by itself.
    own.kept.tokens = { ...(own.kept.tokens as OAuthTokens), access_token: 'expired' };
    const again = await connect();
    assert.equal((await again.listTools()).tools.length, 3);
    await again.close();
    assert.notEqual(own.kept.tokens?.refresh_token, first, 'it was rotated');
    const stored = await scene.db.pool.query<{ all: string }>(
      `select string_agg(t::text, '') as all from oauth_artifacts t`,
    );
    for (const secret of [own.kept.tokens?.refresh_token ?? '-', own.kept.tokens?.access_token ?? '-'])
      assert.ok(!stored.rows[0]?.all.includes(secret), 'no token is stored');
    assert.ok(!scene.log.join('').includes(own.kept.tokens?.access_token ?? '-'), 'nor logged');
  });

  test('asks for more when it needs more, and is told no where the person refuses', async () => {
    await using own = await program();
    const page = await browser.page();
    await page.goto(scene.console.publicUrl);
    const client = await connectAs(own, scene.resource('files'), (url) =>
      letIn(page, url, { idp: 'oidc', name: 'dana' }),
    );
    assert.equal(decodeJwt(own.kept.tokens?.access_token ?? '')['scope'], 'mcp:files:read');
    await client.callTool({ name: 'echo', arguments: { text: 'x' } });
    const before = upstream.calls('run').length;
    // While it has a refresh token, SDK 1.x renews the narrow token instead of asking for a wider one.
    const { refresh_token: _, ...tokens } = own.kept.tokens as OAuthTokens;
    own.kept.tokens = tokens;
    await assert.rejects(client.callTool({ name: 'run', arguments: { command: 'x' } }));
    assert.equal(upstream.calls('run').length, before);
    const asked = new URL(String(own.kept.url)).searchParams.get('scope') ?? '';
    assert.deepEqual(asked.split(' ').sort(), ['mcp:files:read', 'mcp:files:write'], 'step-up');
    const came = own.callback();
    await page.goto(String(own.kept.url));
    await page.getByRole('button', { name: 'Refuse' }).click();
    assert.equal((await came).searchParams.get('error'), 'access_denied');
    await client.close();
  });
});

test('a client signs in through a SAML provider, from 401 to the first call', {
  skip: noBrowser,
}, async () => {
  await using upstream = await startCountingUpstream();
  await using idp = await samlProvider();
  idp.groups.set('erin', ['dba']);
  await using browser = await testBrowser();
  await using scene = await signInScene({
    upstreamUrl: upstream.url,
    login: async (consoleUrl) => idp.login(consoleUrl),
  });
  await using own = await program();
  const page = await browser.page();
  const client = await connectAs(own, scene.resource('everything'), (url) =>
    letIn(page, url, { idp: 'saml', name: 'erin' }),
  );
  const answer = await client.callTool({ name: 'echo', arguments: { text: 'hello' } });
  assert.deepEqual(answer.content, [{ type: 'text', text: 'hello' }]);
  const claims = decodeJwt(own.kept.tokens?.access_token ?? '');
  assert.deepEqual([claims['sub'], claims['groups']], [`saml:${idp.entityId}#erin`, ['dba']]);
  await client.close();
});
