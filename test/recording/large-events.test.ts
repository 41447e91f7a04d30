import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecordReader } from '../../db/records-read.ts';
import { openPool } from '../../db/pool.ts';
import { RecordingError } from '../../recording/event.ts';
import { payloadOpener } from '../../recording/strand.ts';
import { testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { facts, keyRing, message, readAll, recorderOn, sequenceAll, texts, verifyPool } from './support.ts';

/** A text that is hashed beside the event loop, or one that is not; with characters of two bytes. */
const large = (n: number): string => `${n} ${'größer '.repeat(100_000)}`;
const small = (n: number): string => `${n} small`;

test('large events stand in the order in which they were appended, among small ones', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  const sent = Array.from({ length: 24 }, (_, n) => (n % 3 === 1 ? large(n) : small(n)));
  const receipts = sent.map((text) => recorder.append(facts('s'), message(text, { unmasked: `${text}!` })));
  // Closing waits for what is still being sealed, and its own record comes last.
  await recorder.close();
  assert.deepEqual(
    (await Promise.all(receipts)).map(({ seq }) => seq),
    sent.map((_, n) => n + 1),
  );
  const events = await readAll(db.pool, 's');
  assert.deepEqual(texts(events), sent);
  assert.deepEqual([events[0]?.kind, events.at(-1)?.kind], ['open', 'close']);
  assert.ok(events.every(({ problem }) => problem === null));

  const stored = await createRecordReader(db.pool).session('s');
  assert.ok(stored?.key);
  const opener = payloadOpener(await keyRing.unwrap(stored.key, 's'));
  const { rows } = await db.pool.query<{ header: Buffer }>('select header from records where seq = 2');
  assert.ok(rows[0]);
  assert.equal(opener.wasUnmasked(rows[0].header, `${large(1)}!`), true);
  assert.equal(opener.wasUnmasked(rows[0].header, large(1)), false);

  const checkpoint = await sequenceAll(db.pool);
  const report = await verifyPool(db.pool, [checkpoint]);
  assert.deepEqual(report.problems, []);
});

test('large events of several sessions at once do not come into one another', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  const sessions = Array.from({ length: 8 }, (_, n) => `s${n}`);
  const sent = sessions.map((_, n) => [large(n), `${large(n + 100)}${'x'.repeat(n * 50_000)}`]);
  await Promise.all(
    sessions.flatMap((session, n) =>
      (sent[n] ?? []).map((text) => recorder.append(facts(session), message(text, { unmasked: `${text}?` }))),
    ),
  );
  await recorder.close();
  for (const [n, session] of sessions.entries()) {
    const events = await readAll(db.pool, session);
    assert.deepEqual(texts(events), sent[n]);
    assert.ok(events.every(({ problem }) => problem === null));
  }
});

test('the connection is lost while large events are sealed: what is refused is marked, what is confirmed is there', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  const confirmed = new Set<string>();
  let refused = 0;
  const isCut = (): boolean => refused > 0;
  const write = async (text: string): Promise<void> => {
    try {
      await recorder.append(facts('s'), message(text));
      confirmed.add(text);
    } catch (error) {
      assert.ok(error instanceof RecordingError);
      assert.equal(error.code, 'recording_unavailable');
      refused += 1;
    }
  };
  await write(large(-1));
  const during = (async () => {
    for (let n = 0; !isCut(); n += 6)
      await Promise.all([0, 1, 2, 3, 4, 5].map((k) => write(k % 2 ? small(n + k) : large(n + k))));
  })();
  const killer = openPool(db.url, { max: 1 });
  await until('the cut', async () => {
    await killer.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    return isCut();
  });
  await killer.end();
  await during;
  await until('it records again', async () => {
    await write('again');
    return confirmed.has('again');
  });
  await recorder.close();
  const events = await readAll(db.pool, 's');
  assert.ok(events.every(({ problem }) => problem === null));
  const stored = new Set(texts(events));
  for (const text of confirmed) assert.ok(stored.has(text), 'a confirmed event is missing');
  for (const event of events.filter(({ kind }) => kind === 'message'))
    if (event.confirmed)
      assert.ok(confirmed.has(event.bytes?.toString() ?? ''), 'what was refused is marked');
});
