import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { revoke, unrevoke } from '../../../db/revoke.ts';
import { isPublicAddress, publicFetch } from '../../../gateway/authorize/public-fetch.ts';
import { type Visitor, visitor } from '../../console/support.ts';
import { type CountingUpstream, startCountingUpstream } from '../../support/counting-upstream.ts';
import { type TestProvider, testProvider } from '../../support/oidc-provider.ts';
import { type SignInScene, signInScene } from '../../support/sign-in-scene.ts';

let upstream: CountingUpstream;
let idp: TestProvider;
let scene: SignInScene;
const documents = new Map<string, unknown>();
const callback = 'http://127.0.0.1:9/callback';
const byOidc = async () => ({
  mode: 'oidc' as const,
  issuer: idp.issuer,
  clientId: idp.clientId,
  clientSecret: idp.clientSecret,
});

before(async () => {
  upstream = await startCountingUpstream();
  idp = await testProvider();
  idp.user = { sub: 'dana', name: 'Dana', groups: ['dba'] };
  scene = await signInScene({
    upstreamUrl: upstream.url,
    login: byOidc,
    fetchDocument: async (url) => Response.json(documents.get(String(url)) ?? null),
  });
});
after(async () => {
  await scene?.[Symbol.asyncDispose]();
  await idp?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

/** A browser: one cookie jar for the gateway, one for the console, as one browser has. */
interface Browser {
  readonly gateway: Visitor;
  readonly console: Visitor;
}

function browser(): Browser {
  return { gateway: visitor(scene.issuer), console: visitor(scene.console.publicUrl) };
}

async function register(more: object = {}): Promise<Response> {
  return fetch(`${scene.issuer}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'x', redirect_uris: [callback], ...more }),
  });
}

async function newClient(): Promise<string> {
  return ((await (await register()).json()) as { client_id: string }).client_id;
}

const pkce = () => {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
};

function authorizePath(clientId: string, challenge: string, more: Record<string, string> = {}): string {
  const parameters = {
    client_id: clientId,
    response_type: 'code',
    redirect_uri: callback,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    resource: scene.resource('everything'),
    scope: 'mcp:everything',
    state: 'st',
    ...more,
  };
  const given = Object.entries(parameters).filter(([, value]) => value !== '');
  return `/oauth/authorize?${new URLSearchParams(given).toString()}`;
}

async function signInToConsole({ console }: Browser): Promise<void> {
  const start = await console.get('/login/start?to=/');
  const provider = await fetch(start.headers.get('location') ?? '', { redirect: 'manual' });
  const back = new URL(provider.headers.get('location') ?? '');
  await console.get(back.pathname + back.search);
}

/** Up to the question on the console. @returns its path */
async function toQuestion(person: Browser, path: string): Promise<string> {
  const begun = await person.gateway.get(path);
  const handedOver = await person.gateway.get(begun.headers.get('location') ?? '');
  const to = new URL(handedOver.headers.get('location') ?? assert.fail(`no hand-over: ${handedOver.status}`));
  return to.pathname + to.search;
}

/** Answers on the console. @returns the address to which the browser is sent back */
async function answer(person: Browser, question: string, said = 'agree'): Promise<string> {
  const page = await (await person.console.get(question)).text();
  const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const request = /name="request" value="([^"]+)"/.exec(page)?.[1] ?? '';
  const done = await (await person.console.post('/authorize', { csrf, request, answer: said })).text();
  const to = /content="0;url=([^"]+)"/.exec(done)?.[1] ?? assert.fail(done);
  const url = new URL(to.replaceAll('&amp;', '&'));
  return url.pathname + url.search;
}

/** From the answer to the redirect that carries the code. */
async function comeBack({ gateway }: Browser, back: string): Promise<URL> {
  const done = await gateway.get(back);
  const resumed = await gateway.get(
    new URL(done.headers.get('location') ?? assert.fail(), scene.issuer).pathname,
  );
  return new URL(resumed.headers.get('location') ?? assert.fail(await resumed.text()));
}

/** From the first redirect of a sign-in that is refused before anybody is asked, to the client. */
async function comeBackFrom({ gateway }: Browser, begun: Response): Promise<URL> {
  const refused = await gateway.get(begun.headers.get('location') ?? '');
  const resumed = await gateway.get(new URL(refused.headers.get('location') ?? assert.fail()).pathname);
  return new URL(resumed.headers.get('location') ?? assert.fail(await resumed.text()));
}

async function codeFor(
  clientId: string,
  challenge: string,
  more: Record<string, string> = {},
): Promise<string> {
  const person = browser();
  await signInToConsole(person);
  const question = await toQuestion(person, authorizePath(clientId, challenge, more));
  const url = await comeBack(person, await answer(person, question));
  return url.searchParams.get('code') ?? assert.fail(String(url));
}

async function token(
  form: Record<string, string>,
): Promise<{ status: number; body: Record<string, string> }> {
  const reply = await fetch(`${scene.issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  return { status: reply.status, body: (await reply.json()) as Record<string, string> };
}

function redeem(clientId: string, code: string, verifier: string, more: Record<string, string> = {}) {
  return token({
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    code_verifier: verifier,
    redirect_uri: callback,
    resource: scene.resource('everything'),
    ...more,
  });
}

async function ping(bearer: string, connection = 'everything'): Promise<number> {
  const reply = await fetch(scene.resource(connection), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${bearer}`,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
    }),
  });
  await reply.text();
  return reply.status;
}

describe('codes and tokens', () => {
  test('a code works once, and using it again takes back what it gave', async () => {
    const clientId = await newClient();
    const { verifier, challenge } = pkce();
    const code = await codeFor(clientId, challenge);
    const given = await redeem(clientId, code, verifier);
    assert.equal(given.status, 200, JSON.stringify(given.body));
    assert.equal(await ping(given.body['access_token'] ?? ''), 200);
    assert.equal((await redeem(clientId, code, verifier)).body['error'], 'invalid_grant');
    const refresh = { grant_type: 'refresh_token', client_id: clientId };
    const renewed = await token({ ...refresh, refresh_token: given.body['refresh_token'] ?? '' });
    assert.equal(renewed.body['error'], 'invalid_grant');
    const { rowCount } = await scene.db.pool.query('select from oauth_sign_ins where client_id = $1', [
      clientId,
    ]);
    assert.equal(rowCount, 0, 'the sign-in has ended');
  });

  test('a code is worth nothing without its verifier, to another client, or at another address', async () => {
    const clientId = await newClient();
    const { verifier, challenge } = pkce();
    const attempts: [string, (code: string) => ReturnType<typeof token>][] = [
      ['another verifier', (code) => redeem(clientId, code, pkce().verifier)],
      ['no verifier', (code) => redeem(clientId, code, '')],
      ['another client', async (code) => redeem(await newClient(), code, verifier)],
      [
        'another address',
        (code) => redeem(clientId, code, verifier, { redirect_uri: 'http://127.0.0.1:9/x' }),
      ],
      [
        'another connection',
        (code) => redeem(clientId, code, verifier, { resource: scene.resource('files') }),
      ],
    ];
    for (const [what, attempt] of attempts) {
      const { status, body } = await attempt(await codeFor(clientId, challenge));
      assert.equal(status, 400, what);
      assert.equal(body['access_token'], undefined, what);
    }
  });

  test('two replicas that are given one refresh token at the same moment serve at most one, and end the sign-in', async () => {
    const clientId = await newClient();
    const { verifier, challenge } = pkce();
    const { body } = await redeem(clientId, await codeFor(clientId, challenge), verifier);
    const renew = (refresh: string) =>
      token({ grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh });
    const both = await Promise.all([renew(body['refresh_token'] ?? ''), renew(body['refresh_token'] ?? '')]);
    const served = both.filter(({ status }) => status === 200);
    assert.ok(served.length <= 1);
    for (const { body: fresh } of served)
      assert.equal((await renew(fresh['refresh_token'] ?? '')).body['error'], 'invalid_grant');
  });

  test('a refresh token that was used takes every later one with it', async () => {
    const clientId = await newClient();
    const { verifier, challenge } = pkce();
    const { body } = await redeem(clientId, await codeFor(clientId, challenge), verifier);
    const renew = (refresh: string) =>
      token({ grant_type: 'refresh_token', client_id: clientId, refresh_token: refresh });
    const second = await renew(body['refresh_token'] ?? '');
    assert.equal(second.status, 200);
    assert.equal((await renew(body['refresh_token'] ?? '')).body['error'], 'invalid_grant');
    assert.equal((await renew(second.body['refresh_token'] ?? '')).body['error'], 'invalid_grant');
  });

  test('a token names one connection, its person and the sign-in, lives minutes, and opens no other connection', async () => {
    const clientId = await newClient();
    const { verifier, challenge } = pkce();
    const { body } = await redeem(clientId, await codeFor(clientId, challenge), verifier);
    const claims = decodeJwt(body['access_token'] ?? '');
    assert.deepEqual(
      [claims.iss, claims.aud, claims['client_id'], claims['scope'], claims['groups']],
      [scene.issuer, scene.resource('everything'), clientId, 'mcp:everything', ['dba']],
    );
    assert.ok((claims.exp ?? 0) - (claims.iat ?? 0) <= 300);
    assert.equal(decodeProtectedHeader(body['access_token'] ?? '').typ, 'at+jwt');
    assert.equal(await ping(body['access_token'] ?? '', 'files'), 401);
    const tampered = (body['access_token'] ?? '').split('.');
    tampered[1] = Buffer.from(JSON.stringify({ ...claims, subject: 'root' })).toString('base64url');
    assert.equal(await ping(tampered.join('.')), 401);
  });

  test('whoever left a group does not carry it into the next token', async () => {
    const clientId = await newClient();
    const { verifier, challenge } = pkce();
    const { body } = await redeem(clientId, await codeFor(clientId, challenge), verifier);
    idp.user = { ...idp.user, groups: ['staff'] };
    await signInToConsole(browser());
    const next = await token({
      grant_type: 'refresh_token',
      client_id: clientId,
      refresh_token: body['refresh_token'] ?? '',
    });
    assert.deepEqual(decodeJwt(next.body['access_token'] ?? '')['groups'], ['staff']);
    idp.user = { ...idp.user, groups: ['dba'] };
  });

  test('a person or a client that has been cut off gets no token, by code or by renewal, until that is lifted', async () => {
    const clientId = await newClient();
    const { verifier, challenge } = pkce();
    const { body } = await redeem(clientId, await codeFor(clientId, challenge), verifier);
    const renew = () =>
      token({
        grant_type: 'refresh_token',
        client_id: clientId,
        refresh_token: body['refresh_token'] ?? '',
      });
    const by = { key: 'test', name: 'test', via: 'cli' };
    const deps = {
      recordAct: async () => {},
      maskText: (text: string) => text,
      cancelWorkflow: async () => {},
    };
    const pool = scene.db.pool;
    for (const [kind, value] of [
      ['person', 'dana'],
      ['person', `oidc:${idp.issuer}#dana`],
      ['client', clientId],
    ] as const) {
      const code = await codeFor(clientId, challenge);
      const ask = { kind, value, reason: 'test', by };
      await revoke(pool, ask, deps);
      assert.equal((await redeem(clientId, code, verifier)).body['error'], 'invalid_grant', value);
      assert.equal((await renew()).body['error'], 'invalid_grant', value);
      if (kind === 'client') {
        const person = browser();
        const begun = await person.gateway.get(authorizePath(clientId, challenge));
        const told = await comeBackFrom(person, begun);
        assert.equal(told.searchParams.get('error'), 'access_denied');
      }
      await unrevoke(pool, ask, deps);
    }
    assert.equal((await renew()).status, 200, 'it was not used up');
  });

  test('a token in the query string is no token', async () => {
    const clientId = await newClient();
    const { verifier, challenge } = pkce();
    const { body } = await redeem(clientId, await codeFor(clientId, challenge), verifier);
    const url = new URL(scene.resource('everything'));
    url.searchParams.set('access_token', body['access_token'] ?? '');
    const reply = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    });
    assert.equal(reply.status, 401);
  });
});

describe('the way there', () => {
  test('a request without PKCE, or with the plain method, is refused', async () => {
    const clientId = await newClient();
    for (const more of [
      { code_challenge: '', code_challenge_method: '' },
      { code_challenge_method: 'plain' },
    ]) {
      const reply = await browser().gateway.get(authorizePath(clientId, 'x'.repeat(43), more));
      const to = new URL(reply.headers.get('location') ?? '');
      assert.equal(to.searchParams.get('error'), 'invalid_request');
      assert.equal(to.searchParams.get('iss'), scene.issuer, 'and says who refuses (RFC 9207)');
    }
  });

  test('no browser is sent to an address that the client did not register', async () => {
    const clientId = await newClient();
    for (const uri of [
      'https://evil.example/callback',
      'http://127.0.0.1:9/callback/../x',
      'http://127.0.0.1:9/callback?x=1',
      'http://127.0.0.1.evil.example:9/callback',
      'javascript:alert(1)',
    ]) {
      const reply = await browser().gateway.get(
        authorizePath(clientId, pkce().challenge, { redirect_uri: uri }),
      );
      assert.equal(reply.headers.get('location'), null, uri);
      assert.equal(reply.status, 400, uri);
    }
    const unknown = await browser().gateway.get(authorizePath('<script>', pkce().challenge));
    assert.equal(unknown.status, 400);
    assert.ok(!(await unknown.text()).includes('<script>'));
  });

  test('a person who answers for another’s browser lets nobody in', async () => {
    const clientId = await newClient();
    const { challenge } = pkce();
    const [attacker, victim] = [browser(), browser()];
    await signInToConsole(victim);
    const question = await toQuestion(attacker, authorizePath(clientId, challenge));
    const back = await answer(victim, question);
    // The victim's browser has the proof and no cookie; the attacker's has the cookie and no proof.
    assert.equal((await victim.gateway.get(back)).status, 400);
    const without = await attacker.gateway.get(
      `${back.split('?')[0]}?proof=${randomBytes(32).toString('base64url')}`,
    );
    assert.equal(without.status, 400);
    const resume = back.replace('/sign-in/', '/authorize/').replace(/\/done.*/, '');
    const resumed = await attacker.gateway.get(resume);
    assert.ok(!(resumed.headers.get('location') ?? '').includes('code='));
  });

  test('an answer serves one sign-in, of the client that was shown', async () => {
    const { challenge } = pkce();
    const person = browser();
    await signInToConsole(person);
    const harmless = await toQuestion(person, authorizePath(await newClient(), challenge));
    // A browser keeps these cookies by path; the jar of this test does not.
    const ofHarmless = new Map(person.gateway.cookies);
    const other = await toQuestion(person, authorizePath(await newClient(), challenge));
    const back = await answer(person, harmless);
    assert.match(await (await person.console.get(other)).text(), /Let a program call/);
    assert.equal((await person.gateway.get(back)).status, 400, 'not for the other sign-in');
    for (const [name, value] of ofHarmless) person.gateway.cookies.set(name, value);
    assert.ok((await comeBack(person, back)).searchParams.get('code'));
    for (const [name, value] of ofHarmless) person.gateway.cookies.set(name, value);
    assert.equal((await person.gateway.get(back)).status, 400, 'once');
  });

  test('a refusal reaches the client as such, and gives nothing', async () => {
    const person = browser();
    await signInToConsole(person);
    const question = await toQuestion(person, authorizePath(await newClient(), pkce().challenge));
    const url = await comeBack(person, await answer(person, question, 'refuse'));
    assert.deepEqual(
      [url.searchParams.get('error'), url.searchParams.get('code'), url.searchParams.get('state')],
      ['access_denied', null, 'st'],
    );
  });

  test('a form from elsewhere answers nothing, and an unknown question is none', async () => {
    const person = browser();
    await signInToConsole(person);
    const question = await toQuestion(person, authorizePath(await newClient(), pkce().challenge));
    const request = new URLSearchParams(question.split('?')[1]).get('request') ?? '';
    const forged = await person.console.post('/authorize', { request, answer: 'agree' });
    assert.equal(forged.status, 403);
    const foreign = await person.console.post(
      '/authorize',
      { request, answer: 'agree' },
      { origin: 'https://evil.example' },
    );
    assert.equal(foreign.status, 403);
    assert.equal((await person.console.get('/authorize?request=x')).status, 403);
    assert.equal((await person.console.get(question)).status, 200, 'the question still stands');
  });

  test('a cookie that was planted before is not the session after', async () => {
    const person = browser();
    person.gateway.cookies.set('_session', 'planted');
    person.console.cookies.set('holdpoint', 'planted');
    await signInToConsole(person);
    assert.notEqual(person.console.cookies.get('holdpoint'), 'planted');
    const question = await toQuestion(person, authorizePath(await newClient(), pkce().challenge));
    await comeBack(person, await answer(person, question));
    assert.notEqual(person.gateway.cookies.get('_session'), 'planted');
  });

  test('whoever signed in before is asked again for the next client', async () => {
    const person = browser();
    await signInToConsole(person);
    const clientId = await newClient();
    const first = await toQuestion(person, authorizePath(clientId, pkce().challenge));
    await comeBack(person, await answer(person, first));
    const again = await person.gateway.get(authorizePath(clientId, pkce().challenge));
    assert.match(again.headers.get('location') ?? '', /\/oauth\/sign-in\//);
    const silent = await person.gateway.get(authorizePath(clientId, pkce().challenge, { prompt: 'none' }));
    assert.match(silent.headers.get('location') ?? '', /error=login_required/);
  });

  test('headers of a client’s own do not change where anybody is sent', async () => {
    const reply = await fetch(`${scene.issuer}/.well-known/oauth-authorization-server`, {
      headers: { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' },
    });
    assert.ok(!(await reply.text()).includes('evil.example'));
    const { gateway } = browser();
    const begun = await gateway.get(authorizePath(await newClient(), pkce().challenge), {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-prefix': '//evil.example',
    });
    assert.ok(!(begun.headers.get('location') ?? '').includes('evil.example'));
  });
});

describe('clients', () => {
  test('addresses that a browser would run, or that leave this machine unprotected, are not registered', async () => {
    for (const uri of [
      'javascript:alert(1)',
      'data:text/html,x',
      'http://evil.example/cb',
      'https://user:pass@host.example/cb',
      'https://host.example/cb#x',
      'https://localhost/cb',
      'file:///etc/passwd',
      'no uri',
    ]) {
      const reply = await register({ redirect_uris: [uri] });
      assert.equal(reply.status, 400, uri);
      assert.equal(((await reply.json()) as { error: string }).error, 'invalid_redirect_uri', uri);
    }
    for (const uri of [
      'cursor://anysphere.cursor-mcp/oauth/callback',
      'http://localhost:33418/',
      'https://claude.ai/cb',
    ])
      assert.equal((await register({ redirect_uris: [uri] })).status, 201, uri);
  });

  test('a client that asks for a secret becomes a public one, and says nothing that is not its own', async () => {
    const reply = await register({
      token_endpoint_auth_method: 'client_secret_post',
      client_id: 'mine',
      jwks_uri: 'http://x',
    });
    const client = (await reply.json()) as Record<string, unknown>;
    assert.equal(client['token_endpoint_auth_method'], 'none');
    assert.deepEqual([client['client_secret'], client['jwks_uri']], [undefined, undefined]);
    assert.notEqual(client['client_id'], 'mine');
    const huge = await register({ client_name: 'x'.repeat(40_000) });
    assert.equal(huge.status, 413);
  });

  test('a client that is a document is shown by the host that serves it, and only if the document says so itself', async () => {
    const id = 'https://client.example/oauth.json';
    const { challenge } = pkce();
    documents.set(id, { client_id: 'https://other.example/x', redirect_uris: [callback] });
    const person = browser();
    await signInToConsole(person);
    const lying = await person.gateway.get(authorizePath(id, challenge));
    assert.equal(lying.status, 400);
    documents.set(id, {
      client_id: id,
      client_name: 'Client <i>Example</i>',
      redirect_uris: [callback],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
    });
    const question = await toQuestion(person, authorizePath(id, challenge));
    const page = await (await person.console.get(question)).text();
    assert.match(page, /as described by <strong>client\.example<\/strong>/);
    assert.ok(!page.includes('<i>Example'));
    assert.ok((await comeBack(person, await answer(person, question))).searchParams.get('code'));
  });

  test('a program that a document describes gets its code at any port of its own machine, and nobody in clear elsewhere', async () => {
    const id = 'https://program.example/any-port.json';
    const uris = ['http://localhost/callback', 'http://127.0.0.1/callback'];
    // Without application_type and grant_types, as documents of common clients are.
    documents.set(id, { client_id: id, redirect_uris: uris, token_endpoint_auth_method: 'none' });
    const person = browser();
    await signInToConsole(person);
    const { challenge } = pkce();
    for (const redirect of [callback, 'http://localhost:54321/callback']) {
      const path = authorizePath(id, challenge, { redirect_uri: redirect });
      const back = await comeBack(person, await answer(person, await toQuestion(person, path)));
      assert.ok(back.href.startsWith(`${redirect}?`));
      assert.ok(back.searchParams.get('code'));
    }
    const elsewhere = { redirect_uri: 'http://127.0.0.1:9/other' };
    assert.equal((await person.gateway.get(authorizePath(id, challenge, elsewhere))).status, 400);
    for (const [at, uri] of [
      'http://evil.example/cb',
      'javascript:alert(1)',
      'https://localhost/x',
    ].entries()) {
      const wrong = `https://program.example/wrong-${at}.json`;
      documents.set(wrong, { client_id: wrong, redirect_uris: [uri] });
      const refused = await person.gateway.get(authorizePath(wrong, challenge, { redirect_uri: uri }));
      assert.equal(refused.status, 400, uri);
    }
  });

  test('a document is fetched from the public internet only', async () => {
    for (const address of [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '192.168.0.1',
      '100.100.100.200',
      '0.0.0.0',
      '::1',
      'fd00:ec2::254',
      'fe80::1',
      '::ffff:10.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
    ])
      assert.ok(!isPublicAddress(address), address);
    for (const address of ['8.8.8.8', '2606:4700::1111']) assert.ok(isPublicAddress(address), address);
    for (const url of [
      'http://client.example/x',
      'https://127.0.0.1/x',
      'https://[::1]/x',
      'https://client.example:8443/x',
      'https://localhost/x',
      'file:///etc/passwd',
    ])
      await assert.rejects(publicFetch(url, {}), url);
  });

  test('an unknown connection is no resource, and a client that names none gets the least that there is', async () => {
    const clientId = await newClient();
    const { challenge } = pkce();
    const wrong = await browser().gateway.get(
      authorizePath(clientId, challenge, { resource: `${scene.issuer}/mcp/nothing` }),
    );
    assert.equal(new URL(wrong.headers.get('location') ?? '').searchParams.get('error'), 'invalid_target');
    const person = browser();
    await signInToConsole(person);
    const question = await toQuestion(
      person,
      authorizePath(clientId, challenge, { scope: '', resource: scene.resource('files') }),
    );
    const page = await (await person.console.get(question)).text();
    assert.match(page, /<code>mcp:files:read<\/code>/);
    assert.ok(!page.includes('mcp:files:write'));
  });
});

test('where nonces are demanded, the token endpoint takes a proof with its own nonce, and says which; none made in advance', async () => {
  await using strict = await signInScene({
    upstreamUrl: upstream.url,
    login: byOidc,
    settings: { dpopNonces: true },
  });
  const endpoint = `${strict.issuer}/oauth/token`;
  const registered = await fetch(`${strict.issuer}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: [callback] }),
  });
  const { client_id: clientId } = (await registered.json()) as { client_id: string };
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const ask = async (nonce?: string): Promise<{ error: string; nonce: string | null }> => {
    const claims = { htm: 'POST', htu: endpoint, jti: randomBytes(8).toString('hex') };
    const proof = await new SignJWT({ ...claims, ...(nonce !== undefined && { nonce }) })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .setIssuedAt()
      .sign(privateKey);
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: { dpop: proof },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientId,
        code: 'none',
        code_verifier: 'x'.repeat(43),
        redirect_uri: callback,
      }),
    });
    const { error } = (await answer.json()) as { error: string };
    return { error, nonce: answer.headers.get('dpop-nonce') };
  };
  const first = await ask();
  assert.equal(first.error, 'use_dpop_nonce');
  assert.ok(first.nonce);
  assert.equal((await ask('made-up')).error, 'use_dpop_nonce');
  assert.equal((await ask(first.nonce)).error, 'invalid_grant', 'the proof is good, and the code is not');
});
