import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { decodeJwt } from 'jose';
import { type TestBrowser, testBrowser } from '../../support/browser.ts';
import { type CountingUpstream, startCountingUpstream } from '../../support/counting-upstream.ts';
import { connectAs, connectAsV2, program } from '../../support/oauth-program.ts';
import { type SignInScene, signInScene } from '../../support/sign-in-scene.ts';
import { keycloakAdmin } from '../admin.ts';
import { company } from '../company.ts';
import { letIn } from '../person.ts';

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
