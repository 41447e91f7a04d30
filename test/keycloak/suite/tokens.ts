import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createIdentifier, type Identifier } from '../../../gateway/identify/identify.ts';
import { isRefusal } from '../../../gateway/identify/refusal.ts';
import type { IssuerSettings } from '../../../gateway/identify/settings.ts';
import { keycloakAdmin } from '../admin.ts';
import { company } from '../company.ts';
import { type Way, wayTo } from '../proxy.ts';

const admin = keycloakAdmin(process.env['HOLDPOINT_TEST_KEYCLOAK'] ?? '');
const gatewayUrl = 'http://gateway.example';
const resource = `${gatewayUrl}/mcp/github`;
let way: Way;
let issuer: string;

before(async () => {
  await admin.makeRealm(company('http://console.example', gatewayUrl));
  way = await wayTo(admin.url);
  issuer = `${way.url}/realms/company`;
});
after(() => way?.[Symbol.asyncDispose]());

/** As docs/identity.md configures it. */
function identifier(more: Partial<IssuerSettings> = {}, now?: () => number): Identifier {
  const settings: IssuerSettings = {
    issuer,
    audience: [gatewayUrl],
    groupsClaim: 'groups',
    algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    clockSkewMs: 30_000,
    jwksUrl: null,
    ...more,
  };
  const used = new Set<string>();
  return createIdentifier(
    { issuers: [settings], anonymous: null },
    {
      ...(now && { now }),
      useProof: async ({ proofSha256 }) => {
        const hash = Buffer.from(proofSha256).toString('hex');
        return !used.has(hash) && used.add(hash) !== undefined;
      },
    },
  );
}

async function tokens(
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Record<string, string>> {
  const answer = await fetch(`${issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({
      client_id: 'agents',
      client_secret: 'the-secret-of-agents',
      ...parameters,
    }),
  });
  const said = (await answer.json()) as Record<string, string>;
  assert.equal(answer.status, 200, JSON.stringify(said));
  return said;
}

const alice = { grant_type: 'password', scope: 'openid', username: 'alice', password: 'alice' } as const;
const bearer = (token: string | undefined) => ({ authorization: `Bearer ${token}`, resource });

test('a person’s token of Keycloak names them, their groups, their client and their verified address', async () => {
  const { access_token: token } = await tokens(alice);
  const caller = await identifier().identify(bearer(token));
  assert.ok(!isRefusal(caller), JSON.stringify(caller));
  assert.deepEqual(
    [caller.groups, caller.email, caller.name, caller.client, caller.issuer],
    [['deployers', 'leads'], 'alice@example.com', 'alice Example', 'agents', issuer],
  );
  assert.match(caller.key, /^oidc:http:\/\/127\.0\.0\.1:\d+\/realms\/company#[0-9a-f-]{36}$/);
  assert.equal(caller.proof?.acr, '1');
});

test('client credentials of Keycloak name the service account; realm roles serve as groups', async () => {
  const { access_token: token } = await tokens({ grant_type: 'client_credentials' });
  const caller = await identifier({ groupsClaim: 'realm_access.roles' }).identify(bearer(token));
  assert.ok(!isRefusal(caller), JSON.stringify(caller));
  assert.ok(caller.groups.includes('offline_access'), String(caller.groups));
  assert.equal(caller.client, 'agents');
});

test('groups come from Keycloak’s UserInfo where its access tokens are kept small', async () => {
  const { access_token: token } = await tokens(alice);
  const caller = await identifier({ groupsFrom: 'userinfo' }).identify(bearer(token));
  assert.ok(!isRefusal(caller), JSON.stringify(caller));
  assert.deepEqual(caller.groups, ['deployers', 'leads']);
});

test('ID tokens and refresh tokens of Keycloak are no access tokens, even with the right audience', async () => {
  const { id_token: id, refresh_token: refresh } = await tokens(alice);
  for (const token of [id, refresh]) {
    const refusal = await identifier({ audience: ['agents', issuer] }).identify(bearer(token));
    assert.ok(isRefusal(refusal));
    assert.equal(refusal.refused, 'invalid_token');
  }
});

test('a token of Keycloak without the audience of the gateway is refused', async () => {
  const { access_token: token } = await tokens(alice);
  const refusal = await identifier({ audience: [] }).identify(bearer(token));
  assert.ok(isRefusal(refusal));
  assert.match(refusal.message, /another audience/);
});

test('a token that Keycloak bound to a key (DPoP) is good with a proof, once, and worth nothing without', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(publicKey);
  const proof = (claims: Readonly<Record<string, unknown>>): Promise<string> =>
    new SignJWT({ jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
      .setIssuedAt()
      .sign(privateKey);
  const endpoint = `${issuer}/protocol/openid-connect/token`;
  const said = await tokens(alice, { dpop: await proof({ htm: 'POST', htu: endpoint }) });
  assert.equal(said['token_type'], 'DPoP');
  const token = said['access_token'] ?? '';
  const { identify } = identifier();
  const ath = createHash('sha256').update(token).digest('base64url');
  const asked = {
    authorization: `DPoP ${token}`,
    resource,
    dpop: await proof({ htm: 'POST', htu: resource, ath }),
  };
  const caller = await identify(asked);
  assert.ok(!isRefusal(caller), JSON.stringify(caller));
  assert.equal(caller.email, 'alice@example.com');
  for (const refused of [asked, bearer(token), { ...asked, dpop: undefined }]) {
    const refusal = await identify(refused);
    assert.ok(isRefusal(refusal));
    assert.equal(refusal.refused, 'invalid_dpop_proof');
  }
});

test('keys that Keycloak rotates while the gateway runs are found; tokens of a key that was withdrawn are refused once it is known', async () => {
  let now = Date.now();
  const { identify } = identifier({}, () => now);
  const { access_token: before } = await tokens(alice);
  assert.ok(!isRefusal(await identify(bearer(before))));
  const { id } = (await admin.call('GET', '/company')) as { id: string };
  const former = (await admin.call('GET', '/company/components?type=org.keycloak.keys.KeyProvider')) as {
    id: string;
    name: string;
    providerId: string;
  }[];
  await admin.call('POST', '/company/components', {
    name: 'next',
    parentId: id,
    providerId: 'rsa-generated',
    providerType: 'org.keycloak.keys.KeyProvider',
    config: { priority: ['200'], enabled: ['true'], active: ['true'], algorithm: ['RS256'] },
  });
  now += 31_000;
  const { access_token: next } = await tokens(alice);
  assert.ok(!isRefusal(await identify(bearer(next))), 'the new key is asked for at once');
  assert.ok(!isRefusal(await identify(bearer(before))), 'what the former key signed still counts');
  for (const { id: key, providerId } of former)
    if (providerId === 'rsa-generated') await admin.call('DELETE', `/company/components/${key}`);
  now += 15 * 60_000 + 1;
  const refusal = await identifier({ clockSkewMs: 3_600_000 }, () => now).identify(bearer(before));
  assert.ok(isRefusal(refusal));
  assert.match(refusal.message, /key that its issuer does not publish/);
});

test('while Keycloak is down or slow, known keys serve and unknown tokens wait no longer than the limit; then nobody gets in', async () => {
  let now = Date.now();
  const { identify } = identifier({ clockSkewMs: 3_600_000 }, () => now);
  const [{ access_token: one }, { access_token: two }] = [await tokens(alice), await tokens(alice)];
  assert.ok(!isRefusal(await identify(bearer(one))));
  way.turn('cut');
  try {
    assert.ok(!isRefusal(await identify(bearer(two))), 'its key is known');
    now += 16 * 60_000;
    for (const state of ['cut', 'slow'] as const) {
      way.turn(state);
      const refusal = await identify(bearer(two));
      assert.ok(isRefusal(refusal));
      assert.deepEqual([refusal.refused, refusal.status], ['issuer_unavailable', 503]);
      now += 3_000;
    }
  } finally {
    way.turn('open');
  }
  assert.ok(!isRefusal(await identify(bearer(two))), 'and in again');
});
