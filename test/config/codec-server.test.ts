import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { pino } from 'pino';
import { startConfiguredCodecServer } from '../../cli/roles/codec-server.ts';
import { linkTemporal } from '../../workflows/client.ts';

test('the configured codec server decodes for its readers only, as their identity provider vouches for them', async (t) => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' };
  let issuer = '';
  const provider = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(
        request.url?.startsWith('/.well-known') ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys: [jwk] },
      ),
    );
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  t.after(() => provider.close());
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const link = linkTemporal({
    address: '127.0.0.1:1',
    namespace: 'default',
    apiKey: null,
    tls: null,
    codecKeys: [randomBytes(32)],
  });
  const uiOrigin = 'https://temporal.example';
  const server = await startConfiguredCodecServer(
    {
      listen: { host: '127.0.0.1', port: 0 },
      uiOrigin,
      issuer,
      audience: 'temporal-ui',
      groupsClaim: 'groups',
      readers: { people: ['ann@example.com'], groups: ['ops'] },
    },
    { link, namespace: 'default', log: pino({ level: 'silent' }) },
  );
  t.after(() => server.stop());
  const [payload] = await link.codec.encode([defaultPayloadConverter.toPayload('a vote')]);
  const base64 = (bytes: Uint8Array | null | undefined): string =>
    Buffer.from(bytes ?? []).toString('base64');
  const sealed = {
    metadata: Object.fromEntries(
      Object.entries(payload?.metadata ?? {}).map(([name, value]) => [name, base64(value)]),
    ),
    data: base64(payload?.data),
  };
  const asked = async (claims: Record<string, unknown>, audience = 'temporal-ui'): Promise<number> => {
    const token = await new SignJWT({ sub: 'u1', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime('5m')
      .sign(privateKey);
    const response = await fetch(`${server.url}/decode`, {
      method: 'POST',
      headers: {
        origin: uiOrigin,
        'x-namespace': 'default',
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
      },
      body: JSON.stringify({ payloads: [sealed] }),
    });
    return response.status;
  };
  assert.equal(await asked({ groups: ['ops'] }), 200);
  assert.equal(await asked({ email: 'Ann@example.com', email_verified: true }), 200);
  assert.equal(await asked({ email: 'ann@example.com' }), 401, 'an e-mail that is not verified names nobody');
  assert.equal(await asked({ groups: ['dev'] }), 401);
  assert.equal(await asked({ groups: ['ops'] }, 'another-app'), 401);
  await link.close();
});
