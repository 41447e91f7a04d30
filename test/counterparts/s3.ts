import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { AwsClient } from 'aws4fetch';
import { freePort } from '../../cli/embedded/postgres.ts';
import { createLogStore } from '../../db/records-log.ts';
import { noteVerifier } from '../../recording/log/note.ts';
import { openCheckpoint } from '../../recording/log/checkpoint.ts';
import { s3Publisher, type S3Target } from '../../recording/log/publish-http.ts';
import { startLog } from '../../recording/log/run.ts';
import { facts, message, recorderOn, signer, verifyPool } from '../recording/support.ts';
import { cacheFolder, goProgram, serving } from '../support/fetched.ts';
import { testDatabase } from '../support/postgres.ts';

/** MinIO, which checks signatures and checksums, with a bucket whose objects are locked. */
const program = await goProgram(await cacheFolder('counterparts'), 'minio', {
  module: 'github.com/minio/minio',
  version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
});
const access = { accessKeyId: 'holdpoint', secretAccessKey: 'a secret of some length' };
const region = 'eu-central-1';

const folder = await mkdtemp(join(tmpdir(), 'holdpoint-minio-'));
const address = `127.0.0.1:${await freePort()}`;
const store = await serving(
  program,
  ['server', '--quiet', '--address', address, folder],
  async () => (await fetch(`http://${address}/minio/health/ready`)).ok,
  {
    env: {
      MINIO_ROOT_USER: access.accessKeyId,
      MINIO_ROOT_PASSWORD: access.secretAccessKey,
      MINIO_REGION: region,
      MINIO_BROWSER: 'off',
    },
  },
);
after(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const bucketUrl = `http://${address}/audit`;
const s3 = new AwsClient({ ...access, region, service: 's3', retries: 0 });
async function asOperator(path: string, init: RequestInit): Promise<string> {
  const answer = await s3.fetch(`${bucketUrl}${path}`, init);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return text;
}
await asOperator('', { method: 'PUT', headers: { 'x-amz-bucket-object-lock-enabled': 'true' } });
await asOperator('?object-lock', {
  method: 'PUT',
  body: '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>1</Days></DefaultRetention></Rule></ObjectLockConfiguration>',
});

const target = (changes: Partial<S3Target> = {}): S3Target => ({
  bucketUrl,
  key: 'holdpoint/checkpoint',
  region,
  ...access,
  ...changes,
});

test('checkpoints go into a bucket with object lock, where every one stays and verifies', async () => {
  await using db = await testDatabase();
  const errors: string[] = [];
  const log = startLog({
    store: createLogStore(db.pool),
    signer,
    publishers: [s3Publisher(target())],
    witnesses: [],
    onError: (error, doing) => void errors.push(`${doing}: ${error.message}`),
    intervalMs: 20,
  });
  const recorder = recorderOn(db.pool);
  for (let n = 0; n < 100; n += 1) await recorder.append(facts('s'), message(`{"n":${n}}`));
  await recorder.close();
  await log.stop();
  assert.deepEqual(errors, []);
  const latest = await asOperator('/holdpoint/checkpoint', { method: 'GET' });
  assert.equal(openCheckpoint(latest, noteVerifier(signer.vkey)).size, 102);
  const versions = await asOperator('?versions', { method: 'GET' });
  const ids = [...versions.matchAll(/<VersionId>([^<]+)</g)].map((match) => match[1] ?? '');
  assert.ok(ids.length > 1);
  const kept = await Promise.all(
    ids.map(async (id) => asOperator(`/holdpoint/checkpoint?versionId=${id}`, { method: 'GET' })),
  );
  assert.deepEqual((await verifyPool(db.pool, kept)).problems, []);
  const gone = await s3.fetch(`${bucketUrl}/holdpoint/checkpoint?versionId=${ids.at(-1)}`, {
    method: 'DELETE',
  });
  assert.notEqual(gone.status, 204, 'what is locked cannot be taken away');
});

test('a key of any characters is stored under it; a wrong secret is refused, and says so', async () => {
  const checkpoint = { size: 1, note: 'a note\n' };
  const key = "log/a (team's) + b!*/ü";
  await s3Publisher(target({ key })).publish(checkpoint);
  const listed = await asOperator('?list-type=2&prefix=log', { method: 'GET' });
  assert.match(listed, /<Key>log\/a \(team&#39;s\) \+ b!\*\/ü<\/Key>/);
  await assert.rejects(
    s3Publisher(target({ secretAccessKey: 'another' })).publish(checkpoint),
    /answered 403 SignatureDoesNotMatch/,
  );
});
