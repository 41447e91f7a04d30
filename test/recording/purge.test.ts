import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { run as keys } from '../../cli/commands/keys.ts';
import { localKeyRing, newDataKey } from '../../recording/key-ring.ts';
import { testDatabase } from '../support/postgres.ts';
import {
  facts,
  message,
  readAll,
  record,
  recorderOn,
  sequenceAll,
  sessions,
  sessionsDeps,
  texts,
  verifyPool,
} from './support.ts';

test('a purged session can be read by nobody, and the log still verifies, at every step', async () => {
  await using db = await testDatabase();
  const kept = await record(db.pool, 12);
  let out = '';
  let err = '';
  const deps = sessionsDeps(db.pool, { out: (text) => (out += text), err: (text) => (err += text) });
  assert.equal(
    await sessions(['purge', 'session-4', 'session-5', '--reason', 'asked for', '--dry-run'], deps),
    0,
  );
  assert.match(err, /2 sessions with \d+ records would be purged/);
  assert.equal((await readAll(db.pool, 'session-4')).length > 0, true, 'a dry run purges nothing');

  assert.equal(await sessions(['purge', 'session-4', 'session-5', '--reason', 'asked for'], deps), 0);
  assert.deepEqual((await verifyPool(db.pool, kept)).problems, [], 'before the tombstones are in the log');
  const events = await readAll(db.pool, 'session-4');
  assert.ok(events.every((event) => event.bytes === null));
  const { rows } = await db.pool.query(
    `select subject, client, credential_id from record_sessions where session_id = 'session-4'`,
  );
  assert.deepEqual(rows, [{ subject: '(purged)', client: null, credential_id: null }]);

  kept.push(await sequenceAll(db.pool));
  assert.deepEqual(
    (await verifyPool(db.pool, kept)).problems,
    [],
    'with tombstones, before the space is given back',
  );
  assert.equal(await sessions(['purge', '--older-than', '9000d', '--reason', 'housekeeping'], deps), 0);
  const left = await db.pool.query(
    `select count(*)::int as n from records where strand in (select strand from record_strands where session_id in ('session-4', 'session-5'))`,
  );
  assert.deepEqual(left.rows, [{ n: 0 }]);
  const report = await verifyPool(db.pool, kept);
  assert.deepEqual([report.problems, report.purged], [[], 2]);
  assert.equal(texts(await readAll(db.pool, 'session-6')).length, 6, 'other sessions are untouched');
});

test('a session under legal hold is not purged, and retention takes only what it names', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  for (const [id, connection] of [
    ['old', 'postgres'],
    ['held', 'postgres'],
    ['other', 'files'],
  ] as const)
    await recorder.append(facts(id, { connection }), message('{}'));
  await recorder.close();
  await db.pool.query(`update record_sessions set opened_at = now() - interval '100 days'`);
  await db.pool.query(`update records set at = at - interval '100 days'`);
  let out = '';
  const deps = sessionsDeps(db.pool, {
    out: (text) => (out += text),
    retention: [{ connection: 'postgres', risks: null, keepMs: 90 * 86_400_000 }],
  });
  assert.equal(await sessions(['hold', 'held', '--reason', 'case 7'], deps), 0);
  assert.equal(await sessions(['purge', '--json', '--dry-run'], deps), 0);
  assert.deepEqual(
    (JSON.parse(out) as { sessionId: string }[]).map((one) => one.sessionId),
    ['old'],
  );
  assert.equal(await sessions(['purge', 'held', '--reason', 'x'], deps), 1);
  assert.equal(await sessions(['release', 'held', '--reason', 'closed'], deps), 0);
  assert.equal(await sessions(['purge', 'held', '--reason', 'x'], deps), 0);
  assert.equal(
    await sessions(['purge'], sessionsDeps(db.pool)),
    2,
    'without rules, nothing is purged by accident',
  );
});

test('keys are wrapped anew without touching what they sealed, and the old key is then not needed', async () => {
  await using db = await testDatabase();
  const [old, fresh] = [newDataKey(), newDataKey()];
  const recorder = recorderOn(db.pool, { keyRing: localKeyRing([old]) });
  for (let n = 0; n < 230; n += 1) await recorder.append(facts(`s${n}`), message(`{"n":${n}}`));
  await recorder.close();
  await sequenceAll(db.pool);
  let out = '';
  const deps = {
    opened: { pool: db.pool, keyRing: localKeyRing([fresh, old]), recordAct: async () => {} },
    out: (text: string) => (out += text),
    err: () => {},
  };
  assert.equal(await keys(['rewrap'], deps), 0);
  assert.match(out, /^230 keys wrapped anew with local:[0-9a-f]{16}\n$/);
  assert.equal(await keys(['rewrap'], deps), 0);
  assert.match(out, /\n0 keys wrapped anew/);
  assert.deepEqual((await verifyPool(db.pool, [], localKeyRing([fresh]))).problems, []);
  assert.equal((await verifyPool(db.pool, [], localKeyRing([old]))).problems[0]?.code, 'key_missing');
});

test('generated keys have the forms that the configuration takes', async () => {
  let out = '';
  const deps = { opened: null, out: (text: string) => (out += text), err: () => {} };
  assert.equal(await keys(['generate', '--json', '--origin', 'hp.example/log'], deps), 0);
  const made = JSON.parse(out) as Record<string, unknown>;
  assert.match(made['encryption'] as string, /^[\w-]{43}$/);
  const jwk = JSON.parse(made['votePrivateKey'] as string) as Record<string, string>;
  assert.deepEqual(Object.keys(jwk).toSorted(), ['crv', 'd', 'kty', 'x']);
  const id = createHash('sha256')
    .update(Buffer.from(jwk['x'] ?? '', 'base64url'))
    .digest('hex')
    .slice(0, 16);
  assert.deepEqual(made['votePublicKeys'], { [id]: jwk['x'] });
  assert.match(made['logPublicKey'] as string, /^hp\.example\/log\+[0-9a-f]{8}\+/);
  assert.equal(await keys(['generate', '--wrong'], deps), 2);
});
