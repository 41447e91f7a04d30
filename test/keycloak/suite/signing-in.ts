import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { type TestBrowser, testBrowser } from '../../support/browser.ts';
import { type CountingUpstream, startCountingUpstream } from '../../support/counting-upstream.ts';
import { connectAs, connectAsV2, program } from '../../support/oauth-program.ts';
import { type SignInScene, signInScene } from '../../support/sign-in-scene.ts';
import { keycloakAdmin } from '../admin.ts';
import { company } from '../company.ts';
import { atKeycloak, letIn } from '../person.ts';

const admin = keycloakAdmin(process.env['HOLDPOINT_TEST_KEYCLOAK'] ?? '');
const issuer = `${admin.url}/realms/company`;
let upstream: CountingUpstream;
let browser: TestBrowser;
let scene: SignInScene;

before(async () => {
  upstream = await startCountingUpstream();
  browser = await testBrowser();
  scene = await signInScene({
    upstreamUrl: upstream.url,
    login: async (consoleUrl) => {
      await admin.makeRealm(company(consoleUrl, 'http://gateway.example'));
      return { mode: 'oidc', issuer, clientId: 'holdpoint', clientSecret: 'the-secret-of-holdpoint' };
    },
  });
});
after(async () => {
  await scene?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

for (const [sdk, connect] of [
  ['1.x', connectAs],
  ['2.x', connectAsV2],
] as const)
  test(`a client of SDK ${sdk} signs in through Keycloak, with the groups of its person`, async () => {
    await using own = await program();
    const page = await browser.page();
    const agent = await connect(own, scene.resource('everything'), (url) => letIn(page, url, 'alice'));
    const answer = (await agent.callTool({ name: 'echo', arguments: { text: 'hello' } })) as {
      content: unknown;
    };
    assert.deepEqual(answer.content, [{ type: 'text', text: 'hello' }]);
    await agent.close();
    const claims = decodeJwt(own.kept.tokens?.access_token ?? '');
    assert.equal(claims['email'], 'alice@example.com');
    assert.deepEqual(claims['groups'], ['deployers', 'leads']);
    assert.equal(typeof claims['auth_time'], 'number');
  });

async function idOf(name: string): Promise<string> {
  const found = (await admin.call('GET', `/company/users?username=${name}`)) as { id: string }[];
  return found[0]?.id ?? assert.fail(`Keycloak has no ${name}`);
}

test('who leaves a group at Keycloak between sign-in and answer does not carry it into the token', async () => {
  await using own = await program();
  const page = await browser.page();
  const id = await idOf('alice');
  const groups = (await admin.call('GET', `/company/users/${id}/groups`)) as { id: string; name: string }[];
  const deployers = groups.find(({ name }) => name === 'deployers')?.id ?? assert.fail('no group');
  try {
    const agent = await connectAs(own, scene.resource('everything'), (url) =>
      letIn(page, url, 'alice', async () => {
        await admin.call('DELETE', `/company/users/${id}/groups/${deployers}`);
      }),
    );
    await agent.close();
    assert.deepEqual(decodeJwt(own.kept.tokens?.access_token ?? '')['groups'], ['leads']);
  } finally {
    await admin.call('PUT', `/company/users/${id}/groups/${deployers}`, {});
  }
});

test('whom Keycloak has disabled since lets nothing in', async () => {
  const page = await browser.page();
  const id = await idOf('bob');
  await using own = await program();
  const refused = connectAs(own, scene.resource('everything'), async (url) => {
    await letIn(page, url, 'bob', async () => {
      await admin.call('PUT', `/company/users/${id}`, { enabled: false });
    });
    await page
      .getByText(/sign in/i)
      .first()
      .waitFor();
    throw new Error('not let in');
  });
  await assert.rejects(refused, /not let in/);
  await admin.call('PUT', `/company/users/${id}`, { enabled: true });
});

test('a fresh proof takes the password again, though Keycloak knows the person; signing out of the console ends its session', async () => {
  const page = await browser.page();
  const at = (path: string): string => new URL(path, scene.console.publicUrl).href;
  await page.goto(at('login/start?to=/passkeys'));
  await atKeycloak(page, 'alice');
  await page.getByRole('heading', { name: 'Passkeys' }).waitFor();
  await page.goto(at('login/start?fresh=yes&to=/passkeys'));
  await atKeycloak(page, 'alice');
  await page.getByRole('heading', { name: 'Passkeys' }).waitFor();
  const { rows } = await scene.db.pool.query<{ fresh: boolean }>(
    `select proven_at > now() - interval '1 minute' as fresh from console_sessions order by signed_in_at desc limit 1`,
  );
  assert.deepEqual(rows, [{ fresh: true }]);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.goto(at('passkeys'));
  await page.getByRole('link', { name: /^Continue to/ }).waitFor();
});
