import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run as verify } from '../../cli/commands/verify.ts';
import { sealedCopiesOf } from '../../cli/roles/sealed-copies.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { Pool } from '../../db/pool.ts';
import { copyPublicKey, copySealer, openCopy } from '../../recording/sealed-copy.ts';
import { type OpenedCopy, openCopies } from '../../recording/open-copies.ts';
import { eventLines } from '../../recording/transcript.ts';
import { testDatabase } from '../support/postgres.ts';
import { startCountingUpstream } from '../support/counting-upstream.ts';
import { httpConnection, testGateway } from '../support/gateway.ts';
import { handshake, wire } from '../gateway/wire.ts';
import {
  facts,
  keyRing,
  message,
  readAll,
  recorderOn,
  sequenceAll,
  sessions,
  sessionsDeps,
  signer,
  verifyPool,
} from './support.ts';

const { privateKey } = generateKeyPairSync('x25519');
const copies = { publicKey: copyPublicKey(privateKey), connections: new Set(['postgres']) };
const canary = '4111 1111 1111 1111';

async function opened(
  pool: Pool,
  sessionId: string,
  callId: string | null = null,
  ring = keyRing,
  key = privateKey,
) {
  const found: OpenedCopy[] = [];
  const deps = { reader: createRecordReader(pool), keyRing: ring };
  for await (const copy of openCopies(deps, key, sessionId, callId)) found.push(copy);
  return found;
}

const textsOf = (found: readonly OpenedCopy[]): (string | null)[] =>
  found.map(({ bytes }) => bytes?.toString() ?? null);

test('what masking took out is kept as a copy that takes two keys to open, and only where that is configured', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool, { copies });
  await recorder.append(facts('s'), message('{"card":"[card]"}', { unmasked: `{"card":"${canary}"}` }));
  await recorder.append(facts('s'), message('{"n":1}', { unmasked: '{"n":1}', callId: 'call-2' }));
  await recorder.append(
    facts('s'),
    message('{"to":"[email]"}', { unmasked: Buffer.from('{"to":"ann@example.com"}'), callId: 'call-3' }),
  );
  await recorder.append(facts('o', { connection: 'files' }), message('[card]', { unmasked: canary }));
  await recorder.close();

  assert.deepEqual(textsOf(await opened(db.pool, 's')), [`{"card":"${canary}"}`, '{"to":"ann@example.com"}']);
  assert.deepEqual(textsOf(await opened(db.pool, 's', 'call-3')), ['{"to":"ann@example.com"}']);
  assert.deepEqual(await opened(db.pool, 'o'), [], 'another connection keeps none');
  const another = generateKeyPairSync('x25519').privateKey;
  assert.deepEqual(textsOf(await opened(db.pool, 's', null, keyRing, another)), [null, null]);

  const events = await readAll(db.pool, 's');
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['open', 'message', 'copy', 'message', 'message', 'copy', 'close'],
    'each stands right behind its message',
  );
  assert.ok(events.every(({ bytes, problem }) => problem === null && !bytes?.includes('4111')));
  assert.match(
    events.map((event) => eventLines(event, 0)).join(''),
    /copy.*\n.*what was masked, sealed: \d+ bytes/,
  );
  await sequenceAll(db.pool);
  assert.deepEqual(
    (await verifyPool(db.pool)).problems,
    [],
    'it is part of the recording like everything else',
  );
});

test('a copy goes with its session: purged, it opens to nobody; exported, it stays sealed', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool, { copies });
  for (const id of ['kept', 'gone'])
    await recorder.append(facts(id), message('[card]', { unmasked: canary }));
  await recorder.close();
  await sequenceAll(db.pool);
  const out = await mkdtemp(join(tmpdir(), 'holdpoint-copies-'));
  try {
    const folder = join(out, 'package');
    assert.equal(await sessions(['export', '--out', folder, 'kept'], sessionsDeps(db.pool)), 0);
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile())) {
      const text = await readFile(join(file.parentPath, file.name), 'latin1');
      assert.ok(!text.includes(canary) && !text.includes(Buffer.from(canary).toString('base64')));
    }
    const nothing = async (): Promise<never> => assert.fail('an export is verified without these');
    const silent = { logKey: null, checkpointFiles: [], out: () => {}, err: () => {} };
    assert.equal(
      await verify([folder, '--key', signer.vkey], { pool: nothing, keyRing: nothing, ...silent }),
      0,
    );
  } finally {
    await rm(out, { recursive: true, force: true });
  }
  assert.equal(await sessions(['purge', 'gone', '--reason', 'asked for'], sessionsDeps(db.pool)), 0);
  assert.deepEqual(await opened(db.pool, 'gone'), []);
  assert.deepEqual(textsOf(await opened(db.pool, 'kept')), [canary]);
});

test('with a held call go the message that asked for it, and what it did after its client had left', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool, { copies });
  const masked = (callId: string, unmasked: string) => message('[masked]', { callId, unmasked });
  await recorder.append(facts('s'), masked('asked-1', 'asks'));
  const hold = JSON.stringify({ asked: 'asked-1' });
  await recorder.append(facts('s'), message(hold, { kind: 'hold', direction: 'none', callId: 'held-1' }));
  await recorder.append(facts('s'), masked('other', 'of another call'));
  await recorder.append(facts('run-held-1'), masked('held-1', 'answers'));
  await recorder.close();
  assert.deepEqual(textsOf(await opened(db.pool, 's', 'held-1')), ['asks', 'answers']);
  assert.deepEqual(textsOf(await opened(db.pool, 's', 'other')), ['of another call']);
  assert.deepEqual(textsOf(await opened(db.pool, 's')), ['asks', 'of another call', 'answers']);
});

test('a gateway keeps copies of what it masks, in both directions, of a connection that has them', async () => {
  await using upstream = await startCountingUpstream();
  await using gateway = await testGateway({
    connections: { postgres: httpConnection(upstream.url), files: httpConnection(upstream.url) },
    copies,
  });
  for (const connection of ['postgres', 'files']) {
    const headers = await handshake(gateway.url(connection));
    const params = { name: 'echo', arguments: { text: canary } };
    const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
    const answer = await wire(gateway.url(connection), call, headers);
    assert.equal(answer.status, 200);
    assert.ok(!answer.text.includes(canary));
  }
  const kept = async (connection: string): Promise<OpenedCopy[]> => {
    const [session] = await createRecordReader(gateway.db.pool).listSessions({ connection });
    return opened(gateway.db.pool, session?.facts.sessionId ?? '', null, gateway.keyRing);
  };
  const found = await kept('postgres');
  assert.deepEqual(
    found.map(({ direction, method, tool, bytes }) => [direction, method, tool, bytes?.includes(canary)]),
    [
      ['client-to-upstream', 'tools/call', 'echo', true],
      ['upstream-to-client', 'tools/call', 'echo', true],
    ],
  );
  assert.equal(found[0]?.callId, found[1]?.callId);
  assert.deepEqual(await kept('files'), []);
});

test('a gateway that could open what it seals does not start', () => {
  const settings = { publicKey: copies.publicKey, connections: ['postgres'] };
  assert.throws(() => sealedCopiesOf({ ...settings, privateKey: 'x' }), /must not be able to open/);
  assert.deepEqual(sealedCopiesOf({ ...settings, privateKey: null }), copies);
  assert.equal(sealedCopiesOf(null), null);
});

test('a copy opens at the place that it was made for, and with its own key', () => {
  const [own, other] = [generateKeyPairSync('x25519'), generateKeyPairSync('x25519')];
  const seal = copySealer({ publicKey: copyPublicKey(own.privateKey), connections: new Set(['crm']) });
  const place = { session: Buffer.alloc(32, 1), strand: Buffer.alloc(16, 2) };
  const session = facts('s1', { connection: 'crm' });
  const event = { ...message('masked'), unmasked: 'in clear' };
  const copy = seal(session, event, place) ?? assert.fail('no copy');
  assert.equal(openCopy(own.privateKey, copy, place).toString(), 'in clear');
  assert.throws(() => openCopy(other.privateKey, copy, place));
  assert.throws(() => openCopy(own.privateKey, copy, { ...place, session: Buffer.alloc(32, 3) }));
  assert.throws(() => openCopy(own.privateKey, copy, { ...place, strand: Buffer.alloc(16, 3) }));
});
