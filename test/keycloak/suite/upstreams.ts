import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { decodeJwt } from 'jose';
import { askForToken } from '../../../gateway/credentials/token-endpoint.ts';
import { type TestBrowser, testBrowser } from '../../support/browser.ts';
import { atConsole, type ConnectScene, connectScene } from '../../support/connect-scene.ts';
import { keycloakAdmin } from '../admin.ts';
import { company } from '../company.ts';
import { type NotesServer, startNotes } from '../notes.ts';
import { atKeycloak } from '../person.ts';

const admin = keycloakAdmin(process.env['HOLDPOINT_TEST_KEYCLOAK'] ?? '');
const issuer = `${admin.url}/realms/company`;
let notes: NotesServer;
let scene: ConnectScene;
let browser: TestBrowser;

before(async () => {
  notes = await startNotes(issuer);
  browser = await testBrowser();
  scene = await connectScene({
    notes: { url: notes.url, client: { clientId: 'notes-client', clientSecret: 'the-secret-of-notes' } },
    unknown: { url: notes.url },
  });
  await admin.makeRealm(company(scene.consoleUrl, 'http://gateway.example'));
});
after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
  await notes?.[Symbol.asyncDispose]();
});

async function whoami(name: string): Promise<string> {
  const client = new Client({ name: 'agent', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${name}` } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(scene.gateway.url('notes')), { requestInit }),
  );
  const { content } = (await client.callTool({ name: 'whoami' })) as { content: { text: string }[] };
  await client.close();
  return content[0]?.text ?? '';
}

test('a person signs in at Keycloak for a server; their tokens are renewed though each renews once; ending it ends the session there', async () => {
  const page = await browser.page();
  await atConsole(scene, page, 'alice');
  await page.goto(`${scene.consoleUrl}/connections`);
  await page.getByRole('button', { name: 'Connect notes' }).click();
  await atKeycloak(page, 'alice');
  await page.getByText('since').waitFor();
  assert.equal(await whoami('alice'), 'you are alice');
  for (let renewed = 2; renewed <= 3; renewed++) {
    await sleep(10_000);
    assert.equal(await whoami('alice'), 'you are alice');
    assert.equal(notes.tokens.length, renewed);
  }
  const [{ id } = { id: '' }] = (await admin.call('GET', '/company/users?username=alice')) as {
    id: string;
  }[];
  const sessions = async (): Promise<number> =>
    ((await admin.call('GET', `/company/users/${id}/sessions`)) as unknown[]).length;
  assert.equal(await sessions(), 1);
  await page.goto(`${scene.consoleUrl}/connections`);
  await page.getByRole('button', { name: /Disconnect/ }).click();
  await page.getByRole('button', { name: 'Connect notes' }).waitFor();
  assert.equal(await sessions(), 0, 'Keycloak was told (RFC 7009)');
  assert.match(await whoami('alice'), /^SIGN_IN_NEEDED/);
  for (const token of notes.tokens) assert.ok(!scene.log.join('').includes(token));
});

test('a sign-in that an administrator of Keycloak ended is asked for again', async () => {
  const page = await browser.page();
  await atConsole(scene, page, 'bob');
  await page.goto(`${scene.consoleUrl}/connections`);
  await page.getByRole('button', { name: 'Connect notes' }).click();
  await atKeycloak(page, 'bob');
  await page.getByText('since').waitFor();
  assert.equal(await whoami('bob'), 'you are bob');
  const [{ id } = { id: '' }] = (await admin.call('GET', '/company/users?username=bob')) as { id: string }[];
  await admin.call('POST', `/company/users/${id}/logout`);
  await sleep(10_000);
  assert.match(await whoami('bob'), /^SIGN_IN_NEEDED/);
});

test('where Keycloak registers no unknown clients, the page says what to do', async () => {
  const page = await browser.page();
  await atConsole(scene, page, 'alice');
  await page.goto(`${scene.consoleUrl}/connections`);
  await page.getByRole('button', { name: 'Connect unknown' }).click();
  const said = await page.locator('main').innerText();
  assert.match(said, /register one there with the redirect URI .*\/connections\/unknown\/callback/);
});

test('a caller’s token is exchanged at Keycloak for one that counts at the server (RFC 8693)', async () => {
  const answer = await fetch(`${issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'password',
      client_id: 'agents',
      client_secret: 'the-secret-of-agents',
      username: 'alice',
      password: 'alice',
    }),
  });
  const { access_token: subject = '' } = (await answer.json()) as { access_token?: string };
  const { accessToken, livesMs } = await askForToken(
    {
      tokenUrl: `${issuer}/protocol/openid-connect/token`,
      clientId: 'exchanger',
      clientSecret: 'the-secret-of-exchanger',
      scope: null,
      audience: 'notes',
      resource: null,
    },
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: subject,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    },
  );
  const claims = decodeJwt(accessToken);
  assert.equal(claims.sub, decodeJwt(subject).sub);
  assert.ok([claims.aud].flat().includes('notes'));
  assert.ok(livesMs > 0);
});
