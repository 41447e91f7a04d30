import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, describe, test } from 'node:test';
import type { OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js';
import { decodeJwt } from 'jose';
import { freePort } from '../../../cli/embedded/postgres.ts';
import { noBrowser, type TestBrowser, testBrowser } from '../../support/browser.ts';
import { type CountingUpstream, startCountingUpstream } from '../../support/counting-upstream.ts';
import { type PagedProvider, pagedProvider } from '../../support/oidc-with-pages.ts';
import { samlProvider } from '../../support/saml-provider.ts';
import { connectAs, connectAsV2, program } from '../../support/oauth-program.ts';
import { letIn, type SignInScene, signInScene } from '../../support/sign-in-scene.ts';

const inspector = fileURLToPath(
  new URL(
    '../../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
    import.meta.url,
  ),
);

/** Calls a tool with the Inspector's command line; where it says to navigate, a person does. */
async function inspect(
  resource: string,
  signIn: (url: string) => Promise<void>,
): Promise<{ content: { text: string }[] }> {
  const home = await mkdtemp(join(tmpdir(), 'holdpoint-inspector-'));
  try {
    const call = ['--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'text=hi there'];
    const args = [inspector, '--cli', resource, '--transport', 'http', ...call];
    // "Opens a browser" with a program that does nothing: the person is the test.
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      MCP_STORAGE_DIR: home,
      MCP_INSPECTOR_SECRET_STORE: 'file',
      MCP_AUTO_OPEN_ENABLED: 'true',
      MCP_OAUTH_CALLBACK_URL: `http://127.0.0.1:${await freePort()}/oauth/callback`,
      BROWSER: 'true',
    };
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, said] = ['', ''];
    child.stdout.on('data', (part: Buffer) => (out += part.toString()));
    const told = new Promise<string>((resolve, reject) => {
      child.stderr.on('data', (part: Buffer) => {
        said += part.toString();
        const url = /navigate to: (http\S+)/.exec(said)?.[1];
        if (url) resolve(url);
      });
      child.once('close', () => reject(new Error(`it asked nobody to sign in: ${said}`)));
    });
    const ended = once(child, 'close');
    await signIn(await told);
    await ended;
    assert.equal(child.exitCode, 0, said);
    return JSON.parse(out) as { content: { text: string }[] };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

describe('a client that knows nothing but the URL of a connection', { skip: noBrowser }, () => {
  let upstream: CountingUpstream;
  let idp: PagedProvider;
  let browser: TestBrowser;
  let scene: SignInScene;
  const documents = new Map<string, unknown>();

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
      fetchDocument: async (url) => Response.json(documents.get(String(url)) ?? null),
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

  test('signs in with SDK 2.x, described by a document at its own address instead of registered', async () => {
    const clientMetadataUrl = 'https://program.example/client.json';
    await using own = await program({ clientMetadataUrl });
    documents.set(clientMetadataUrl, {
      client_id: clientMetadataUrl,
      client_name: 'Documented',
      redirect_uris: [own.redirectUrl],
      token_endpoint_auth_method: 'none',
    });
    const page = await browser.page();
    const seen: string[] = [];
    const client = await connectAsV2(own, scene.resource('everything'), async (url) => {
      await letIn(page, url, {
        idp: 'oidc',
        name: 'dana',
        onQuestion: async () => void seen.push(await page.locator('main').innerText()),
      });
    });
    const answer = await client.callTool({ name: 'echo', arguments: { text: 'hello' } });
    assert.deepEqual(answer.content, [{ type: 'text', text: 'hello' }]);
    await client.close();
    assert.match(seen.join(), /Documented, as described by program\.example/);
    assert.equal(decodeJwt(own.kept.tokens?.access_token ?? '')['client_id'], clientMetadataUrl);
  });

  test('is the official Inspector, whose command line signs in and calls', async () => {
    const page = await browser.page();
    const { content } = await inspect(scene.resource('everything'), (url) =>
      letIn(page, url, { idp: 'oidc', name: 'dana' }),
    );
    assert.equal(content[0]?.text, 'hi there');
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
  for (const connect of [connectAs, connectAsV2]) {
    await using own = await program();
    const page = await browser.page();
    const client = await connect(own, scene.resource('everything'), (url) =>
      letIn(page, url, { idp: 'saml', name: 'erin' }),
    );
    const answer = await client.callTool({ name: 'echo', arguments: { text: 'hello' } });
    assert.deepEqual(answer.content, [{ type: 'text', text: 'hello' }]);
    const claims = decodeJwt(own.kept.tokens?.access_token ?? '');
    assert.deepEqual([claims['sub'], claims['groups']], [`saml:${idp.entityId}#erin`, ['dba']]);
    await client.close();
  }
});
