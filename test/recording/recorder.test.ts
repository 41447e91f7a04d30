import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecordReader } from '../../db/records-read.ts';
import { openPool } from '../../db/pool.ts';
import type { RecordingError } from '../../recording/event.ts';
import { payloadOpener } from '../../recording/strand.ts';
import { startTestPostgres, testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { facts, keyRing, message, readAll, recorderOn, texts } from './support.ts';
import { migrate } from '../../db/migrate.ts';

test('what was appended is read back: order, facts and bytes', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  const receipts = await Promise.all(
    Array.from({ length: 50 }, (_, index) => recorder.append(facts('s'), message(`{"n":${index}}`))),
  );
  assert.deepEqual(
    receipts.map((receipt) => receipt.seq),
    Array.from({ length: 50 }, (_, index) => index + 1),
  );
  await recorder.end('s', 'the client left');
  await recorder.close();
  const events = await readAll(db.pool, 's');
  assert.deepEqual(
    texts(events),
    Array.from({ length: 50 }, (_, index) => `{"n":${index}}`),
  );
  assert.deepEqual([events[0]?.kind, events.at(-1)?.kind], ['open', 'end']);
  assert.equal(events[1]?.tool, 'query');
  assert.equal(events[1]?.rule, 'reads');
  assert.ok(events.every((event) => event.problem === null));
});

test('a durable event is in the database when append resolves, seen by another connection', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  for (let n = 1; n <= 20; n += 1) {
    await recorder.append(facts('s'), message(`{"n":${n}}`));
    const { rows } = await db.pool.query<{ count: string }>('select count(*) from records');
    assert.equal(Number(rows[0]?.count), n + 1);
  }
  await recorder.close();
});

test('two recorders write one session at once, and a change of credential is seen', async () => {
  await using db = await testDatabase();
  const [one, two] = [recorderOn(db.pool), recorderOn(db.pool)];
  await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      (index % 2 ? one : two).append(
        facts('s', { credentialId: index < 150 ? 'jti-1' : 'jti-2' }),
        message(`${index}`),
      ),
    ),
  );
  await Promise.all([one.close(), two.close()]);
  const events = await readAll(db.pool, 's');
  assert.deepEqual(
    texts(events).toSorted((a, b) => Number(a) - Number(b)),
    Array.from({ length: 200 }, (_, n) => `${n}`),
  );
  assert.equal(new Set(events.map((event) => event.strand)).size, 2);
  assert.ok(events.every((event) => event.problem === null));
  const later = events.filter((event) => Number(event.bytes?.toString()) >= 150 && event.kind === 'message');
  const changed = later.filter((event) => event.changed?.credentialId === 'jti-2');
  assert.equal(changed.length, 50);
  const { rows } = await db.pool.query('select count(*)::int as keys from record_keys');
  assert.deepEqual(rows, [{ keys: 1 }]);
});

test('an ended session takes nothing more, from this recorder or another', async () => {
  await using db = await testDatabase();
  const [one, two] = [recorderOn(db.pool), recorderOn(db.pool)];
  await one.append(facts('s'), message('1'));
  await Promise.all([one.end('s', 'done'), one.end('s', 'done')]);
  await assert.rejects(one.append(facts('s'), message('2')), { code: 'session_ended' });
  await assert.rejects(two.append(facts('s'), message('3')), { code: 'session_ended' });
  await one.end('s', 'again');
  await one.end('never seen', 'again');
  await Promise.all([one.close(), two.close()]);
  assert.deepEqual(texts(await readAll(db.pool, 's')), ['1']);
  await assert.rejects(one.append(facts('t'), message('4')), { code: 'recorder_closed' });
});

test('a clock that jumps back does not turn time around, and both times are kept', async () => {
  await using db = await testDatabase();
  let wall = 1_800_000_000_000_000;
  let steady = 0;
  const clock = { wallMicros: () => wall, steadyMicros: () => (steady += 10) };
  const recorder = recorderOn(db.pool, { clock });
  await recorder.append(facts('s'), message('1'));
  wall -= 3_600_000_000;
  await recorder.append(facts('s'), message('2'));
  await recorder.close();
  const events = await readAll(db.pool, 's');
  const times = events.map((event) => event.atMicros);
  assert.ok(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0)));
  assert.equal(events[2]?.clockMicros, 1_799_996_400_000_000);
  assert.equal((times[2] ?? 0) - (times[1] ?? 0), 10);
});

test('one hostile event does not stop the others', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool, { limits: { maxEventBytes: 1000 } });
  const appended = await Promise.allSettled([
    recorder.append(facts('good'), message('1')),
    recorder.append(
      facts('bad', { subject: 'a\0b\ud800', client: '\0' }),
      message('2', { tool: 'x\0y\udc00' }),
    ),
    recorder.append(facts('good'), message('3'.repeat(1001))),
    recorder.append(facts('good'), message('4')),
  ]);
  assert.deepEqual(
    appended.map((result) =>
      result.status === 'rejected' ? (result.reason as RecordingError).code : 'recorded',
    ),
    ['recorded', 'recorded', 'event_too_large', 'recorded'],
  );
  await recorder.close();
  assert.deepEqual(texts(await readAll(db.pool, 'good')), ['1', '4']);
});

test('the unmasked bytes are not stored, and can be asked after', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('s'), message('{"key":"[secret]"}', { unmasked: '{"key":"canary-4711"}' }));
  await recorder.close();
  const { rows } = await db.pool.query<{ header: Buffer; sealed: Buffer }>(
    'select header, sealed from records where seq = 1',
  );
  const stored = await createRecordReader(db.pool).session('s');
  assert.ok(stored?.key && rows[0]);
  const opener = payloadOpener(await keyRing.unwrap(stored.key, 's'));
  assert.equal(opener.wasUnmasked(rows[0].header, '{"key":"canary-4711"}'), true);
  assert.equal(opener.wasUnmasked(rows[0].header, '{"key":"canary-4712"}'), false);
  assert.ok(!opener.open(rows[0].header, rows[0].sealed).bytes.includes('canary'));
});

test('PostgreSQL goes away: appends are refused, work goes on when it is back, and nothing confirmed is lost', async () => {
  await using server = await startTestPostgres();
  const pool = openPool(server.url);
  await migrate(pool);
  const recorder = recorderOn(pool);
  const confirmed: string[] = [];
  let refused = 0;
  const isCut = (): boolean => refused > 0;
  const write = async (from: number, count: number): Promise<void> => {
    await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        try {
          await recorder.append(facts('s'), message(`${from + index}`));
          confirmed.push(`${from + index}`);
        } catch (error) {
          assert.equal((error as RecordingError).code, 'recording_unavailable');
          refused += 1;
        }
      }),
    );
  };
  await write(0, 100);
  // For as long as it takes: the cut is seen however slow the machine is.
  const during = (async () => {
    for (let n = 10_000; !isCut(); n += 500) await write(n, 500);
  })();
  // Ends every connection of the pool in the middle of the writes, as a fail-over does.
  const killer = openPool(server.url, { max: 1 });
  await until('the cut', async () => {
    await killer.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = $1',
      ['client backend'],
    );
    return isCut();
  });
  await killer.end();
  await during;
  for (let n = 3000; confirmed.at(-1) !== '3009' && n < 3100; n += 1) {
    await write(3009, 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await recorder.close();
  const events = await readAll(pool, 's');
  const stored = new Set(texts(events));
  assert.ok(
    confirmed.every((text) => stored.has(text)),
    'a confirmed event is missing',
  );
  assert.ok(events.every((event) => event.problem === null));
  const told = new Set(confirmed);
  for (const event of events.filter((event) => event.kind === 'message'))
    assert.equal(
      event.confirmed,
      told.has(event.bytes?.toString() ?? ''),
      'what was refused is marked, and nothing else',
    );
  const second = events.findLast((event) => event.kind === 'open');
  assert.match(
    second?.bytes?.toString() ?? '',
    /"resumes":\{"strand":"[0-9a-f-]{36}","acknowledgedSeq":\d+\}/,
  );
  await pool.end();
});

test('a database that takes no writes (full disk, fail-over to a replica) refuses events until it takes them again', async () => {
  await using db = await testDatabase();
  const name = new URL(db.url).pathname.slice(1);
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('s'), message('1'));
  await db.pool.query(`alter database ${name} set default_transaction_read_only = on`);
  await db.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
    [name],
  );
  const refused: string[] = [];
  for (let n = 0; n < 5; n += 1) {
    await recorder
      .append(facts('s'), message('2'))
      .catch((error: RecordingError) => refused.push(error.code));
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  assert.deepEqual(
    refused,
    Array.from({ length: 5 }, () => 'recording_unavailable'),
  );
  const admin = openPool(db.url, { max: 1 });
  await admin.query('set default_transaction_read_only = off');
  await admin.query(`alter database ${name} set default_transaction_read_only = off`);
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
    [name],
  );
  await admin.end();
  for (let recorded = false; !recorded; )
    recorded = await recorder.append(facts('s'), message('3')).then(
      () => true,
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        return false;
      },
    );
  await recorder.close();
  assert.deepEqual(texts(await readAll(db.pool, 's')), ['1', '3']);
});
