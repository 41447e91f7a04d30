import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { useDpopProof } from '../../db/dpop-proofs.ts';
import { dpopNonces } from '../../gateway/identify/dpop-nonce.ts';
import { createIdentifier, type Identifier } from '../../gateway/identify/identify.ts';
import { isRefusal } from '../../gateway/identify/refusal.ts';
import { testIssuer, type TestIssuer } from '../support/issuer.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';

const resource = 'https://gw.example/mcp/box';
let db: TestDatabase;
let issuer: TestIssuer;
let [one, two]: [Identifier | null, Identifier | null] = [null, null];

before(async () => {
  [db, issuer] = [await testDatabase(), await testIssuer()];
  const replica = (): Identifier =>
    createIdentifier(
      { issuers: [issuer.settings], anonymous: null },
      { useProof: (proof) => useDpopProof(db.pool, proof) },
    );
  [one, two] = [replica(), replica()];
});
after(async () => {
  await issuer?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

type Pair = Awaited<ReturnType<typeof keyPair>>;

async function keyPair(alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { alg, privateKey, publicKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

const boundTo = ({ thumbprint }: Pair): Promise<string> =>
  issuer.sign({ aud: resource, cnf: { jkt: thumbprint } });

/** A proof that is right, but for what the test changes. */
async function proofOf(
  pair: Pair,
  token: string,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const right = {
    htm: 'POST',
    htu: resource,
    iat: Math.floor(Date.now() / 1000),
    jti: randomUUID(),
    ath: createHash('sha256').update(token).digest('base64url'),
  };
  return new SignJWT({ ...right, ...claims })
    .setProtectedHeader({ alg: pair.alg, typ: 'dpop+jwt', jwk: pair.jwk, ...header })
    .sign(pair.privateKey);
}

async function identify(
  identifier: Identifier | null,
  authorization: string,
  dpop?: string,
): Promise<{ refused: string | null; nonce: string | null }> {
  const found = await identifier?.identify({ authorization, dpop, method: 'POST', resource });
  assert.ok(found);
  if (!isRefusal(found)) return { refused: null, nonce: null };
  assert.equal(found.status, 401, found.message);
  assert.match(found.challenge ?? '', /^(DPoP|Bearer) /);
  return { refused: found.refused, nonce: found.nonce ?? null };
}

test('a token that is bound to a key is good with a proof of it, once, whichever replica it is shown to', async () => {
  const pair = await keyPair();
  const token = await boundTo(pair);
  const proof = await proofOf(pair, token);
  assert.equal((await identify(one, `DPoP ${token}`, proof)).refused, null);
  assert.equal((await identify(two, `DPoP ${token}`, proof)).refused, 'invalid_dpop_proof');
  assert.equal((await identify(one, `DPoP ${token}`, proof)).refused, 'invalid_dpop_proof');
  const query = await proofOf(pair, token, { htu: `${resource}?x=1#y` });
  assert.equal(
    (await identify(one, `DPoP ${token}`, query)).refused,
    null,
    'query and fragment do not count',
  );
});

const now = (): number => Math.floor(Date.now() / 1000);
const wrong: readonly [string, (pair: Pair, token: string) => Promise<string | undefined>][] = [
  ['none', async () => undefined],
  ['one for another method', (pair, token) => proofOf(pair, token, { htm: 'GET' })],
  ['one for another URL', (pair, token) => proofOf(pair, token, { htu: 'https://gw.example/mcp/other' })],
  [
    'one for the same path elsewhere',
    (pair, token) => proofOf(pair, token, { htu: 'https://other.example/mcp/box' }),
  ],
  ['one for another token', (pair) => proofOf(pair, 'another')],
  ['one without `ath`', (pair, token) => proofOf(pair, token, { ath: undefined })],
  ['one without `jti`', (pair, token) => proofOf(pair, token, { jti: undefined })],
  ['one made long ago', (pair, token) => proofOf(pair, token, { iat: now() - 300 })],
  ['one made in the future', (pair, token) => proofOf(pair, token, { iat: now() + 300 })],
  ['one of another key', async (_, token) => proofOf(await keyPair(), token)],
  [
    'one signed with another key than it shows',
    async (pair, token) => proofOf({ ...(await keyPair()), jwk: pair.jwk }, token),
  ],
  [
    'one that shows its private key',
    async (pair, token) => proofOf(pair, token, {}, { jwk: await exportJWK(pair.privateKey) }),
  ],
  ['one of another type', (pair, token) => proofOf(pair, token, {}, { typ: 'JWT' })],
  ['one that is longer than any', (pair, token) => proofOf(pair, token, { more: 'x'.repeat(8_192) })],
  ['two', async (pair, token) => `${await proofOf(pair, token)}, ${await proofOf(pair, token)}`],
];

for (const [what, make] of wrong)
  test(`a token that is bound to a key proves nothing with ${what} as its proof`, async () => {
    const pair = await keyPair();
    const token = await boundTo(pair);
    const { refused } = await identify(one, `DPoP ${token}`, await make(pair, token));
    assert.equal(refused, 'invalid_dpop_proof');
  });

test('a proof by a shared secret, or without a signature, is none', async () => {
  const secret = Buffer.from('a secret that both would have to know');
  const jwk = { kty: 'oct', k: secret.toString('base64url') };
  const pair = await keyPair();
  const token = await issuer.sign({ aud: resource, cnf: { jkt: await calculateJwkThumbprint(jwk) } });
  const claims = { htm: 'POST', htu: resource, iat: now(), jti: randomUUID() };
  const shared = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk })
    .sign(secret);
  assert.equal((await identify(one, `DPoP ${token}`, shared)).refused, 'invalid_dpop_proof');
  const other = await keyPair('RS512');
  const known = await boundTo(other);
  const { refused } = await identify(one, `DPoP ${known}`, await proofOf(other, known));
  assert.equal(refused, 'invalid_dpop_proof', 'an algorithm that is not among those announced');
  const bound = await boundTo(pair);
  const head = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: pair.jwk }));
  const [, body] = (await proofOf(pair, bound)).split('.');
  const unsigned = `${head.toString('base64url')}.${body}.`;
  assert.equal((await identify(one, `DPoP ${bound}`, unsigned)).refused, 'invalid_dpop_proof');
});

test('a bound token is not taken as a bearer token, nor an unbound one with a proof', async () => {
  const pair = await keyPair();
  const bound = await boundTo(pair);
  const asBearer = await identify(one, `Bearer ${bound}`, await proofOf(pair, bound));
  assert.equal(asBearer.refused, 'invalid_dpop_proof');
  const unbound = await issuer.sign({ aud: resource });
  const proof = await proofOf(pair, unbound);
  assert.equal((await identify(one, `DPoP ${unbound}`, proof)).refused, 'invalid_token');
});

test('where proofs need a nonce, one without is answered with it, an old or a made-up one too, and one with it is good on any replica', async () => {
  // At the beginning of a window of five minutes.
  let clock = Date.UTC(2026, 0, 1);
  const replica = (): Identifier =>
    createIdentifier(
      { issuers: [issuer.settings], anonymous: null },
      {
        useProof: (proof) => useDpopProof(db.pool, proof),
        nonces: dpopNonces('the same on all', () => clock),
      },
    );
  const [first, second] = [replica(), replica()];
  const pair = await keyPair();
  const token = await boundTo(pair);
  const asked = await identify(first, `DPoP ${token}`, await proofOf(pair, token));
  assert.equal(asked.refused, 'use_dpop_nonce');
  const { nonce } = asked;
  assert.ok(nonce);
  assert.equal(
    (await identify(second, `DPoP ${token}`, await proofOf(pair, token, { nonce }))).refused,
    null,
  );
  for (const other of ['made up', `${nonce}x`, '', 7]) {
    const again = await identify(first, `DPoP ${token}`, await proofOf(pair, token, { nonce: other }));
    assert.equal(again.refused, 'use_dpop_nonce', String(other));
  }
  clock += 6 * 60_000;
  assert.equal((await identify(first, `DPoP ${token}`, await proofOf(pair, token, { nonce }))).refused, null);
  clock += 6 * 60_000;
  const late = await identify(first, `DPoP ${token}`, await proofOf(pair, token, { nonce }));
  assert.equal(late.refused, 'use_dpop_nonce');
  assert.notEqual(late.nonce, nonce);
});

test('a machine is let in by the claims of its token, all of them, for its audience, and may call no more than its scopes', async () => {
  const { identify: of, lacks } = createIdentifier({
    issuers: [],
    anonymous: null,
    toolClasses: { box: { read: ['get_*'], write: ['*'] } },
    workloads: [
      {
        issuer: issuer.url,
        audience: ['holdpoint'],
        match: { repository: 'acme/deploy', 'kubernetes.io.namespace': 'agents-*' },
        subject: 'deployer',
        groups: ['ci'],
        scopes: ['mcp:box:read'],
        jwksUrl: null,
      },
    ],
  });
  const right = { aud: 'holdpoint', repository: 'acme/deploy', kubernetes: undefined };
  const claims = { ...right, 'kubernetes.io': { namespace: 'agents-eu' } };
  const ask = async (more: Record<string, unknown>) =>
    of({ authorization: `Bearer ${await issuer.sign({ ...claims, ...more }, { typ: 'JWT' })}`, resource });
  const found = await ask({});
  assert.ok(!isRefusal(found), JSON.stringify(found));
  assert.deepEqual([found.subject, found.groups, found.proof?.kind], ['deployer', ['ci'], 'workload']);
  assert.equal(lacks(found, { resource, tool: 'get_it' }), null);
  assert.equal(lacks(found, { resource, tool: 'drop_it' })?.status, 403);
  for (const more of [
    { repository: 'acme/deploy-evil' },
    { repository: 'evil/acme/deploy' },
    { repository: undefined },
    { 'kubernetes.io': { namespace: 'kube-system' } },
    { aud: 'somebody-else' },
    { exp: now() - 300 },
  ])
    assert.ok(isRefusal(await ask(more)), JSON.stringify(more));
});
