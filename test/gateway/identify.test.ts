import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, exportJWK, exportSPKI, SignJWT } from 'jose';
import { createIdentifier } from '../../gateway/identify/identify.ts';
import { bearerChallenge, metadataUrl, protectedResourceMetadata } from '../../gateway/identify/metadata.ts';
import { isRefusal, type IdentityRefusal } from '../../gateway/identify/refusal.ts';
import type { Caller } from '../../policy/caller.ts';
import { newKey, type SigningKey, type TestIssuer, testIssuer } from '../support/issuer.ts';

const resource = 'https://gw.example/mcp/github';

/** An issuer whose tokens are for the connection that is called, unless they say otherwise. */
async function startIssuer(keys: SigningKey[]): Promise<TestIssuer> {
  const issuer = await testIssuer(keys);
  return { ...issuer, sign: (claims, options) => issuer.sign({ aud: resource, ...claims }, options) };
}

const plainSettings = {
  audience: [],
  groupsClaim: 'groups',
  algorithms: ['ES256'],
  clockSkewMs: 0,
  jwksUrl: null,
};

const now = (): number => Math.floor(Date.now() / 1000);

function asCaller(value: Caller | IdentityRefusal): Caller {
  assert.ok(!isRefusal(value), `expected a caller, got: ${JSON.stringify(value)}`);
  return value;
}

function asRefusal(value: Caller | IdentityRefusal): IdentityRefusal {
  assert.ok(isRefusal(value), `expected a refusal, got: ${JSON.stringify(value)}`);
  return value;
}

test('a verified token gives a caller with everything policy may ask about', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  const token = await issuer.sign({
    jti: 't-1',
    email: 'alice@example.com',
    email_verified: true,
    name: 'Alice',
    groups: ['dev', 'dba'],
    client_id: 'ide',
    act: { sub: 'build-bot', act: { sub: 'scheduler' } },
  });
  const caller = asCaller(await identify({ authorization: `Bearer ${token}`, resource }));
  const { claims, ...rest } = caller;
  assert.deepEqual(rest, {
    key: `oidc:${issuer.url}#alice`,
    subject: 'alice',
    issuer: issuer.url,
    email: 'alice@example.com',
    name: 'Alice',
    groups: ['dev', 'dba'],
    actors: ['build-bot', 'scheduler'],
    client: 'ide',
    credentialId: 'jti:t-1',
    proof: { kind: 'oauth', scopes: null, acr: null, amr: [], authenticatedAtMs: null },
  });
  assert.equal(claims['aud'], resource);
});

test('an unverified e-mail is no e-mail, and a token without jti is named by a hash that reveals nothing', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  const token = await issuer.sign({ email: 'ceo@example.com', azp: 'spa' }, { typ: null });
  const caller = asCaller(await identify({ authorization: `bearer ${token}`, resource }));
  assert.equal(caller.email, null);
  assert.equal(caller.client, 'spa');
  assert.match(caller.credentialId ?? '', /^sha256:[0-9a-f]{16}$/);
});

test('nested group claims are found by a dotted path, and a single group may be a plain text', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const settings = { ...issuer.settings, groupsClaim: 'realm_access.roles' };
  const { identify } = createIdentifier({ issuers: [settings], anonymous: null });
  const nested = await issuer.sign({ realm_access: { roles: ['a', 'b'] } });
  assert.deepEqual(asCaller(await identify({ authorization: `Bearer ${nested}`, resource })).groups, [
    'a',
    'b',
  ]);
  const single = await issuer.sign({ 'realm_access.roles': 'only' });
  assert.deepEqual(asCaller(await identify({ authorization: `Bearer ${single}`, resource })).groups, [
    'only',
  ]);
});

const unacceptable: readonly [string, Record<string, unknown>, RegExp][] = [
  ['for another connection', { aud: 'https://gw.example/mcp/other' }, /another audience/],
  ['without an audience', { aud: undefined }, /another audience|aud/],
  ['that has expired beyond the clock skew', { exp: now() - 60 }, /expired/],
  ['that never expires', { exp: undefined }, /exp/],
  ['that is not valid yet', { nbf: now() + 120 }, /not valid yet/],
  ['without a subject', { sub: undefined }, /sub/],
  ['with an empty subject', { sub: '' }, /sub/],
  ['of an unknown issuer', { iss: 'https://evil.example' }, /does not trust/],
  ['bound to a key that nobody proved', { cnf: { jkt: 'x' } }, /bound to a key/],
  ['bound in a way that cannot be checked here', { cnf: { 'x5t#S256': 'x' } }, /cannot be checked here/],
  ['bound in two ways', { cnf: { jkt: 'x', 'x5t#S256': 'x' } }, /cannot be checked here/],
  ['bound to no key', { cnf: { jkt: '' } }, /cannot be checked here/],
  ['that is an ID token by its hash of another', { at_hash: 'x' }, /is an ID token/],
  ['that is an ID token by its hash of a code', { c_hash: 'x' }, /is an ID token/],
  ['that says it is an ID token', { typ: 'ID' }, /another type/],
  ['that says it is a refresh token', { typ: 'Refresh' }, /another type/],
  ['that says it is an offline token', { typ: 'Offline' }, /another type/],
  ['that says it is a logout token', { typ: 'Logout' }, /another type/],
  ['whose groups are elsewhere', { _claim_names: { groups: 'src1' } }, /too many groups/],
  ['whose groups are no texts', { groups: [{ name: 'admin' }] }, /groups/],
  ['whose actor is no map', { act: 'bot' }, /act/],
  ['whose actor has no subject', { act: { iss: 'x' } }, /sub/],
];
for (const [what, claims, message] of unacceptable)
  test(`a token ${what} is refused, also where anonymous callers are let in`, async () => {
    await using issuer = await startIssuer([await newKey('k1')]);
    const anonymous = { subject: 'local-agent', groups: [] };
    const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous });
    const token = await issuer.sign(claims);
    const refusal = asRefusal(await identify({ authorization: `Bearer ${token}`, resource }));
    assert.equal(refusal.refused, 'invalid_token');
    assert.equal(refusal.status, 401);
    assert.match(refusal.message, message);
    assert.match(
      refusal.challenge ?? '',
      /^Bearer resource_metadata="https:\/\/gw\.example\/\.well-known\/oauth-protected-resource\/mcp\/github", error="invalid_token"/,
    );
    assert.ok(!JSON.stringify(refusal).includes(token.slice(0, 20)));
  });

test('an actor chain without end is refused', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  let act: Record<string, unknown> = { sub: 'last' };
  for (let depth = 0; depth < 8; depth++) act = { sub: `a${depth}`, act };
  const token = await issuer.sign({ act });
  assert.match(
    asRefusal(await identify({ authorization: `Bearer ${token}`, resource })).message,
    /nested deeper/,
  );
});

test('alg none, HMAC with the public key, and a swapped algorithm prove nothing', async () => {
  const key = await newKey('k1', 'RS256');
  await using issuer = await startIssuer([key]);
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: issuer.url, sub: 'alice', aud: resource, exp: now() + 300 };
  const none = `${part({ alg: 'none' })}.${part(claims)}.`;
  assert.equal(asRefusal(await identify({ authorization: `Bearer ${none}`, resource })).status, 401);
  const secret = Buffer.from(JSON.stringify(await exportJWK(key.publicKey)));
  const confused = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(secret);
  assert.match(
    asRefusal(await identify({ authorization: `Bearer ${confused}`, resource })).message,
    /algorithm/,
  );
});

test('a key that the token itself brings or points to proves nothing, nor a key id that is none', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  await using attacker = await startIssuer([await newKey('k1')]);
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  const own = attacker.state.keys[0] ?? assert.fail();
  const claims = { iss: issuer.url, sub: 'alice', aud: resource, exp: now() + 300 };
  for (const header of [
    { jwk: await exportJWK(own.publicKey) },
    { jwk: await exportJWK(own.publicKey), kid: 'k1' },
    { jku: `${attacker.url}/keys`, kid: 'k1' },
    { x5u: `${attacker.url}/keys`, kid: 'k1' },
    { x5c: [Buffer.from('no certificate').toString('base64')], kid: 'k1' },
    { kid: `${attacker.url}/keys` },
    { kid: '../../dev/null' },
    { kid: "' or 1=1 --" },
    {},
  ]) {
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', ...header })
      .sign(own.privateKey);
    const refusal = asRefusal(await identify({ authorization: `Bearer ${token}`, resource }));
    assert.equal(refusal.refused, 'invalid_token', JSON.stringify(header));
  }
  assert.equal(attacker.state.keyRequests, 0, 'no address of a token is asked');
});

test('a public key that is used as a shared secret proves nothing, however it is written', async () => {
  for (const alg of ['RS256', 'ES256']) {
    const key = await newKey('k1', alg);
    await using issuer = await startIssuer([key]);
    const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
    const claims = { iss: issuer.url, sub: 'alice', aud: resource, exp: now() + 300 };
    const jwk = await exportJWK(key.publicKey);
    const published = { ...jwk, kid: 'k1', alg, use: 'sig' };
    for (const secret of [
      await exportSPKI(key.publicKey),
      (await exportSPKI(key.publicKey)).trimEnd(),
      JSON.stringify(jwk),
      JSON.stringify(published),
      JSON.stringify({ keys: [published] }),
    ])
      for (const hmac of ['HS256', 'HS384', 'HS512']) {
        const token = await new SignJWT(claims)
          .setProtectedHeader({ alg: hmac, kid: 'k1', typ: 'at+jwt' })
          .sign(Buffer.from(secret));
        asRefusal(await identify({ authorization: `Bearer ${token}`, resource }));
      }
  }
});

test('only the configured algorithms are accepted, whatever keys the issuer publishes', async () => {
  const weak = await newKey('weak', 'ES384');
  await using issuer = await startIssuer([weak]);
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  const refusal = asRefusal(await identify({ authorization: `Bearer ${await issuer.sign({})}`, resource }));
  assert.match(refusal.message, /algorithm/);
});

test('one issuer cannot speak for another, even with a key of its own', async () => {
  await using honest = await startIssuer([await newKey('same')]);
  await using evil = await startIssuer([await newKey('same')]);
  const { identify } = createIdentifier({ issuers: [honest.settings, evil.settings], anonymous: null });
  const token = await evil.sign({ iss: honest.url });
  assert.equal(
    asRefusal(await identify({ authorization: `Bearer ${token}`, resource })).refused,
    'invalid_token',
  );
});

test('a token made for another purpose says so in its type and is refused', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  for (const typ of ['logout+jwt', 'dpop+jwt', 'oauth-id-jag+jwt', 'holdpoint-vote+jwt']) {
    const token = await issuer.sign({}, { typ });
    assert.match(
      asRefusal(await identify({ authorization: `Bearer ${token}`, resource })).message,
      /another type/,
    );
  }
});

test('a token changed by a single character is refused', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  const [head, , signature] = (await issuer.sign({})).split('.');
  const body = Buffer.from(
    JSON.stringify({ iss: issuer.url, sub: 'root', aud: resource, exp: now() + 300 }),
  ).toString('base64url');
  const refusal = asRefusal(
    await identify({ authorization: `Bearer ${head}.${body}.${signature}`, resource }),
  );
  assert.equal(refusal.refused, 'invalid_token');
});

test('a rotated key is found, and unknown key ids do not make us hammer the issuer', async () => {
  const [old, next, unknown] = [await newKey('old'), await newKey('next'), await newKey('unknown')];
  await using issuer = await startIssuer([old]);
  let clock = Date.now();
  const { identify } = createIdentifier(
    { issuers: [issuer.settings], anonymous: null },
    { now: () => clock },
  );
  asCaller(await identify({ authorization: `Bearer ${await issuer.sign({})}`, resource }));
  issuer.state.keys = [next];
  clock += 31_000;
  asCaller(
    await identify({
      authorization: `Bearer ${await issuer.sign({ exp: now() + 900 }, { key: next })}`,
      resource,
    }),
  );
  assert.equal(issuer.state.keyRequests, 2);
  for (let index = 0; index < 5; index++) {
    const token = await issuer.sign({ n: index, exp: now() + 900 }, { key: unknown });
    asRefusal(await identify({ authorization: `Bearer ${token}`, resource }));
  }
  assert.equal(issuer.state.keyRequests, 2);
});

test('a withdrawn key stops working once the cached keys are old', async () => {
  const [old, next] = [await newKey('old'), await newKey('next')];
  await using issuer = await startIssuer([old, next]);
  let clock = Date.now();
  const { identify } = createIdentifier(
    { issuers: [issuer.settings], anonymous: null },
    { now: () => clock },
  );
  const authorization = `Bearer ${await issuer.sign({ exp: now() + 3_600 })}`;
  asCaller(await identify({ authorization, resource }));
  issuer.state.keys = [next];
  clock += 15 * 60_000 + 1_000;
  assert.match(asRefusal(await identify({ authorization, resource })).message, /does not publish/);
});

test('a token is checked once and then trusted until it expires, but never for another connection', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  let clock = Date.now();
  const { identify } = createIdentifier(
    { issuers: [issuer.settings], anonymous: null },
    { now: () => clock },
  );
  const authorization = `Bearer ${await issuer.sign({ exp: now() + 40 })}`;
  const first = asCaller(await identify({ authorization, resource }));
  assert.equal(await identify({ authorization, resource }), first);
  asRefusal(await identify({ authorization, resource: 'https://gw.example/mcp/other' }));
  clock += 71_000;
  assert.match(asRefusal(await identify({ authorization, resource })).message, /expired/);
});

test('a token that ends soon is trusted no longer than it lasts', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  let clock = Date.now();
  const { identify } = createIdentifier(
    { issuers: [{ ...issuer.settings, clockSkewMs: 0 }], anonymous: null },
    { now: () => clock },
  );
  const authorization = `Bearer ${await issuer.sign({ exp: now() + 20 })}`;
  asCaller(await identify({ authorization, resource }));
  clock += 21_000;
  assert.match(asRefusal(await identify({ authorization, resource })).message, /expired/);
});

test('a token of the built-in authorization server is good for its own connection, while its sign-in stands', async () => {
  const key = await newKey('own');
  const published = { ...(await exportJWK(key.publicKey)), kid: 'own', alg: 'ES256' };
  const standing = new Set(['g-1']);
  let asked: unknown = null;
  const own = {
    issuer: 'https://gw.example',
    keys: createLocalJWKSet({ keys: [published] }),
    signedIn: async (grant: string): Promise<boolean> => {
      if (asked instanceof Error) throw asked;
      return standing.has(grant);
    },
  };
  const sign = (claims: object): Promise<string> =>
    new SignJWT({
      iss: own.issuer,
      sub: 'oidc:https://idp.example#alice',
      subject: 'alice',
      idp: 'https://idp.example',
      aud: resource,
      scope: 'mcp:github',
      grant: 'g-1',
      exp: now() + 300,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'own', typ: 'at+jwt' })
      .sign(key.privateKey);
  const { identify } = createIdentifier({ issuers: [], anonymous: null }, { own });
  const say = async (claims: object) => identify({ authorization: `Bearer ${await sign(claims)}`, resource });
  assert.equal(asCaller(await say({})).key, 'oidc:https://idp.example#alice');
  assert.match(asRefusal(await say({ aud: 'https://gw.example/mcp/other' })).message, /another audience/);
  assert.match(asRefusal(await say({ grant: 'g-2' })).message, /has ended/);
  assert.match(asRefusal(await say({ grant: undefined })).message, /has ended/);
  assert.equal(asRefusal(await say({ scope: 'mcp:other' })).refused, 'insufficient_scope');
  assert.equal(asRefusal(await say({ scope: 'mcp:github2 openid' })).refused, 'insufficient_scope');
  assert.equal(asRefusal(await say({ scope: undefined })).refused, 'insufficient_scope');
  standing.clear();
  assert.match(asRefusal(await say({ jti: 'later' })).message, /has ended/);
  asked = new Error('the database is away');
  assert.equal(asRefusal(await say({ jti: 'last' })).refused, 'issuer_unavailable');
});

test('while the issuer is down nobody new gets in, the answer says to try again, and the issuer is left alone', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  issuer.state.fail = true;
  let clock = Date.now();
  let requests = 0;
  const counting = (url: string, init: RequestInit): Promise<Response> => {
    requests++;
    return fetch(url, init);
  };
  const { identify } = createIdentifier(
    { issuers: [issuer.settings], anonymous: null },
    { fetch: counting, now: () => clock },
  );
  const authorization = `Bearer ${await issuer.sign({})}`;
  const answers = await Promise.all(Array.from({ length: 20 }, () => identify({ authorization, resource })));
  for (const answer of answers) {
    const refusal = asRefusal(answer);
    assert.deepEqual([refusal.refused, refusal.status, refusal.challenge], ['issuer_unavailable', 503, null]);
  }
  assert.equal(requests, 2);
  issuer.state.fail = false;
  asRefusal(await identify({ authorization, resource }));
  assert.equal(requests, 2);
  clock += 2_001;
  asCaller(await identify({ authorization, resource }));
});

test('an issuer that is down for a few minutes locks nobody out, and one that stays down everybody', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  let clock = Date.now();
  const { identify } = createIdentifier(
    { issuers: [issuer.settings], anonymous: null },
    { now: () => clock },
  );
  const authorization = `Bearer ${await issuer.sign({ exp: now() + 7_200 })}`;
  asCaller(await identify({ authorization, resource }));
  issuer.state.fail = true;
  for (const minutes of [6, 10, 14]) {
    clock += minutes * 60_000 - (clock - Date.now());
    asCaller(await identify({ authorization, resource }));
  }
  clock += 5 * 60_000;
  assert.equal(asRefusal(await identify({ authorization, resource })).refused, 'issuer_unavailable');
});

test('keys are renewed while the known ones still serve', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  let clock = Date.now();
  const { identify } = createIdentifier(
    { issuers: [issuer.settings], anonymous: null },
    { now: () => clock },
  );
  const authorization = `Bearer ${await issuer.sign({ exp: now() + 7_200 })}`;
  asCaller(await identify({ authorization, resource }));
  clock += 6 * 60_000;
  asCaller(await identify({ authorization, resource }));
  for (let tries = 0; tries < 100 && issuer.state.keyRequests < 2; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(issuer.state.keyRequests, 2);
  clock += 14 * 60_000;
  asCaller(await identify({ authorization, resource }));
});

test('a discovery document of another issuer, and a key set without end, are not believed', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const authorization = `Bearer ${await issuer.sign({})}`;
  issuer.state.discoveryIssuer = 'https://other.example';
  const misled = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  assert.equal(asRefusal(await misled.identify({ authorization, resource })).refused, 'issuer_unavailable');
  issuer.state.discoveryIssuer = null;
  issuer.state.huge = true;
  const flooded = createIdentifier({ issuers: [issuer.settings], anonymous: null });
  assert.equal(asRefusal(await flooded.identify({ authorization, resource })).refused, 'issuer_unavailable');
});

test('keys that an https issuer publishes without encryption are not asked for', async () => {
  const asked: string[] = [];
  const issuer = 'https://idp.example';
  const { identify } = createIdentifier(
    { issuers: [{ ...plainSettings, issuer }], anonymous: null },
    {
      fetch: async (url) => {
        asked.push(url);
        return Response.json({ issuer, jwks_uri: 'http://idp.example/keys', keys: [] });
      },
    },
  );
  const { privateKey } = await newKey('k1');
  const token = await new SignJWT({ iss: issuer, sub: 'alice', aud: resource, exp: now() + 300 })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .sign(privateKey);
  const refusal = asRefusal(await identify({ authorization: `Bearer ${token}`, resource }));
  assert.equal(refusal.refused, 'issuer_unavailable');
  assert.deepEqual(
    asked.filter((url) => url.startsWith('http:')),
    [],
  );
});

test('a configured key URL needs no discovery, and a configured audience replaces the connection URL', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const settings = { ...issuer.settings, jwksUrl: `${issuer.url}/keys`, audience: ['api://holdpoint'] };
  const { identify } = createIdentifier({ issuers: [settings], anonymous: null });
  const token = await issuer.sign({ aud: ['api://holdpoint', 'else'] });
  asCaller(await identify({ authorization: `Bearer ${token}`, resource }));
  assert.equal(issuer.state.discoveryRequests, 0);
  asRefusal(await identify({ authorization: `Bearer ${await issuer.sign({})}`, resource }));
});

test('without a token a caller is anonymous where that is configured, and is told where to sign in otherwise', async () => {
  const local = createIdentifier({
    issuers: [],
    anonymous: { subject: 'local-agent', groups: ['developers'] },
  });
  const caller = asCaller(await local.identify({ authorization: undefined, resource }));
  assert.deepEqual(
    [caller.key, caller.subject, caller.groups],
    ['local:agent', 'local-agent', ['developers']],
  );
  const strict = createIdentifier({ issuers: [], anonymous: null });
  const refusal = asRefusal(await strict.identify({ authorization: undefined, resource }));
  assert.equal(refusal.status, 401);
  assert.equal(
    refusal.challenge,
    'Bearer resource_metadata="https://gw.example/.well-known/oauth-protected-resource/mcp/github"',
  );
});

test('whatever is no single bearer token is a bad request, and never let in as anonymous', async () => {
  const { identify } = createIdentifier({ issuers: [], anonymous: { subject: 'local-agent', groups: [] } });
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Bearer a, Bearer b',
    'Bearer a b',
    `Bearer ${'a'.repeat(20_000)}`,
  ]) {
    const refusal = asRefusal(await identify({ authorization, resource }));
    assert.deepEqual([refusal.refused, refusal.status], ['invalid_request', 400], authorization.slice(0, 30));
  }
  for (const authorization of ['Bearer abc', 'Bearer a.b.c', 'Bearer ....'])
    assert.equal(
      asRefusal(await identify({ authorization, resource })).refused,
      'invalid_token',
      authorization,
    );
});

test('the metadata document names the resource exactly and every authorization server', () => {
  const issuers = [
    {
      issuer: 'https://idp.example',
      audience: [],
      groupsClaim: 'groups',
      algorithms: ['ES256'],
      clockSkewMs: 0,
      jwksUrl: null,
    },
  ];
  assert.deepEqual(protectedResourceMetadata({ issuers }, { resource, connection: 'github' }), {
    resource,
    authorization_servers: ['https://idp.example'],
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256'],
    resource_name: 'github through Holdpoint',
  });
  assert.equal(protectedResourceMetadata({ issuers: [] }, { resource, connection: 'github' }), null);
  assert.equal(
    metadataUrl('https://gw.example/base/mcp/x'),
    'https://gw.example/.well-known/oauth-protected-resource/base/mcp/x',
  );
  const challenge = bearerChallenge(resource, {
    error: { code: 'invalid_token', description: 'say "x"\r\nSet-Cookie: a=b \\ é' },
  });
  assert.match(challenge, /error_description="say 'x'\?\?Set-Cookie: a=b \? \?"$/);
});

test('a key set that was poisoned lets nobody in: neither by a shared secret, nor while it cannot be read', async () => {
  const [own, evil] = [await newKey('k1'), await newKey('k1')];
  await using issuer = await startIssuer([own]);
  let clock = Date.now();
  const { identify } = createIdentifier(
    { issuers: [issuer.settings], anonymous: null },
    { now: () => clock },
  );
  const secret = Buffer.from('a secret that whoever poisons the key set knows');
  const shared = { kty: 'oct', k: secret.toString('base64url'), kid: 'shared', alg: 'HS256' };
  issuer.state.poisoned = JSON.stringify({ keys: [shared] });
  const forged = await new SignJWT({ iss: issuer.url, sub: 'root', aud: resource, exp: now() + 300 })
    .setProtectedHeader({ alg: 'HS256', kid: 'shared' })
    .sign(secret);
  asRefusal(await identify({ authorization: `Bearer ${forged}`, resource }));
  for (const poison of ['<html>', '[]', '{"keys":{}}', '{"keys":[null,{"kty":"RSA"}]}']) {
    issuer.state.poisoned = poison;
    clock += 16 * 60_000;
    const token = await issuer.sign({ exp: now() + 36_000, poison });
    asRefusal(await identify({ authorization: `Bearer ${token}`, resource }));
  }
  issuer.state.poisoned = null;
  clock += 16 * 60_000;
  asCaller(
    await identify({ authorization: `Bearer ${await issuer.sign({ exp: now() + 36_000 })}`, resource }),
  );
  const impostor = await issuer.sign({ exp: now() + 36_000 }, { key: evil });
  asRefusal(await identify({ authorization: `Bearer ${impostor}`, resource }));
});

test('an issuer that does not answer in time is one that cannot be reached', async () => {
  await using issuer = await startIssuer([await newKey('k1')]);
  const never = (_: string, { signal }: RequestInit): Promise<Response> =>
    new Promise((_resolve, reject) => {
      assert.ok(signal, 'every request of the gateway to an issuer has a deadline');
      // What the deadline does, without waiting for it.
      reject(new DOMException('too slow', 'TimeoutError'));
    });
  const { identify } = createIdentifier({ issuers: [issuer.settings], anonymous: null }, { fetch: never });
  const refusal = asRefusal(await identify({ authorization: `Bearer ${await issuer.sign({})}`, resource }));
  assert.deepEqual([refusal.refused, refusal.status], ['issuer_unavailable', 503]);
});
