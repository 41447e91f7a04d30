import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AwsClient } from 'aws4fetch';
import { pino } from 'pino';
import { freePort } from '../../cli/embedded/postgres.ts';
import { keyRingOf } from '../../cli/key-services.ts';
import { keepSecrets } from '../../gateway/credentials/kept-secrets.ts';
import { secretStore } from '../../gateway/credentials/secret-stores.ts';
import { localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { awsKmsKeys } from '../../recording/keys/aws-kms.ts';
import { facts, message, recorderOn, sequenceAll, verifyPool } from '../recording/support.ts';
import { cacheFolder, pythonEnvironment, serving } from '../support/fetched.ts';
import { testDatabase } from '../support/postgres.ts';

/**
 * AWS as moto speaks it (PyPI; a server of its own on this machine): KMS and Secrets Manager. From the moment that
 * there is a user, moto checks signatures (with botocore, AWS's own library) and the user's permissions.
 */
const version = '5.2.5';
const region = 'eu-central-1';

const folder = await cacheFolder('counterparts');
const bin = await pythonEnvironment(join(folder, `moto-${version}`), `moto[server]==${version}`);
const port = await freePort();
const url = `http://127.0.0.1:${port}/`;
const moto = await serving(
  join(bin, 'moto_server'),
  ['-H', '127.0.0.1', '-p', String(port)],
  async () => (await fetch(`${url}moto-api/`)).ok,
);
after(() => moto[Symbol.asyncDispose]());

interface Access {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Asks moto as AWS's own clients would. */
async function ask(
  service: 'kms' | 'secretsmanager' | 'iam',
  access: Access,
  target: string,
  body: object,
): Promise<string> {
  const client = new AwsClient({ ...access, service, region, retries: 0 });
  const isQuery = service === 'iam';
  const answer = await client.fetch(url, {
    headers: {
      'content-type': isQuery ? 'application/x-www-form-urlencoded' : 'application/x-amz-json-1.1',
      ...(!isQuery && { 'x-amz-target': target }),
    },
    body: isQuery
      ? new URLSearchParams({ Action: target, Version: '2010-05-08', ...body }).toString()
      : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}

/** A user who may do what docs/recording.md and docs/credentials.md say, and no more; the keys they come with. */
async function permitted(root: Access): Promise<Access> {
  await ask('iam', root, 'CreateUser', { UserName: 'holdpoint' });
  const Statement = [
    {
      Effect: 'Allow',
      Action: ['kms:Encrypt', 'kms:Decrypt', 'secretsmanager:GetSecretValue'],
      Resource: '*',
    },
  ];
  await ask('iam', root, 'PutUserPolicy', {
    UserName: 'holdpoint',
    PolicyName: 'holdpoint',
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
  });
  const text = await ask('iam', root, 'CreateAccessKey', { UserName: 'holdpoint' });
  const member = (name: string): string => new RegExp(`<${name}>([^<]+)<`).exec(text)?.[1] ?? '';
  return { accessKeyId: member('AccessKeyId'), secretAccessKey: member('SecretAccessKey') };
}

const root = { accessKeyId: 'AKIAROOT', secretAccessKey: 'root' };
const created = JSON.parse(await ask('kms', root, 'TrentService.CreateKey', {})) as {
  KeyMetadata: { Arn: string; KeyId: string };
};
const { Arn, KeyId } = created.KeyMetadata;
await ask('kms', root, 'TrentService.CreateAlias', { AliasName: 'alias/holdpoint', TargetKeyId: KeyId });
await ask('secretsmanager', root, 'secretsmanager.CreateSecret', {
  Name: 'prod/box',
  SecretString: JSON.stringify({ key: 'the value', port: 5432 }),
});
const access = await permitted(root);
const checking = await fetch(`${url}moto-api/reset-auth`, { method: 'POST', body: '0' });
assert.equal(checking.status, 200);

const kms = (credentials: Access, keyId = 'alias/holdpoint'): ReturnType<typeof awsKmsKeys> =>
  awsKmsKeys({ keyId, region, endpoint: url }, async () => credentials);

test('AWS KMS wraps and unwraps, for one owner only, under the key that the alias names', async () => {
  const dataKey = newDataKey();
  const wrapped = await kms(access).wrap(dataKey, 'session 1');
  assert.equal(wrapped.kekId, `aws:${Arn}`);
  assert.deepEqual(Buffer.from(await kms(access).unwrap(wrapped, 'session 1')), dataKey);
  await assert.rejects(kms(access).unwrap(wrapped, 'session 2'), { code: 'key_service_refused' });
});

test('AWS KMS refuses a wrong signature, and a user without the permission', async () => {
  const wrong = { ...access, secretAccessKey: `${access.secretAccessKey}x` };
  await assert.rejects(kms(wrong).wrap(newDataKey(), 'x'), /SignatureDoesNotMatch/);
  await assert.rejects(
    ask('kms', access, 'TrentService.DescribeKey', { KeyId }),
    /AccessDenied|not authorized/,
  );
});

test('a recording is sealed with AWS KMS, and verifies', async () => {
  await using db = await testDatabase();
  const service = {
    kind: 'aws',
    settings: { keyId: Arn, region, endpoint: url },
    credentials: access,
  } as const;
  const ring = keyRingOf([service], [newDataKey()]);
  const recorder = recorderOn(db.pool, { keyRing: ring });
  for (const id of ['a', 'b']) await recorder.append(facts(id), message('{"n":1}'));
  await recorder.close();
  await sequenceAll(db.pool);
  assert.deepEqual((await verifyPool(db.pool, [], ring)).problems, []);
  const without = await verifyPool(db.pool, [], localKeyRing([newDataKey()]));
  assert.equal(without.problems[0]?.code, 'key_missing');
});

test('AWS Secrets Manager gives a secret and its members, and an absent one is refused', async () => {
  const settings = { kind: 'aws', region, endpoint: url, credentials: access } as const;
  const store = secretStore(settings, () => Promise.reject(new Error('not the machine')));
  const kept = keepSecrets(new Map([['aws', store]]), pino({ level: 'silent' }));
  const value = (path: string, field: string | null): Promise<string> =>
    kept.value('box', { store: 'aws', path, field });
  assert.equal(await value('prod/box', 'key'), 'the value');
  assert.equal(await value('prod/box', 'port'), '5432');
  assert.equal(await value('prod/box', null), '{"key":"the value","port":5432}');
  await assert.rejects(value('prod/other', null), { code: 'credentials_unavailable' });
  await assert.rejects(store.read('prod/other'), /ResourceNotFoundException/);
  kept.close();
});
