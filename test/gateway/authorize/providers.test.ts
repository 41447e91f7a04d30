import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createEmulator } from 'emulate';
import { decodeJwt } from 'jose';
import type { Page } from 'playwright-core';
import { freePort } from '../../../cli/embedded/postgres.ts';
import type { LoginSettings } from '../../../console/deps.ts';
import { noBrowser, type TestBrowser, testBrowser } from '../../support/browser.ts';
import { type CountingUpstream, startCountingUpstream } from '../../support/counting-upstream.ts';
import { connectAsV2, program } from '../../support/oauth-program.ts';
import { signInScene } from '../../support/sign-in-scene.ts';

let upstream: CountingUpstream;
let browser: TestBrowser;

before(async () => {
  upstream = await startCountingUpstream();
  if (!noBrowser) browser = await testBrowser();
});
after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

const client = { client_id: 'holdpoint', client_secret: 'a-secret', name: 'Holdpoint' };
const person = { email: 'dana@example.com', name: 'Dana' };

/** Providers as others have rebuilt them, each with its own idea of addresses, subjects and UserInfo. */
const providers = {
  okta: {
    issuer: (url: string) => `${url}/oauth2/default`,
    seed: (redirect: string) => ({
      users: [{ login: person.email, email: person.email, first_name: 'Dana', last_name: 'D' }],
      authorization_servers: [{ id: 'default', name: 'default', audiences: ['api://default'] }],
      oauth_clients: [{ ...client, redirect_uris: [redirect], auth_server_id: 'default' }],
    }),
    more: {},
  },
  microsoft: {
    issuer: (url: string) => `${url}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0`,
    seed: (redirect: string) => ({
      users: [person],
      oauth_clients: [{ ...client, redirect_uris: [redirect] }],
    }),
    more: {},
  },
  google: {
    issuer: (url: string) => url,
    seed: (redirect: string) => ({
      users: [person],
      oauth_clients: [{ ...client, redirect_uris: [redirect] }],
    }),
    // As docs/identity.md says: Google takes no scope `offline_access`.
    more: { scope: 'openid email profile' },
  },
} as const;

/** From the console's page to its question, with a person who picks themselves from the provider's list. */
async function pickAndAgree(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('link', { name: /^Continue to/ }).click();
  await page.getByRole('button', { name: person.email }).first().click();
  await page.getByRole('button', { name: 'Let it in' }).click();
}

for (const service of ['okta', 'microsoft', 'google'] as const)
  test(`a client of SDK 2.x signs in through ${service}, as docs/identity.md sets it up`, {
    skip: noBrowser,
  }, async () => {
    const { issuer: issuerAt, seed, more } = providers[service];
    const started: { close(): Promise<void> }[] = [];
    try {
      await using scene = await signInScene({
        upstreamUrl: upstream.url,
        login: async (consoleUrl): Promise<LoginSettings> => {
          const provider = await createEmulator({
            service,
            port: await freePort(),
            seed: { [service]: seed(`${consoleUrl}/login/callback`) },
          });
          started.push(provider);
          const issuer = issuerAt(provider.url);
          return {
            mode: 'oidc',
            issuer,
            clientId: client.client_id,
            clientSecret: client.client_secret,
            ...more,
          };
        },
      });
      await using own = await program();
      const page = await browser.page();
      const agent = await connectAsV2(own, scene.resource('everything'), (url) => pickAndAgree(page, url));
      const answer = await agent.callTool({ name: 'echo', arguments: { text: 'hello' } });
      assert.deepEqual(answer.content, [{ type: 'text', text: 'hello' }]);
      await agent.close();
      const claims = decodeJwt(own.kept.tokens?.access_token ?? '');
      assert.match(String(claims['sub']), /^oidc:http:\/\/localhost:\d+.*#.+/);
    } finally {
      for (const provider of started) await provider.close();
    }
  });
