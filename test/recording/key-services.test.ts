import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { keyRingOf } from '../../cli/key-services.ts';
import type { KeyServiceConfig } from '../../cli/config/config.ts';
import { run as keys } from '../../cli/commands/keys.ts';
import { type KeyRing, type KeySource, localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { awsKmsKeys } from '../../recording/keys/aws-kms.ts';
import { azureKeys } from '../../recording/keys/azure-key-vault.ts';
import { gcpKmsKeys } from '../../recording/keys/gcp-kms.ts';
import { vaultKeys } from '../../recording/keys/vault.ts';
import {
  type KeyServiceStandIn,
  startAwsKms,
  startGcpKms,
  startKeyVault,
  startVault,
} from '../support/key-services.ts';
import { testDatabase } from '../support/postgres.ts';
import { facts, message, recorderOn, sequenceAll, verifyPool } from './support.ts';

const role = { roleId: 'role-1', secretId: 'secret-1' };
const access = { id: 'AKIDEXAMPLE', secret: 'wJalrXUtnFEMI' };
const arn = 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd';
const gcpKey = 'projects/p/locations/eu/keyRings/r/cryptoKeys/holdpoint';
const client = { tenantId: 'tenant-1', id: 'client-1', secret: 'very secret' };
const account = generateKeyPairSync('rsa', { modulusLength: 2048 });
const email = 'holdpoint@p.iam.gserviceaccount.com';

interface Kind {
  readonly name: string;
  start(): Promise<KeyServiceStandIn>;
  source(url: string): KeySource;
  readonly rotates: boolean;
}

const vaultAt = (url: string): KeySource =>
  vaultKeys({
    address: url,
    mount: 'transit',
    key: 'holdpoint',
    namespace: null,
    login: { kind: 'appRole', mount: 'approle', ...role },
  });

const kinds: readonly Kind[] = [
  { name: 'Vault transit', start: () => startVault(role), source: vaultAt, rotates: true },
  {
    name: 'AWS KMS',
    start: () => startAwsKms(access, arn),
    source: (url) =>
      awsKmsKeys({ keyId: 'alias/holdpoint', region: 'eu-central-1', endpoint: url }, async () => ({
        accessKeyId: access.id,
        secretAccessKey: access.secret,
      })),
    rotates: false,
  },
  {
    name: 'Google Cloud KMS',
    start: () => startGcpKms(gcpKey, { email, publicKey: account.publicKey }),
    source: (url) =>
      gcpKmsKeys({
        key: gcpKey,
        endpoint: url,
        serviceAccount: {
          client_email: email,
          private_key: account.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
          token_uri: `${url}/token`,
        },
      }),
    rotates: true,
  },
  {
    name: 'Azure Key Vault',
    start: () => startKeyVault(client),
    source: (url) =>
      azureKeys({
        vaultUrl: url,
        key: 'holdpoint',
        algorithm: 'RSA-OAEP-256',
        client: {
          tenantId: client.tenantId,
          clientId: client.id,
          clientSecret: client.secret,
          authority: url,
        },
      }),
    rotates: true,
  },
];

for (const kind of kinds)
  test(`${kind.name} wraps and unwraps, for one owner only, and its rotation shows in the key's id`, async () => {
    await using service = await kind.start();
    const source = kind.source(service.url);
    const dataKey = newDataKey();
    const first = await source.wrap(dataKey, 'session 1');
    assert.ok(source.owns(first.kekId) && !first.kekId.startsWith('local:'));
    assert.equal(Buffer.from(first.wrapped).includes(dataKey), false);
    assert.deepEqual(Buffer.from(await source.unwrap(first, 'session 1')), dataKey);
    await assert.rejects(source.unwrap(first, 'session 2'), 'another owner');
    const altered = Buffer.from(first.wrapped);
    altered.writeUInt8((altered[30] ?? 0) ^ 1, 30);
    await assert.rejects(source.unwrap({ ...first, wrapped: altered }, 'session 1'));
    if (!kind.rotates) return;
    service.rotate();
    // A new source: what an old one remembers of the current version it may go on using for some minutes.
    const later = kind.source(service.url);
    const second = await later.wrap(dataKey, 'session 1');
    assert.notEqual(second.kekId, first.kekId);
    assert.deepEqual(
      Buffer.from(await later.unwrap(first, 'session 1')),
      dataKey,
      'what older versions wrapped opens',
    );
  });

for (const kind of kinds)
  test(`${kind.name} out of reach, refusing or babbling: nothing is wrapped, and the error holds no key`, async () => {
    let url: string;
    {
      await using service = await kind.start();
      url = service.url;
      const source = kind.source(url);
      const wrapped = await source.wrap(newDataKey(), 'x');
      service.failing = 503;
      await assert.rejects(source.unwrap(wrapped, 'x'), { code: 'key_service_unavailable' });
      service.failing = 404;
      await assert.rejects(source.wrap(newDataKey(), 'x'), { code: 'key_service_refused' });
      service.failing = 200;
      await assert.rejects(source.wrap(newDataKey(), 'x'), { code: 'key_service_refused' });
    }
    const dataKey = newDataKey();
    await assert.rejects(kind.source(url).wrap(dataKey, 'x'), (error: Error) => {
      assert.match(error.message, /cannot be reached: (ECONNREFUSED|ECONNRESET)/);
      assert.equal(JSON.stringify(error).includes(dataKey.toString('base64')), false);
      return true;
    });
  });

test('a Vault token that was revoked is fetched anew', async () => {
  await using service = await startVault(role);
  const source = vaultAt(service.url);
  const wrapped = await source.wrap(newDataKey(), 'x');
  service.revokeTokens();
  await source.unwrap(wrapped, 'x');
});

const vaultConfig = (url: string): KeyServiceConfig => ({
  kind: 'vault',
  settings: {
    address: url,
    mount: 'transit',
    key: 'holdpoint',
    namespace: null,
    login: { kind: 'appRole', mount: 'approle', ...role },
  },
});

test('a recording sealed with a key service asks it once a session, and nothing passes while it is gone', async () => {
  await using service = await startVault(role);
  await using db = await testDatabase();
  const localKey = newDataKey();
  const ring = keyRingOf([vaultConfig(service.url)], [localKey]);
  const recorder = recorderOn(db.pool, { keyRing: ring });
  for (let n = 0; n < 5; n += 1)
    for (const id of ['a', 'b']) await recorder.append(facts(id), message(`{"n":${n}}`));
  assert.deepEqual(service.calls, ['wrap', 'wrap']);
  service.failing = 503;
  await assert.rejects(recorder.append(facts('c'), message('{}')), { code: 'recording_unavailable' });
  await recorder.append(facts('a'), message('{"open":"sessions go on"}'));
  service.failing = null;
  await recorder.append(facts('c'), message('{"back":1}'));
  await recorder.close();
  await sequenceAll(db.pool);
  assert.deepEqual((await verifyPool(db.pool, [], ring)).problems, []);
  assert.equal((await verifyPool(db.pool, [], localKeyRing([localKey]))).problems[0]?.code, 'key_missing');
});

test('moving to a key service, and rotating there, is re-wrapping: nothing sealed is touched', async () => {
  await using service = await startVault(role);
  await using db = await testDatabase();
  const localKey = newDataKey();
  const before = recorderOn(db.pool, { keyRing: localKeyRing([localKey]) });
  await before.append(facts('a'), message('{"sealed":"locally"}'));
  await before.close();
  const sealed = async (): Promise<unknown> =>
    (await db.pool.query('select * from records order by position')).rows;
  const asItWas = await sealed();
  const rewrap = async (ring: KeyRing): Promise<string> => {
    let out = '';
    const opened = { pool: db.pool, keyRing: ring, recordAct: async () => {} };
    assert.equal(await keys(['rewrap'], { opened, err: () => {}, out: (text) => (out += text) }), 0);
    return out;
  };
  const ring = keyRingOf([vaultConfig(service.url)], [localKey]);
  assert.equal(await rewrap(ring), '1 keys wrapped anew with vault:transit/holdpoint:v1\n');
  service.rotate();
  assert.equal(await rewrap(ring), '1 keys wrapped anew with vault:transit/holdpoint:v2\n');
  assert.equal(await rewrap(ring), '0 keys wrapped anew with vault:transit/holdpoint:v2\n');
  assert.deepEqual(await sealed(), asItWas);
  const alone = keyRingOf([vaultConfig(service.url)], [newDataKey()]);
  await sequenceAll(db.pool);
  assert.deepEqual((await verifyPool(db.pool, [], alone)).problems, [], 'the local key is needed no more');
});
