import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandDeps } from '../../cli/commands/answering.ts';
import { run } from '../../cli/commands/tokens.ts';
import { standingToken } from '../../db/access-tokens.ts';
import { standingSignIn, storeSignIn } from '../../db/oauth-sign-ins.ts';
import type { Pool } from '../../db/pool.ts';
import { keyRing, signer } from '../recording/support.ts';
import { commandApi, recordingsOn } from '../support/command-api.ts';
import { accessibilityProblems, noBrowser, testBrowser } from '../support/browser.ts';
import { testDatabase } from '../support/postgres.ts';
import { credential, signedIn, testConsole, visitor } from './support.ts';

const rules = { longestMs: 30 * 86_400_000, scopes: ['mcp:files', 'mcp:files:read'] };

/** The console with a place to record acts, which are kept. */
function withTokens(acts: string[]) {
  const recordings = {
    recordAct: async (act: string) => void acts.push(act),
  } as unknown as NonNullable<Parameters<typeof testConsole>[1]>['recordings'];
  return { tokens: rules, recordings: recordings ?? null };
}

test('a person makes a token on a page, sees it once, and revokes it', { skip: noBrowser }, async () => {
  await using db = await testDatabase();
  const acts: string[] = [];
  await using console = await testConsole(db.pool, withTokens(acts));
  await using browser = await testBrowser();
  const page = await browser.page();
  await page.goto(`${console.address}/login?to=/tokens`);
  await page.getByLabel('Credential').fill(credential);
  await page.getByRole('button', { name: /Sign in/ }).click();
  await page.getByLabel(/Name, for you/).fill('<laptop>');
  await page.getByLabel('mcp:files:read').check();
  await page.getByRole('button', { name: 'Make the token' }).click();
  const shown = await page.getByRole('status').locator('code').innerText();
  const token = await standingToken(db.pool, shown);
  assert.deepEqual(
    [token?.name, token?.scopes, token?.personKey],
    ['<laptop>', ['mcp:files:read'], 'local:approver'],
  );
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto(`${console.address}/tokens`);
  assert.ok(!(await page.content()).includes(shown), 'it is shown once');
  await page.getByRole('button', { name: 'Revoke <laptop>' }).click();
  await page.getByText(/revoked/).waitFor();
  assert.equal(await standingToken(db.pool, shown), null);
  assert.deepEqual(acts, ['tokens.create', 'tokens.revoke']);
});

test('nobody makes a token with a foreign form, or for longer than is allowed', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool, withTokens([]));
  const person = await signedIn(console.address);
  const form = { name: 'x', days: '1', everything: 'yes' };
  assert.equal((await person.post('/tokens', form)).status, 403, 'without the form token');
  assert.equal((await visitor(console.address).post('/tokens', form)).status, 303, 'without signing in');
  const csrf = /name="csrf" value="([^"]+)"/.exec(await (await person.get('/tokens')).text())?.[1] ?? '';
  const tooLong = await person.post('/tokens', { ...form, csrf, days: '400' });
  assert.equal(tooLong.status, 422);
  assert.match(await tooLong.text(), /at most 30 days/);
});

test('a person ends what they let in, and nobody ends what somebody else did', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool, withTokens([]));
  const signIn = (key: string, grantId: string) =>
    storeSignIn(
      db.pool,
      {
        grantId,
        clientId: 'c',
        clientName: '<b>program</b>',
        resource: 'https://gw.example/mcp/files',
        scopes: ['mcp:files'],
        person: {
          key,
          subject: 's',
          issuer: 'i',
          email: null,
          name: 'n',
          groups: [],
          acr: null,
          amr: [],
          authenticatedAtMs: null,
        },
      },
      60_000,
    );
  await signIn('local:approver', 'mine');
  await signIn('oidc:https://idp.example#other', 'theirs');
  const person = await signedIn(console.address);
  const page = await (await person.get('/tokens')).text();
  assert.ok(page.includes('value="mine"') && !page.includes('theirs') && !page.includes('<b>program'));
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  assert.equal((await person.post('/tokens/end', { grant: 'mine' })).status, 403, 'without the form token');
  for (const grant of ['mine', 'theirs']) await person.post('/tokens/end', { csrf, grant });
  assert.equal(await standingSignIn(db.pool, 'mine'), null);
  assert.ok(await standingSignIn(db.pool, 'theirs'));
});

async function commandLine(pool: Pool, argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const ran = { code: -1, out: '', err: '' };
  const deps: CommandDeps = {
    api: commandApi(pool, {
      tokens: rules,
      recordings: recordingsOn(pool, keyRing, { vkey: signer.vkey }),
    }),
    out: (text) => void (ran.out += text),
    err: (text) => void (ran.err += text),
  };
  ran.code = await run(argv, deps);
  return ran;
}

test('the command line makes, lists and revokes tokens, and prints a secret only when it is made', async () => {
  await using db = await testDatabase();
  const made = await commandLine(db.pool, [
    'create',
    'ci',
    '--service',
    'nightly',
    '--scope',
    'mcp:files',
    '--json',
  ]);
  const { id, token } = JSON.parse(made.out) as { id: string; token: string };
  assert.equal((await standingToken(db.pool, token))?.subject, 'nightly');
  const listed = await commandLine(db.pool, ['list']);
  assert.match(listed.out, /service {2}nightly {2}ci {2}mcp:files {2}until .* never used/);
  assert.ok(!listed.out.includes(token));
  assert.equal((await commandLine(db.pool, ['revoke', id])).code, 0);
  assert.equal((await commandLine(db.pool, ['revoke', id])).code, 1);
  assert.equal(await standingToken(db.pool, token), null);
  assert.equal((await commandLine(db.pool, ['create', 'x', '--scope', 'mcp:no'])).code, 1);
  assert.equal((await commandLine(db.pool, ['create'])).code, 2);
  assert.equal((await commandLine(db.pool, ['create', 'x', '--expires', 'soon'])).code, 2);
});
