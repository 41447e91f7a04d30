import type { Masked } from '../../masking/masked.ts';
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { pino } from 'pino';
import { ConsoleError } from '../../console/errors.ts';
import { html } from '../../console/html.ts';
import { newLinkCode } from '../../db/people.ts';
import { linkLifeMs, mintCommandToken, mintLoginLink } from '../../console/login/link.ts';
import { startConsole } from '../../console/server.ts';
import { testDatabase } from '../support/postgres.ts';
import {
  credential,
  decideInDatabase,
  fieldsOf,
  holdCall,
  signedIn,
  testConsole,
  visitor,
} from './support.ts';

test('whatever is put into a page is escaped, and nothing but a page’s own parts can go in raw', () => {
  const evil = `"'><script>alert(1)</script>&\0\``;
  assert.equal(
    html`<p title="${evil}">${evil}</p>`.toString(),
    '<p title="&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;\uFFFD&#96;">&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;\uFFFD&#96;</p>',
  );
  const pretended = { toString: () => '<script>' } as unknown as ReturnType<typeof html>;
  assert.throws(() => html`${pretended}`, TypeError);
});

test('nobody sees a request or decides without signing in', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const id = await holdCall(db.pool);
  const stranger = visitor(console.address);
  for (const path of ['/', `/approvals/${id}`, '/live', `/live/${id}`]) {
    const answer = await stranger.get(path);
    assert.equal(answer.status, 303, path);
    assert.equal(answer.headers.get('location'), `/login?to=${encodeURIComponent(path)}`);
  }
  assert.equal((await stranger.post(`/approvals/${id}`, { decision: 'approve' })).status, 303);
  assert.equal(console.acts.length, 0);
});

test('a form from another site, without this session’s token, or with another session’s token decides nothing', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const id = await holdCall(db.pool);
  const person = await signedIn(console.address);
  const other = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  const foreign = fieldsOf(await (await other.get(`/approvals/${id}`)).text());
  const path = `/approvals/${id}`;
  const form = { ...fields, decision: 'approve' };
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1'])
    assert.equal((await person.post(path, form, { origin })).status, 403, origin);
  assert.equal((await person.post(path, form, { 'sec-fetch-site': 'cross-site' })).status, 403);
  assert.equal((await person.post(path, form, { 'sec-fetch-site': 'same-site' })).status, 403);
  assert.equal((await person.post(path, { ...form, csrf: '' })).status, 403);
  assert.equal((await person.post(path, { ...form, csrf: foreign.csrf })).status, 403);
  assert.equal(console.acts.length, 0);
  assert.equal((await person.post(path, form)).status, 200);
});

test('a POST without an Origin decides nothing', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const id = await holdCall(db.pool);
  const person = await signedIn(console.address);
  const form = { ...fieldsOf(await (await person.get(`/approvals/${id}`)).text()), decision: 'approve' };
  const cookie = `holdpoint=${person.cookies.get('holdpoint')}`;
  const post = (origin?: string, more: Record<string, string> = {}): Promise<number> =>
    rawStatus(
      console.address,
      'POST',
      `/approvals/${id}`,
      { 'content-type': 'application/x-www-form-urlencoded', cookie, ...(origin && { origin }), ...more },
      new URLSearchParams(form).toString(),
    );
  assert.equal(await post(), 403);
  assert.equal(await post('null'), 403);
  assert.equal(await post('https://evil.example', { authorization: 'Bearer x' }), 403);
  assert.equal(console.acts.length, 0);
  assert.equal(await post(console.address), 200, 'the form itself is good');
});

test('a host name that is not the console’s own is refused (DNS rebinding)', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const { port } = new URL(console.address);
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', '127.0.0.1:1'])
    assert.equal(await rawStatus(console.address, 'GET', '/login', { host }), 421, host);
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`])
    assert.equal(await rawStatus(console.address, 'GET', '/login', { host }), 200, host);
});

test('no page can be framed, sniffed, cached, or run anything but its own scripts', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const person = await signedIn(console.address);
  for (const path of ['/', '/login', '/nowhere', '/approvals/none', '/assets/live.js']) {
    const { headers } = await person.get(path);
    const policy = headers.get('content-security-policy') ?? '';
    for (const rule of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'self'",
    ])
      assert.ok(policy.split('; ').includes(rule), `${path}: ${rule}`);
    assert.doesNotMatch(policy, /unsafe|http:|\*/);
    assert.equal(headers.get('x-frame-options'), 'DENY');
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'same-origin');
    assert.match(headers.get('cache-control') ?? '', /no-store|no-cache/);
  }
});

test('opening a login link uses nothing up (link previews); its form works once', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const link = new URL(console.running.loginLink() ?? '');
  const token = link.searchParams.get('token') ?? '';
  for (let i = 0; i < 3; i++) {
    const preview = visitor(console.address);
    assert.equal((await preview.get(link.pathname + link.search)).status, 200);
    assert.equal(preview.cookies.size, 0);
  }
  const answers = await Promise.all([1, 2, 3].map(() => visitor(console.address).post('/login', { token })));
  assert.deepEqual(
    answers.map((answer) => answer.status).sort((a, b) => a - b),
    [303, 403, 403],
  );
});

test('a login link that is old, made with another credential, or altered does not work', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const tokenOf = (link: string): string => new URL(link).searchParams.get('token') ?? '';
  const good = tokenOf(mintLoginLink(credential, console.address));
  const [, nonce, signature] = good.split('.');
  const tokens = [
    tokenOf(mintLoginLink(credential, console.address, new Date(Date.now() - linkLifeMs - 1))),
    tokenOf(mintLoginLink(credential.toUpperCase(), console.address)),
    `${(Date.now() + 10 * linkLifeMs).toString(36)}.${nonce}.${signature}`,
    `${good}.x`,
    '',
    '..',
  ];
  for (const token of tokens)
    assert.equal((await visitor(console.address).post('/login', { token })).status, 403, token);
  for (const wrong of ['', credential.slice(1), `${credential}x`])
    assert.equal((await visitor(console.address).post('/login', { credential: wrong })).status, 403);
});

test('what a command line proves itself by is good for a minute, and only as its owner’s credential makes it', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const status = async (bearer: string): Promise<number> =>
    (await visitor(console.address).get('/api/v1/approvals', { authorization: `Bearer ${bearer}` })).status;
  const at = (ms: number): Date => new Date(Date.now() + ms);
  const good = mintCommandToken(credential);
  assert.equal(await status(good), 200);
  const [, until = '', nonce = '', signature = ''] = /^hplocal_(\w+)\.([\w-]+)\.([\w-]+)$/.exec(good) ?? [];
  const longer = (Number.parseInt(until, 36) + 30_000).toString(36);
  const link = new URL(mintLoginLink(credential, console.address)).searchParams.get('token') ?? '';
  for (const [what, bearer] of Object.entries({
    'an old one': mintCommandToken(credential, at(-61_000)),
    'one made far ahead': mintCommandToken(credential, at(10 * 60_000)),
    'one of another credential': mintCommandToken(`${credential}x`),
    'one made longer': `hplocal_${longer}.${nonce}.${signature}`,
    'another nonce': `hplocal_${until}.${'A'.repeat(22)}.${signature}`,
    'another signature': `hplocal_${until}.${nonce}.${'A'.repeat(43)}`,
    'no signature': `hplocal_${until}.${nonce}.`,
    'a login link': `hplocal_${link}`,
    'the credential itself': credential,
  }))
    assert.equal(await status(bearer), 401, what);
  for (const token of [good, good.slice('hplocal_'.length)])
    assert.equal(
      (await visitor(console.address).post('/login', { token })).status,
      403,
      'it signs nobody in',
    );
});

test('a session id planted before signing in is worth nothing afterwards (session fixation)', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const planted = 'A'.repeat(43);
  const victim = visitor(console.address);
  victim.cookies.set('holdpoint', planted);
  await victim.post('/login', { credential });
  assert.notEqual(victim.cookies.get('holdpoint'), planted);
  const attacker = visitor(console.address);
  attacker.cookies.set('holdpoint', planted);
  assert.equal((await attacker.get('/')).status, 303);
});

test('the session cookie is out of reach of scripts, and signing out ends the session on the server', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const person = visitor(console.address);
  const answer = await person.post('/login', { credential });
  assert.match(answer.headers.getSetCookie()[0] ?? '', /HttpOnly; SameSite=Lax/);
  const cookie = person.cookies.get('holdpoint') ?? '';
  const { rows } = await db.pool.query<{ all: string }>(
    'select console_sessions::text as all from console_sessions',
  );
  assert.ok(!rows.some((row) => row.all.includes(cookie)), 'the cookie itself is not stored');
  const { csrf } = fieldsOf(await (await person.get('/')).text());
  assert.equal((await person.post('/logout', { csrf: 'x' })).status, 403);
  assert.equal((await person.post('/logout', { csrf })).status, 303);
  person.cookies.set('holdpoint', cookie);
  assert.equal((await person.get('/')).status, 303);
});

test('signing in anew ends the session that the browser had before', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const person = await signedIn(console.address);
  const former = person.cookies.get('holdpoint') ?? assert.fail();
  await person.post('/login', { credential });
  assert.notEqual(person.cookies.get('holdpoint'), former);
  assert.equal((await person.get('/')).status, 200);
  const other = visitor(console.address);
  other.cookies.set('holdpoint', former);
  assert.equal((await other.get('/')).status, 303);
});

test('where browsers come by https, the cookie goes by https alone, and to no other host', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool, { publicUrl: 'https://localhost:8471' });
  const answer = await visitor(console.address).post('/login', { credential });
  assert.match(
    answer.headers.getSetCookie()[0] ?? '',
    /^__Host-holdpoint=[\w-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  );
  assert.match(answer.headers.get('strict-transport-security') ?? '', /max-age=\d{8}/);
});

test('a session ends when it is idle, when its time is over, and when the credential changes', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  for (const change of ["used_at = now() - interval '3 hours'", 'expires_at = now()']) {
    const person = await signedIn(console.address);
    assert.equal((await person.get('/')).status, 200);
    await db.pool.query(`update console_sessions set ${change}`);
    assert.equal((await person.get('/')).status, 303, change);
  }
  const person = await signedIn(console.address);
  await using other = await testConsole(db.pool, {
    login: { mode: 'local', credential: `${credential}-new` },
  });
  const same = visitor(other.address);
  same.cookies.set('holdpoint', person.cookies.get('holdpoint') ?? '');
  assert.equal((await same.get('/')).status, 303);
});

test('signing in never leads to another site', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  for (const to of [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '/login?to=/x',
  ]) {
    const answer = await visitor(console.address).post('/login', { credential, to });
    assert.equal(answer.headers.get('location'), '/', to);
  }
  const answer = await visitor(console.address).post('/login', { credential, to: '/approvals/x?y=1' });
  assert.equal(answer.headers.get('location'), '/approvals/x?y=1');
});

test('the console does not start where nobody can be told apart', async () => {
  await using db = await testDatabase();
  const deps = {
    listen: { host: '127.0.0.1', port: 0 },
    publicUrl: 'http://127.0.0.1:0',
    pool: db.pool,
    approvals: decideInDatabase(db.pool, []),
    maskText: (text: string) => text as Masked<string>,
    log: pino({ level: 'silent' }),
  };
  const login = { mode: 'local', credential } as const;
  const refused = (more: object, code: string): Promise<void> =>
    assert.rejects(
      startConsole({ ...deps, login, ...more }),
      (error) => error instanceof ConsoleError && error.code === code,
    );
  await refused({ login: null }, 'login_missing');
  await refused({ listen: { host: '0.0.0.0', port: 0 } }, 'local_needs_loopback');
  await refused({ listen: { host: '::', port: 0 } }, 'local_needs_loopback');
  await refused({ publicUrl: 'https://holdpoint.example' }, 'local_needs_loopback');
  await refused({ login: { mode: 'local', credential: 'short' } }, 'credential_too_short');
  await refused(
    { login: { mode: 'oidc', issuer: 'http://127.0.0.1:1', clientId: 'c', clientSecret: 's' } },
    'login_unreachable',
  );
});

function rawStatus(
  address: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { hostname, port } = new URL(address);
  request({ hostname, port, path, method, headers }, (answer) => {
    answer.resume();
    resolve(answer.statusCode ?? 0);
  })
    .on('error', reject)
    .end(body);
  return promise;
}

test('a Slack account is linked once, by a form and not by opening the link, and then counts as the same person', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const code = await newLinkCode(db.pool, { key: 'slack:T1/U1', name: '<b>Berta</b>', validMs: 60_000 });
  const person = await signedIn(console.address);
  const page = await (await person.get(`/link?code=${code}`)).text();
  assert.match(page, /&lt;b&gt;Berta&lt;\/b&gt;/);
  const { csrf } = fieldsOf(page);
  assert.equal((await person.post('/link', { code, csrf: 'x' })).status, 403);
  assert.equal((await person.post('/link', { code, csrf })).status, 200);
  assert.equal((await person.post('/link', { code, csrf })).status, 403);
  assert.equal((await person.get('/link?code=x')).status, 403);
  const id = await holdCall(db.pool);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  assert.deepEqual(console.acts[0]?.person.keys, ['local:approver', 'slack:T1/U1']);
});
