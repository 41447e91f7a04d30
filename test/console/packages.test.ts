import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { crc32, inflateRawSync } from 'node:zlib';
import { run as verify } from '../../cli/commands/verify.ts';
import type { Recordings } from '../../console/deps.ts';
import { createLogView } from '../../db/records-log.ts';
import type { Pool } from '../../db/pool.ts';
import type { Recorder } from '../../recording/event.ts';
import { facts, message, readAll, recorderOn, sequenceAll, signer } from '../recording/support.ts';
import { testDatabase } from '../support/postgres.ts';
import { recordingsOf, signedIn, testConsole } from './support.ts';

function recordingsWithLog(pool: Pool, recorder: Recorder): Recordings {
  return { ...recordingsOf(pool, recorder), log: { view: createLogView(pool), vkey: signer.vkey } };
}

/** The files of an archive, as its directory says. */
function unzipped(archive: Buffer): Map<string, Buffer> {
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const files = new Map<string, Buffer>();
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    assert.equal(archive.readUInt32LE(at), 0x02014b50);
    const [packed, length] = [archive.readUInt32LE(at + 20), archive.readUInt32LE(at + 24)];
    const [nameLength, extra] = [archive.readUInt16LE(at + 28), archive.readUInt16LE(at + 30)];
    const local = archive.readUInt32LE(at + 42);
    const name = archive.toString('utf8', at + 46, at + 46 + nameLength);
    const from = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const content = inflateRawSync(archive.subarray(from, from + packed));
    assert.equal(content.length, length, name);
    assert.equal(crc32(content), archive.readUInt32LE(at + 16), name);
    files.set(name, content);
    at += 46 + nameLength + extra;
  }
  return files;
}

async function verified(folder: string): Promise<{ code: number; out: string }> {
  let out = '';
  const nothing = async (): Promise<never> => assert.fail('a package is checked without this');
  const write = (text: string): void => void (out += text);
  const deps = { pool: nothing, keyRing: nothing, logKey: null, checkpointFiles: [], out: write, err: write };
  return { code: await verify([folder, '--key', signer.vkey], deps), out };
}

test('an auditor downloads sessions as a package that verifies by itself; that they did is recorded first', async (t) => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  for (let n = 0; n < 30; n += 1)
    for (const who of ['alice', 'bob'])
      await recorder.append(
        facts(`s-${who}-${n % 3}`, { subject: who }),
        message(`{"n":${n},"x":"${'ü'.repeat(n)}"}`),
      );
  await recorder.end('s-alice-0', 'done');
  const acting = recorderOn(db.pool);
  await using console = await testConsole(db.pool, { recordings: recordingsWithLog(db.pool, acting) });
  const person = await signedIn(console.address);
  assert.equal((await person.get('/recordings.zip')).status, 503, 'there is no checkpoint yet');
  await sequenceAll(db.pool);
  const fetched = async (address: string): Promise<Buffer> => {
    const answer = await person.get(address);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'application/zip');
    return Buffer.from(await answer.arrayBuffer());
  };
  const page = await (await person.get('/sessions?subject=alice')).text();
  const [, address = ''] = /href="(\/recordings\.zip\?[^"]+)" download/.exec(page) ?? [];
  const files = unzipped(await fetched(address));
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-package-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const unpacked = join(folder, 'holdpoint-recording');
  const { code, out } = await verified(unpacked);
  assert.equal(code, 0, out);
  const sessions = [...files.keys()].filter((name) => name.endsWith('/session.json'));
  assert.equal(sessions.length, 3, "alice's, and nobody else's");
  const one = unzipped(await fetched('/recordings.zip?session=s-bob-1'));
  assert.equal([...one.keys()].filter((name) => name.endsWith('/session.json')).length, 1);
  await writeFile(
    join(unpacked, 'checkpoint'),
    `${files.get('holdpoint-recording/checkpoint')?.toString()}x`,
  );
  assert.equal((await verified(unpacked)).code, 1, 'a package that was altered');
  for (const [wrong, status] of [
    ['?session=none', 404],
    ['?text=needle', 400],
  ] as const)
    assert.equal((await person.get(`/recordings.zip${wrong}`)).status, status);
  await acting.close();
  await recorder.close();
  const acts = await readAll(db.pool, `admin/${new Date().toISOString().slice(0, 10)}`);
  const said = acts
    .filter(({ method }) => method === 'sessions.export')
    .map(({ bytes }) => bytes?.toString() ?? '');
  assert.equal(said.length, 2, 'what was refused was not taken');
  assert.match(said[0] ?? '', /"subject":"alice".*"via":"console"/);
});
