import assert from 'node:assert/strict';
import { createHash, createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogStore } from '../../db/records-log.ts';
import { checkpointText, openCheckpoint } from '../../recording/log/checkpoint.ts';
import { isConsistent } from '../../recording/log/merkle.ts';
import { isSignedBy, noteVerifier, parseNote } from '../../recording/log/note.ts';
import { filePublisher } from '../../recording/log/publish-file.ts';
import { s3Put, webhookPublisher } from '../../recording/log/publish-http.ts';
import { startLog } from '../../recording/log/run.ts';
import { httpWitness } from '../../recording/log/witness.ts';
import { testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { facts, message, recorderOn, sequenceAll, signer, verifyPool } from './support.ts';

/** A server on a free port that hands over each request with its body. */
async function listening(
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void,
): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => answer(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A witness as C2SP tlog-witness describes one: it remembers one head, and cosigns only what continues it. */
function witness(): {
  vkey: string;
  seen: { size: number; root: Buffer };
  answer(body: string, response: ServerResponse): void;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.concat([
    Buffer.from([4]),
    publicKey.export({ format: 'der', type: 'spki' }).subarray(12),
  ]);
  const id = createHash('sha256').update('witness.test/w\n').update(raw).digest().subarray(0, 4);
  const self: ReturnType<typeof witness> = {
    vkey: `witness.test/w+${id.toString('hex')}+${raw.toString('base64')}`,
    seen: { size: 0, root: Buffer.alloc(0) },
    answer(body: string, response: ServerResponse) {
      const split = body.indexOf('\n\n');
      const [old = '', ...lines] = body.slice(0, split).split('\n');
      const note = body.slice(split + 2);
      const now = openCheckpoint(note, noteVerifier(signer.vkey));
      if (Number(old.slice(4)) !== self.seen.size) {
        response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end(`${self.seen.size}\n`);
        return;
      }
      const proof = lines.map((line) => Buffer.from(line, 'base64'));
      if (self.seen.size > 0 && !isConsistent(self.seen, now, proof)) {
        response.writeHead(422).end('this is another history');
        return;
      }
      self.seen = now;
      const time = Buffer.alloc(8);
      time.writeBigUInt64BE(1_795_000_000n);
      const { text } = parseNote(note);
      const signature = signBytes(null, Buffer.from(`cosignature/v1\ntime 1795000000\n${text}`), privateKey);
      const line = Buffer.concat([id, time, signature]).toString('base64');
      response.end(`— stranger.test/x ${line}\n— witness.test/w ${line}\n`);
    },
  };
  return self;
}

test('checkpoints are cosigned and published while records come in; a stopped leader is replaced', async (t) => {
  await using db = await testDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'kept', 'checkpoint');
  const cosigner = witness();
  const posted: { id: string; signature: string; timestamp: string; body: string }[] = [];
  await using server = await listening((request, body, response) => {
    if (request.url === '/w/add-checkpoint') return cosigner.answer(body, response);
    const header = (name: string): string => String(request.headers[name]);
    posted.push({
      id: header('webhook-id'),
      signature: header('webhook-signature'),
      timestamp: header('webhook-timestamp'),
      body,
    });
    response.end();
  });
  const secret = Buffer.from('a webhook secret of some length');
  const errors: string[] = [];
  const start = (): ReturnType<typeof startLog> =>
    startLog({
      store: createLogStore(db.pool),
      signer,
      publishers: [filePublisher(path), webhookPublisher(`${server.url}/hook`, secret)],
      witnesses: [httpWitness(`${server.url}/w`, noteVerifier(cosigner.vkey))],
      onError: (error, doing) => void errors.push(`${doing}: ${error.message}`),
      intervalMs: 30,
    });
  const [one, two] = [start(), start()];
  const recorder = recorderOn(db.pool);
  const sizeKept = async (): Promise<number> => {
    const note = await readFile(path, 'utf8').catch(() => null);
    return note === null ? -1 : openCheckpoint(note, noteVerifier(signer.vkey)).size;
  };
  for (let n = 0; n < 40; n += 1) await recorder.append(facts(`s${n % 3}`), message(`{"n":${n}}`));
  await until('the records are in a published checkpoint', async () => (await sizeKept()) >= 43);
  await one.stop();
  await recorder.append(facts('s0'), message('{"after":"the first stopped"}'));
  await until('the other process leads', async () => (await sizeKept()) >= 44);
  await recorder.close();
  await two.stop();
  const kept = await readFile(path, 'utf8');
  assert.equal(isSignedBy(parseNote(kept), noteVerifier(cosigner.vkey)), true);
  assert.ok(!kept.includes('stranger'), 'signatures of others are not taken over');
  const last = posted.at(-1);
  const expected = createHmac('sha256', secret)
    .update(`${last?.id}.${last?.timestamp}.${last?.body}`)
    .digest('base64');
  assert.equal(last?.signature, `v1,${expected}`);
  assert.deepEqual((await verifyPool(db.pool, [kept])).problems, []);
  assert.deepEqual(errors, []);
});

test('a log that was rolled back is not signed any more, and people are told', async (t) => {
  await using db = await testDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-log-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'checkpoint');
  const root = Buffer.alloc(32, 7);
  await filePublisher(path).publish({
    size: 1000,
    note: signer.signNote(checkpointText({ origin: signer.name, size: 1000, root })),
  });
  const errors: Error[] = [];
  const log = startLog({
    store: createLogStore(db.pool),
    signer,
    publishers: [filePublisher(path)],
    witnesses: [],
    onError: (error) => void errors.push(error),
    intervalMs: 20,
  });
  await until('the rollback is reported', () => errors.length > 1);
  await log.stop();
  assert.match(errors[0]?.message ?? '', /rolled back or cut/);
  assert.equal(openCheckpoint(await readFile(path, 'utf8'), noteVerifier(signer.vkey)).size, 1000);
});

test('a witness that has seen another history is not believed, and holds up nothing else', async () => {
  await using db = await testDatabase();
  const cosigner = witness();
  cosigner.seen = { size: 1, root: Buffer.alloc(32, 1) };
  await using server = await listening((_, body, response) => cosigner.answer(body, response));
  const errors: string[] = [];
  const notes: string[] = [];
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('s'), message('{}'));
  const log = startLog({
    store: createLogStore(db.pool),
    signer,
    publishers: [{ name: 'memory', publish: async ({ note }) => void notes.push(note) }],
    witnesses: [httpWitness(server.url, noteVerifier(cosigner.vkey))],
    onError: (error, doing) => void errors.push(`${doing}: ${error.message}`),
    intervalMs: 20,
  });
  await until('it is published all the same', () => notes.length > 0);
  await log.stop();
  await recorder.close();
  assert.match(errors[0] ?? '', /asking the witness witness.test\/w: the witness answered 422/);
  assert.equal(parseNote(notes[0] ?? '').signatures.length, 1);
});

test('an S3 request is signed as AWS documents it, whatever the key of the object', async () => {
  // The published examples of Signature Version 4 have other headers; these values were computed with an independent
  // implementation of the documented steps (Python, hmac and hashlib).
  const target = {
    bucketUrl: 'https://examplebucket.s3.amazonaws.com',
    key: 'log/checkpoint',
    region: 'us-east-1',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  };
  for (const [key, signature] of [
    ['log/checkpoint', '4281adc77152879c9ba709df9a2a73ae723f4e893486a8a06de0fd357ae67962'],
    ["log/a (team's) + b!*", 'f4ef55694cb7754184a2f81b024e6c039d11b0542b33add32f352feaed34f1a9'],
  ] as const) {
    const { headers } = await s3Put({ ...target, key }, 'hello\n', '20261121T040506Z');
    assert.equal(headers.get('x-amz-date'), '20261121T040506Z');
    assert.equal(headers.get('x-amz-checksum-sha256'), 'WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=');
    assert.match(headers.get('authorization') ?? '', new RegExp(`Signature=${signature}$`));
  }
});

test('old checkpoints are thinned out to one an hour, and what is left still verifies', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  for (let n = 0; n < 12; n += 1) {
    await recorder.append(facts('s'), message('{}'));
    await sequenceAll(db.pool);
  }
  await recorder.close();
  await db.pool.query(
    `update log_checkpoints set signed_at = date_trunc('hour', now()) - interval '2 days' + size * interval '15 minutes'`,
  );
  await sequenceAll(db.pool);
  const { rows } = await db.pool.query<{ size: string }>('select size from log_checkpoints order by size');
  assert.deepEqual(
    rows.map((row) => Number(row.size)),
    [3, 7, 11, 13, 14],
  );
  assert.deepEqual((await verifyPool(db.pool)).problems, []);
  const runs = await db.pool.query('select count(*)::int as n from log_runs');
  assert.deepEqual(runs.rows, [{ n: 1 }]);
});
