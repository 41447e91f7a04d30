import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../cli/embedded/postgres.ts';
import type { Pool } from '../../db/pool.ts';
import { provenEnough } from '../../workflows/quorum.ts';
import { noBrowser, testBrowser } from '../support/browser.ts';
import { testProvider } from '../support/oidc-provider.ts';
import { testDatabase } from '../support/postgres.ts';
import { credential, fieldsOf, holdCall, signedIn, testConsole, visitor } from './support.ts';

async function held(pool: Pool, stepUp: 'login' | 'passkey'): Promise<string> {
  const id = await holdCall(pool, { risk: 'high', groups: ['dba'], people: [] });
  await pool.query('update held_calls set step_up = $2 where call_id = $1', [id, stepUp]);
  return id;
}

test('approving a call that takes a fresh sign-in is refused to a session that is older, and denying it is not', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  const { issuer, clientId, clientSecret } = provider;
  await using console = await testConsole(db.pool, {
    login: { mode: 'oidc', issuer, clientId, clientSecret },
  });
  provider.user = { sub: 'dana', name: 'Dana', groups: ['dba'] };
  const id = await held(db.pool, 'login');
  const now = Math.floor(Date.now() / 1000);
  const person = visitor(console.address);
  const signIn = async (path: string): Promise<URL> => {
    const start = await person.get(path);
    const to = new URL(start.headers.get('location') ?? '');
    const back = new URL((await fetch(to, { redirect: 'manual' })).headers.get('location') ?? '');
    await person.get(back.pathname + back.search);
    return to;
  };
  const approve = async (): Promise<Response> => {
    const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
    return person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  };
  // The provider's own session is old: it says so.
  provider.tamper = { auth_time: now - 3600 };
  await signIn('/login/start');
  const refused = await approve();
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /sign-in in the console within the last five minutes/);
  // A provider that does not say when proves nothing.
  provider.tamper = {};
  await signIn('/login/start');
  assert.equal((await approve()).status, 403);
  assert.equal(console.acts.length, 0);
  provider.tamper = { auth_time: now };
  const asked = await signIn(`/login/start?fresh=yes&to=/approvals/${id}`);
  assert.deepEqual([asked.searchParams.get('prompt'), asked.searchParams.get('max_age')], ['login', '0']);
  assert.equal((await approve()).status, 200);
  assert.equal(console.acts[0]?.proof?.method, 'login');
  provider.tamper = { auth_time: now - 3600 };
  await signIn('/login/start');
  const other = await held(db.pool, 'passkey');
  const fields = fieldsOf(await (await person.get(`/approvals/${other}`)).text());
  const denied = await person.post(`/approvals/${other}`, { ...fields, decision: 'deny', reason: 'no' });
  assert.equal(denied.status, 200);
});

test('a call that takes a passkey is approved with one, for this call only, and once', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  const port = await freePort();
  // Passkeys belong to names, not to addresses.
  const publicUrl = `http://localhost:${port}`;
  await using console = await testConsole(db.pool, { listen: { host: '127.0.0.1', port }, publicUrl });
  await using browser = await testBrowser();
  const page = await browser.page();
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  await page.goto(`${publicUrl}/login?to=/passkeys`);
  await page.getByLabel('Credential').fill(credential);
  await page.getByRole('button', { name: /Sign in/ }).click();
  const id = await held(db.pool, 'passkey');
  await page.goto(`${publicUrl}/approvals/${id}`);
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText(/You have no passkey here/).waitFor();
  assert.equal(console.acts.length, 0);
  await page.goto(`${publicUrl}/passkeys`);
  await page.getByLabel(/Name, for you/).fill('laptop');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('button', { name: 'Remove laptop' }).waitFor();
  await page.goto(`${publicUrl}/approvals/${id}`);
  // What the browser sends is kept, to be sent again for another call.
  const sent = page.waitForRequest((request) => request.method() === 'POST');
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Your decision counted.').waitFor();
  assert.deepEqual(
    console.acts.map(({ callId, proof }) => [callId, proof?.method]),
    [[id, 'passkey']],
  );
  const used = new URLSearchParams((await sent).postData() ?? '').get('passkey') ?? '';
  assert.ok(used.length > 100);
  const other = await held(db.pool, 'passkey');
  const again = await page.evaluate(
    async ([path, passkey]) => {
      const text = await (await fetch(path ?? '')).text();
      const value = (name: string): string =>
        new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
      const body = new URLSearchParams({
        csrf: value('csrf'),
        digest: value('digest'),
        decision: 'approve',
        passkey: passkey ?? '',
      });
      return (await fetch(path ?? '', { method: 'POST', body })).status;
    },
    [`/approvals/${other}`, used],
  );
  assert.equal(again, 403);
  assert.equal(console.acts.length, 1);
});

test('a made-up passkey answer proves nothing', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const person = await signedIn(console.address);
  const id = await held(db.pool, 'passkey');
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  for (const passkey of ['', '{}', 'null', 'x', '{"id":"a","response":{}}']) {
    const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve', passkey });
    assert.equal(answer.status, 403, passkey);
  }
  assert.equal(console.acts.length, 0);
});

test('a vote counts only with a proof that is fresh, and strong enough', () => {
  const decidedAtMs = 1_800_000_000_000;
  const vote = (method: 'login' | 'passkey' | null, ageMs = 0) => ({
    decision: 'approve' as const,
    decidedAtMs,
    proof: method && { method, atMs: decidedAtMs - ageMs },
  });
  assert.ok(provenEnough(vote(null), null));
  assert.ok(provenEnough({ ...vote(null), decision: 'deny' }, 'passkey'));
  assert.ok(provenEnough(vote('login', 60_000), 'login'));
  assert.ok(provenEnough(vote('passkey'), 'login'));
  assert.ok(!provenEnough(vote(null), 'login'));
  assert.ok(!provenEnough(vote('login'), 'passkey'));
  assert.ok(!provenEnough(vote('login', 10 * 60_000), 'login'));
  assert.ok(!provenEnough(vote('login', -10 * 60_000), 'login'), 'nor from the future');
});
