import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SignJWT } from 'jose';
import { openTokens } from '../../console/login/oidc-tokens.ts';
import { identityFromIdToken } from '../../console/login/id-token.ts';
import type { ConsoleDeps } from '../../console/deps.ts';
import type { Pool } from '../../db/pool.ts';
import { type TestProvider, testProvider } from '../support/oidc-provider.ts';
import { testDatabase } from '../support/postgres.ts';
import { fieldsOf, holdCall, type TestConsole, testConsole, type Visitor, visitor } from './support.ts';

const dana = {
  sub: 'u-dana',
  email: 'Dana@Example.com',
  email_verified: true,
  name: 'Dana',
  groups: ['staff'],
};

async function consoleFor(
  pool: Pool,
  provider: TestProvider,
  more: Partial<ConsoleDeps> = {},
): Promise<TestConsole> {
  const { issuer, clientId, clientSecret } = provider;
  return testConsole(pool, { login: { mode: 'oidc', issuer, clientId, clientSecret }, ...more });
}

/** Goes the way of a browser through the provider. @returns the console's answer to the callback */
async function signInAs(
  console: TestConsole,
  person: Visitor = visitor(console.address),
): Promise<{ person: Visitor; answer: Response }> {
  const start = await person.get('/login/start?to=/');
  const provider = await fetch(start.headers.get('location') ?? '', { redirect: 'manual' });
  const back = new URL(provider.headers.get('location') ?? '');
  return { person, answer: await person.get(back.pathname + back.search) };
}

async function approve(person: Visitor, id: string): Promise<Response> {
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  return person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
}

test('a person signs in at the identity provider and decides under their stable key', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  provider.user = { ...dana, groups: ['dba'] };
  const { person, answer } = await signInAs(console);
  assert.equal(answer.status, 303);
  assert.equal((await approve(person, await holdCall(db.pool))).status, 200);
  assert.deepEqual(console.acts[0]?.person, {
    keys: [`oidc:${provider.issuer}#u-dana`, 'email:dana@example.com'],
    name: 'Dana',
  });
});

test('a verified e-mail names an approver, an unverified one does not', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  const id = await holdCall(db.pool, { people: ['dana@example.com'], groups: [] });
  provider.user = { ...dana, sub: 'u-other', email_verified: false };
  const pretender = await signInAs(console);
  assert.equal((await pretender.person.get(`/approvals/${id}`)).status, 404);
  provider.user = dana;
  const { person } = await signInAs(console);
  assert.equal((await approve(person, id)).status, 200);
});

test('groups are found in nested claims; groups that are left out because there are too many let nobody in', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  const { issuer, clientId, clientSecret } = provider;
  const login = { mode: 'oidc', issuer, clientId, clientSecret, groupsClaim: 'realm_access.roles' } as const;
  await using console = await testConsole(db.pool, { login });
  provider.user = { sub: 'u-dana', name: 'Dana' };
  provider.tamper = { realm_access: { roles: ['dba'] } };
  const { person } = await signInAs(console);
  assert.equal((await person.get(`/approvals/${await holdCall(db.pool)}`)).status, 200);
  provider.tamper = { _claim_names: { 'realm_access.roles': 'src1' } };
  const { answer } = await signInAs(console);
  assert.equal(answer.status, 403);
  assert.match(await answer.text(), /too many groups/);
});

test('whom the provider refuses `offline_access` signs in without it, and is asked no third time', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  provider.user = { ...dana, groups: ['dba'] };
  provider.refusesOffline = true;
  const { person, answer } = await signInAs(console);
  assert.equal(answer.status, 303);
  const again = answer.headers.get('location') ?? '';
  assert.match(again, /^\/login\/start\?plain=yes&to=%2F$/);
  const second = await person.get(again);
  const asked = new URL(second.headers.get('location') ?? '');
  assert.equal(asked.searchParams.get('scope'), 'openid email profile');
  const provided = await fetch(asked, { redirect: 'manual' });
  const back = new URL(provided.headers.get('location') ?? '');
  assert.equal((await person.get(back.pathname + back.search)).headers.get('location'), '/');
  assert.equal((await person.get('/')).status, 200);
  // Another refusal of the same kind ends it.
  const third = await person.get('/login/start?plain=yes&to=/');
  const refused = new URL(third.headers.get('location') ?? '');
  const state = refused.searchParams.get('state') ?? '';
  const end = await person.get(`/login/callback?error=invalid_scope&state=${encodeURIComponent(state)}`);
  assert.equal(end.status, 403);
});

test('an e-mail that changes hands gives its new holder nothing', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  const id = await holdCall(db.pool, { people: ['dana@example.com'], groups: [] });
  provider.user = dana;
  await signInAs(console);
  provider.user = { ...dana, sub: 'u-successor' };
  const { person } = await signInAs(console);
  assert.equal((await person.get(`/approvals/${id}`)).status, 404);
});

test('who was taken out of a group, or blocked, after signing in cannot decide any more', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  provider.user = { ...dana, groups: ['dba'] };
  const { person } = await signInAs(console);
  const id = await holdCall(db.pool, { people: [] });
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  provider.user = { ...dana, groups: ['staff'] };
  const out = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  assert.equal(out.status, 403);
  assert.match(await out.text(), /you are not in dba/);
  assert.equal((await person.get(`/approvals/${id}`)).status, 404, 'nor see it');
  provider.user = { ...dana, groups: ['dba'] };
  const back = await signInAs(console);
  const again = fieldsOf(await (await back.person.get(`/approvals/${id}`)).text());
  provider.user = { ...dana, groups: ['dba'], blocked: true };
  const blocked = await back.person.post(`/approvals/${id}`, { ...again, decision: 'approve' });
  assert.equal(blocked.status, 401);
  assert.equal(console.acts.length, 0);
});

test('when the provider answers a renewal with somebody else, nothing is decided in the name of whoever signed in', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  provider.hasUserInfo = false;
  provider.refreshAs = 'u-dana';
  await using console = await consoleFor(db.pool, provider);
  provider.user = { ...dana, groups: ['dba'] };
  const { person } = await signInAs(console);
  const id = await holdCall(db.pool, { people: [] });
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  provider.refreshAs = 'u-somebody-else';
  const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  assert.equal(answer.status, 401);
  assert.equal(console.acts.length, 0);
  provider.refreshAs = 'u-dana';
  assert.equal((await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' })).status, 200);
});

test('groups that the provider tells at sign-in alone count for a few minutes, then one signs in again', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  provider.leavesOut = ['groups'];
  let later = 0;
  await using console = await consoleFor(db.pool, provider, { now: () => new Date(Date.now() + later) });
  provider.user = { ...dana, groups: ['dba'] };
  const { person } = await signInAs(console);
  const [first, second] = [await holdCall(db.pool, { people: [] }), await holdCall(db.pool, { people: [] })];
  assert.equal((await approve(person, first)).status, 200);
  const fields = fieldsOf(await (await person.get(`/approvals/${second}`)).text());
  later = 6 * 60_000;
  const answer = await person.post(`/approvals/${second}`, { ...fields, decision: 'approve' });
  assert.equal(answer.status, 401);
  assert.equal(console.acts.length, 1);
});

test('an identity provider that cannot be asked right before a decision means that nothing is decided', async () => {
  await using db = await testDatabase();
  const provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  provider.user = { ...dana, groups: ['dba'] };
  const { person } = await signInAs(console);
  const id = await holdCall(db.pool);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  await provider[Symbol.asyncDispose]();
  const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  assert.equal(answer.status, 503);
  assert.equal(console.acts.length, 0);
});

test('a sign-in finishes only in the browser that began it, and only once', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  const attacker = visitor(console.address);
  const start = await attacker.get('/login/start');
  const location = (await fetch(start.headers.get('location') ?? '', { redirect: 'manual' })).headers.get(
    'location',
  );
  const back = new URL(location ?? '');
  const victim = visitor(console.address);
  assert.equal((await victim.get(back.pathname + back.search)).status, 403);
  await victim.get('/login/start');
  assert.equal((await victim.get(back.pathname + back.search)).status, 403, 'another sign-in’s cookie');
  assert.equal((await attacker.get(back.pathname + back.search)).status, 303);
  assert.equal((await attacker.get(back.pathname + back.search)).status, 403, 'used up');
  const { rows } = await db.pool.query<{ open: number }>('select count(*)::int as open from console_logins');
  assert.equal(rows[0]?.open, 1, 'the victim’s own, which was not finished, is left');
});

test('an ID token with another nonce, audience or issuer signs nobody in', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  for (const tamper of [{ nonce: 'another' }, { aud: 'another' }, { iss: 'https://evil.example' }]) {
    provider.tamper = tamper;
    const { person, answer } = await signInAs(console);
    assert.equal(answer.status, 403, JSON.stringify(tamper));
    assert.equal((await person.get('/')).status, 303);
  }
});

test('tokens are stored only sealed, under a key that the database does not hold', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  provider.user = dana;
  const { person } = await signInAs(console);
  assert.equal((await person.get('/')).status, 200);
  const { rows } = await db.pool.query<{ sealed_tokens: Buffer }>(
    'select sealed_tokens from console_sessions',
  );
  assert.ok((rows[0]?.sealed_tokens.length ?? 0) > 0);
  const sealed = rows[0]?.sealed_tokens ?? assert.fail();
  assert.ok(!sealed.includes('access'));
  assert.ok(openTokens(person.cookies.get('holdpoint') ?? '', sealed).access.length > 0);
  assert.throws(() => openTokens(`${person.cookies.get('holdpoint')}x`, sealed));
  assert.throws(() => openTokens('', sealed));
});

test('at the command line an ID token proves a person; an old, foreign or altered one does not', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  const { issuer, clientId, clientSecret } = provider;
  const settings = { mode: 'oidc', issuer, clientId, clientSecret } as const;
  provider.user = { ...dana, groups: ['dba'] };
  const identity = await identityFromIdToken(await provider.idToken(), settings, db.pool);
  assert.deepEqual(
    [identity.subject, identity.email, identity.groups, identity.local],
    ['u-dana', 'dana@example.com', ['dba'], false],
  );
  const now = Math.floor(Date.now() / 1000);
  const good = await provider.idToken();
  const wrong = [
    await provider.idToken({ iat: now - 3600 }),
    await provider.idToken({ aud: 'another' }),
    await provider.idToken({ iss: 'https://evil.example' }),
    await provider.idToken({ exp: null }),
    await new SignJWT({ sub: 'u-dana', iss: issuer, aud: clientId, iat: now, exp: now + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(clientSecret)),
    `${good.slice(0, -4)}AAAA`,
    'x',
  ];
  for (const token of wrong)
    await assert.rejects(identityFromIdToken(token, settings, db.pool), /does not prove who you are/);
});

test('requests are shown to their approvers, to whoever asked, and to auditors; to others they do not exist', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider, { auditors: { people: [], groups: ['audit'] } });
  const id = await holdCall(db.pool, { tool: 'secret_tool', people: [], groups: ['dba'] });
  provider.user = dana;
  const stranger = await signInAs(console);
  assert.doesNotMatch(await (await stranger.person.get('/')).text(), /secret_tool/);
  assert.equal((await stranger.person.get(`/approvals/${id}`)).status, 404);
  assert.equal(
    (await stranger.person.post(`/approvals/${id}`, fieldsOf(await (await stranger.person.get('/')).text())))
      .status,
    404,
  );
  for (const address of ['/sessions', '/recordings.zip'])
    assert.equal((await stranger.person.get(address)).status, 403, address);
  // Nor do they compare recordings with a policy, or see that others did.
  for (const address of ['/masking/report', '/masking/report/report_1'])
    assert.equal((await stranger.person.get(address)).status, 403);
  const form = fieldsOf(await (await stranger.person.get('/')).text());
  assert.equal(
    (await stranger.person.post('/masking/report', { ...form, from: '2026-01-01', to: '2026-01-02' })).status,
    403,
  );
  provider.user = { ...dana, sub: 'u-audit', groups: ['audit'] };
  const auditor = await signInAs(console);
  const page = await (await auditor.person.get(`/approvals/${id}`)).text();
  assert.match(page, /You may look, but not decide/);
  assert.doesNotMatch(page, /value="approve"/);
});

test('whoever asked for a call sees it and cannot decide on it, also under another key of theirs', async () => {
  await using db = await testDatabase();
  await using provider = await testProvider();
  await using console = await consoleFor(db.pool, provider);
  provider.user = { ...dana, groups: ['dba'] };
  const { person } = await signInAs(console);
  const own = await holdCall(db.pool, { callerKey: `oidc:${provider.issuer}#u-dana` });
  const byMail = await holdCall(db.pool, { callerKey: 'oidc:https://other.example#x' });
  await db.pool.query(
    `update held_calls set caller = caller || '{"email":"DANA@example.com"}' where call_id = $1`,
    [byMail],
  );
  for (const id of [own, byMail]) {
    const page = await (await person.get(`/approvals/${id}`)).text();
    assert.match(page, /somebody else must decide/);
    const { csrf } = fieldsOf(page);
    const { rows } = await db.pool.query<{ digest: string }>(
      'select digest from held_calls where call_id = $1',
      [id],
    );
    const answer = await person.post(`/approvals/${id}`, {
      csrf,
      digest: rows[0]?.digest ?? '',
      decision: 'approve',
    });
    assert.equal(answer.status, 403);
  }
  assert.equal(console.acts.length, 0);
});
