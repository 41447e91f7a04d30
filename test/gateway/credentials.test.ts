import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type MakeTokenDeps, makePersonalToken, makeServiceToken } from '../../console/make-token.ts';
import { listTokens, noteTokenUse, revokeTokens, standingToken } from '../../db/access-tokens.ts';
import { sweepDpopProofs, useDpopProof } from '../../db/dpop-proofs.ts';
import { personOf, rememberGroups } from '../../db/people.ts';
import { isPersonalToken, newPersonalToken } from '../../db/personal-token.ts';
import type { Pool } from '../../db/pool.ts';
import { createIdentifier, type Identifier, type IdentifierDeps } from '../../gateway/identify/identify.ts';
import { type IdentityRefusal, isRefusal } from '../../gateway/identify/refusal.ts';
import type { IdentitySettings } from '../../gateway/identify/settings.ts';
import type { Caller } from '../../policy/caller.ts';
import { httpConnection, testGateway } from '../support/gateway.ts';
import { startCountingUpstream } from '../support/counting-upstream.ts';
import { testIssuer } from '../support/issuer.ts';
import { testDatabase } from '../support/postgres.ts';
import { handshake, wire } from './wire.ts';

const resource = 'https://gw.example/mcp/github';
const scopes = ['mcp:github', 'mcp:github:read', 'mcp:github:write', 'mcp:files'];
const classes = { github: { read: ['echo', 'list_*'], write: ['*'] } };

function making(db: Pool, more: Partial<MakeTokenDeps> = {}): MakeTokenDeps {
  return { db, recordAct: async () => {}, now: new Date(), longestMs: 90 * 86_400_000, scopes, ...more };
}

function identifierOf(
  pool: Pool,
  settings: Partial<IdentitySettings> = {},
  deps: IdentifierDeps = {},
): Identifier {
  return createIdentifier(
    { issuers: [], anonymous: null, toolClasses: classes, ...settings },
    {
      tokens: { find: (secret) => standingToken(pool, secret), used: (id) => noteTokenUse(pool, id) },
      useProof: (proof) => useDpopProof(pool, proof),
      ...deps,
    },
  );
}

function asCaller(value: Caller | IdentityRefusal): Caller {
  assert.ok(!isRefusal(value), `expected a caller, got: ${JSON.stringify(value)}`);
  return value;
}

function asRefusal(value: Caller | IdentityRefusal): IdentityRefusal {
  assert.ok(isRefusal(value), `expected a refusal, got: ${JSON.stringify(value)}`);
  return value;
}

test('a token carries a checksum that a scanner can check, and one wrong character is no token', () => {
  const token = newPersonalToken();
  assert.match(token, /^hpat_[0-9A-Za-z]{42}$/);
  assert.ok(isPersonalToken(token));
  for (let at = 5; at < token.length; at++) {
    const other = token[at] === 'a' ? 'b' : 'a';
    assert.ok(!isPersonalToken(token.slice(0, at) + other + token.slice(at + 1)), `at ${at}`);
  }
});

test('a service token calls as its service until it is revoked, and is stored only as a hash', async () => {
  await using db = await testDatabase();
  const acts: string[] = [];
  const { secret, token } = await makeServiceToken(
    making(db.pool, { recordAct: async (act) => void acts.push(act) }),
    { subject: 'nightly', by: 'os:0' },
    { name: 'CI', lifeMs: 60_000, scopes: ['mcp:github'], groups: ['deployers'] },
  );
  const { identify } = identifierOf(db.pool);
  const caller = asCaller(await identify({ authorization: `Bearer ${secret}`, resource }));
  assert.deepEqual(
    [caller.key, caller.subject, caller.groups, caller.credentialId, caller.proof?.kind],
    ['service:nightly', 'nightly', ['deployers'], `token:${token.id}`, 'token'],
  );
  assert.deepEqual(acts, ['tokens.create']);
  assert.ok((await listTokens(db.pool, null))[0]?.lastUsedAt instanceof Date, 'last use is shown');
  const { rows } = await db.pool.query<{ everything: string }>(
    'select string_agg(t::text, $1) as everything from access_tokens t',
    ['\n'],
  );
  assert.ok(!rows[0]?.everything.includes(secret.slice(5)));
  await revokeTokens(db.pool, { id: token.id }, 'os:0');
  const refusal = asRefusal(await identify({ authorization: `Bearer ${secret}`, resource }));
  assert.deepEqual([refusal.refused, refusal.status], ['invalid_token', 401]);
  assert.ok(!JSON.stringify(refusal).includes(secret.slice(5, 15)));
});

test('a personal token gives no group that its owner was not in, or has left since', async () => {
  await using db = await testDatabase();
  const key = 'oidc:https://idp.example#dana';
  const person = await personOf(db.pool, key, 'Dana');
  await rememberGroups(db.pool, { key, groups: ['dba', 'dev'], seenAt: new Date() });
  const owner = { person, subject: 'dana', email: 'dana@example.com', groups: ['dba', 'dev'], local: false };
  const wish = { name: 'laptop', lifeMs: 60_000, scopes: null, groups: ['dba', 'dev'] };
  await assert.rejects(
    makePersonalToken(making(db.pool), owner, { ...wish, groups: ['admin'] }),
    /not in admin yourself/,
  );
  const { secret } = await makePersonalToken(making(db.pool), owner, wish);
  const { identify } = identifierOf(db.pool);
  const before = asCaller(await identify({ authorization: `Bearer ${secret}`, resource }));
  assert.deepEqual([before.key, before.groups], [key, ['dba', 'dev']]);
  await rememberGroups(db.pool, { key, groups: ['dev'], seenAt: new Date(Date.now() + 1000) });
  const after = asCaller(await identify({ authorization: `Bearer ${secret}`, resource }));
  assert.deepEqual(after.groups, ['dev']);
});

test('a token that has expired, was never made, or asks for a scope that is not there is refused', async () => {
  await using db = await testDatabase();
  const past = making(db.pool, { now: new Date(Date.now() - 120_000) });
  const wish = { name: 'x', lifeMs: 60_000, scopes: null, groups: [] };
  const { secret } = await makeServiceToken(past, { subject: 's', by: 'os:0' }, wish);
  const { identify } = identifierOf(db.pool);
  for (const token of [secret, newPersonalToken(), 'hpat_x'])
    assert.equal(
      asRefusal(await identify({ authorization: `Bearer ${token}`, resource })).refused,
      'invalid_token',
    );
  const made = makeServiceToken(
    making(db.pool),
    { subject: 's', by: 'os:0' },
    { ...wish, scopes: ['mcp:no'] },
  );
  await assert.rejects(made, /no scope mcp:no/);
  const long = { ...wish, lifeMs: 91 * 86_400_000 };
  await assert.rejects(
    makeServiceToken(making(db.pool), { subject: 's', by: 'os:0' }, long),
    /at most 90 days/,
  );
});

test('when the database cannot be asked about a token, nobody gets in, and is told to try again', async () => {
  const identifier = createIdentifier(
    { issuers: [], anonymous: { subject: 'a', groups: [] } },
    { tokens: { find: async () => Promise.reject(new Error('down')), used: async () => {} } },
  );
  const refusal = asRefusal(
    await identifier.identify({ authorization: `Bearer ${newPersonalToken()}`, resource }),
  );
  assert.deepEqual([refusal.refused, refusal.status, refusal.challenge], ['issuer_unavailable', 503, null]);
});

test('a narrow token is told by a 403 which scopes it needs, before anything reaches the server', async () => {
  await using upstream = await startCountingUpstream();
  await using db = await testDatabase();
  const { secret } = await makeServiceToken(
    making(db.pool),
    { subject: 's', by: 'os:0' },
    { name: 'x', lifeMs: 60_000, scopes: ['mcp:github:read'], groups: [] },
  );
  await using gateway = await testGateway({
    connections: { github: httpConnection(upstream.url), files: httpConnection(upstream.url) },
    identifier: identifierOf(db.pool),
  });
  const headers = await handshake(gateway.url('github'), '2025-11-25', { authorization: `Bearer ${secret}` });
  const call = (name: string, args: object) =>
    wire(
      gateway.url('github'),
      JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, arguments: args } }),
      headers,
    );
  const refused = await call('run', { command: 'x' });
  assert.equal(refused.status, 403);
  assert.match(
    String(refused.headers['www-authenticate']),
    /^Bearer resource_metadata="[^"]+", scope="mcp:github:read mcp:github:write", error="insufficient_scope"/,
  );
  assert.deepEqual([refused.json?.id, refused.json?.error?.data?.['code']], [7, 'insufficient_scope']);
  assert.equal(upstream.calls('run').length, 0);
  assert.equal((await call('echo', { text: 'hello' })).status, 200);
  assert.equal(upstream.calls('echo').length, 1);
  const elsewhere = await wire(gateway.url('files'), '{"jsonrpc":"2.0","id":1,"method":"ping"}', {
    authorization: `Bearer ${secret}`,
  });
  assert.equal(elsewhere.status, 403, 'nor is it for another connection, in any method');
});

test('a workload is known by the claims of where it runs, and by nothing less', async () => {
  await using db = await testDatabase();
  await using issuer = await testIssuer();
  const workloads = [
    {
      issuer: issuer.url,
      audience: ['holdpoint'],
      match: { repository: 'acme/*', 'kubernetes.io.namespace': 'prod' },
      subject: 'deployer',
      groups: ['ci'],
      scopes: ['mcp:github'],
      jwksUrl: null,
    },
  ];
  const { identify } = identifierOf(db.pool, { workloads });
  const said = {
    sub: 'repo:x',
    aud: 'holdpoint',
    repository: 'acme/api',
    'kubernetes.io': { namespace: 'prod' },
  };
  const ask = async (claims: Record<string, unknown>) =>
    identify({ authorization: `Bearer ${await issuer.sign(claims, { typ: 'JWT' })}`, resource });
  const caller = asCaller(await ask(said));
  assert.deepEqual(
    [caller.key, caller.subject, caller.groups, caller.proof?.kind, caller.proof?.scopes],
    [`workload:${issuer.url}#deployer`, 'deployer', ['ci'], 'workload', ['mcp:github']],
  );
  for (const claims of [
    { ...said, repository: 'evil/acme/api' },
    { ...said, aud: resource },
    { ...said, 'kubernetes.io': { namespace: 'test' } },
    { ...said, repository: undefined },
    { ...said, repository: { toString: 'acme/api' } },
  ])
    assert.match(asRefusal(await ask(claims)).message, /matches no workload/);
});

test('a token that is bound to a key works only with a fresh proof of that key, once, on whichever replica', async () => {
  await using db = await testDatabase();
  await using issuer = await testIssuer();
  const replicas = [
    identifierOf(db.pool, { issuers: [issuer.settings], toolClasses: {} }),
    identifierOf(db.pool, { issuers: [issuer.settings], toolClasses: {} }),
  ];
  const key = await generateKeyPair('ES256', { extractable: true });
  const thief = await generateKeyPair('ES256', { extractable: true });
  const { kty = '', crv = '', x = '', y = '' } = await exportJWK(key.publicKey);
  const jkt = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  const token = await issuer.sign({ aud: resource, cnf: { jkt } });
  const proof = async (claims: Record<string, unknown> = {}, by = key, typ = 'dpop+jwt') =>
    new SignJWT({
      htm: 'POST',
      htu: resource,
      iat: Math.floor(Date.now() / 1000),
      jti: Math.random().toString(36),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', typ, jwk: await exportJWK(by.publicKey) })
      .sign(by.privateKey);
  const present = (dpop: string | undefined, replica = 0, scheme = 'DPoP') =>
    replicas[replica]?.identify({ authorization: `${scheme} ${token}`, dpop, method: 'POST', resource }) ??
    assert.fail();
  const used = await proof();
  assert.equal(asCaller(await present(used)).subject, 'alice');
  assert.match(asRefusal(await present(used)).message, /used before/);
  assert.match(asRefusal(await present(used, 1)).message, /used before/);
  const bad: [string, string | undefined, string?][] = [
    ['without a proof', undefined],
    ['by another key', await proof({}, thief)],
    ['for another method', await proof({ htm: 'GET' })],
    ['for another URL', await proof({ htu: 'https://gw.example/mcp/files' })],
    ['for another token', await proof({ ath: 'x' })],
    ['made long ago', await proof({ iat: Math.floor(Date.now() / 1000) - 300 })],
    ['of another type', await proof({}, key, 'JWT')],
    ['without a name', await proof({ jti: '' })],
    ['as a plain bearer token', await proof(), 'Bearer'],
    ['two at once', `${await proof()}, ${await proof()}`],
  ];
  for (const [what, dpop, scheme] of bad) {
    const refusal = asRefusal(await present(dpop, 0, scheme));
    assert.deepEqual([refusal.refused, refusal.status], ['invalid_dpop_proof', 401], what);
    assert.match(refusal.challenge ?? '', /^DPoP .*algs="ES256/, what);
  }
  await db.pool.query('update dpop_proofs set expires_at = now()');
  await sweepDpopProofs(db.pool);
  assert.equal((await db.pool.query('select from dpop_proofs')).rowCount, 0);
});

test('groups may be asked of the issuer, and if it does not say them nobody gets in', async () => {
  await using db = await testDatabase();
  await using issuer = await testIssuer();
  const settings = { ...issuer.settings, groupsFrom: 'userinfo' as const };
  const { identify } = identifierOf(db.pool, { issuers: [settings], toolClasses: {} });
  issuer.state.userInfo = { sub: 'alice', groups: ['dba'] };
  const ask = async (n: number) =>
    identify({ authorization: `Bearer ${await issuer.sign({ aud: resource, n })}`, resource });
  assert.deepEqual(asCaller(await ask(1)).groups, ['dba']);
  issuer.state.userInfo = { sub: 'mallory', groups: ['admin'] };
  assert.equal(asRefusal(await ask(2)).status, 503);
  issuer.state.fail = true;
  assert.equal(asRefusal(await ask(3)).status, 503);
});
