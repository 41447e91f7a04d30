import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../support/postgres.ts';
import { copyOf } from './copy-of.ts';
import { facts, message, record, recorderOn, sequenceAll, verifyPool } from './support.ts';

test('an untouched recording raises no alarm, in the middle of writing or after', async () => {
  await using db = await testDatabase();
  const kept = await record(db.pool, 40);
  const report = await verifyPool(db.pool, kept);
  assert.deepEqual(report.problems, []);
  assert.ok(report.entries > 300);
  const recorder = recorderOn(db.pool);
  await recorder.append(facts('live'), message('{}'));
  const during = await verifyPool(db.pool, kept);
  assert.deepEqual([during.problems, during.pending], [[], 2]);
  await recorder.close();
});

/** What somebody with every right in the database may do, and what verification must call it. */
const attacks: readonly { name: string; sql: string; code: string; needsKept?: boolean }[] = [
  {
    name: 'deleting a record',
    sql: `delete from records where (strand, seq) = (select strand, seq from records where seq = 2 order by strand limit 1)`,
    code: 'record_missing',
  },
  {
    name: 'deleting a session with all that belongs to it',
    sql: `delete from records where strand in (select strand from record_strands where session_id = 'session-5');
          delete from record_sessions where session_id = 'session-5'`,
    code: 'record_missing',
  },
  {
    name: 'pretending that a session was purged',
    sql: `delete from records where strand in (select strand from record_strands where session_id = 'session-5');
          delete from record_keys where session_id = 'session-5';
          update record_sessions set destroyed_at = now() where session_id = 'session-5'`,
    code: 'record_missing',
  },
  {
    name: 'cutting off the end of a session',
    sql: `delete from records r where strand = (select strand from records where seq = 3 order by strand limit 1) and seq >= 2`,
    code: 'record_missing',
  },
  {
    name: 'altering one bit of a payload',
    sql: `update records set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)
          where (strand, seq) = (select strand, seq from records where seq = 1 order by strand limit 1)`,
    code: 'record_altered',
  },
  {
    name: 'altering a payload and the hash of it in the header',
    sql: `update records set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1),
            header = overlay(header placing sha256(set_byte(sealed, 20, get_byte(sealed, 20) # 1)) from 117 for 32)
          where (strand, seq) = (select strand, seq from records where seq = 1 order by strand limit 1)`,
    code: 'record_altered',
  },
  {
    name: 'swapping the payloads of two records',
    sql: `with two as (select strand, seq, header, sealed, row_number() over (order by strand) as n from records where seq = 1)
          update records r set header = other.header, sealed = other.sealed from two mine, two other
          where mine.n in (1, 2) and other.n = 3 - mine.n and r.strand = mine.strand and r.seq = mine.seq`,
    code: 'record_altered',
  },
  {
    name: 'reordering records within a session',
    sql: `update records r set seq = 3 - seq where seq in (1, 2)
          and strand = (select strand from records where seq = 3 order by strand limit 1)`,
    code: 'record_moved',
  },
  {
    name: 'splicing a strand into another session',
    sql: `update record_strands set session_id = 'session-1'
          where strand = (select strand from record_strands where session_id = 'session-2' limit 1)`,
    code: 'record_moved',
  },
  {
    name: 'filing a record under another time',
    sql: `update records set at = at - interval '1 hour' where strand = (select strand from records order by strand limit 1)`,
    code: 'record_moved',
  },
  {
    name: 'back-dating a record in its header',
    sql: `update records set header = set_byte(header, 66, (get_byte(header, 66) + 255) % 256)
          where (strand, seq) = (select strand, seq from records where seq = 1 order by strand limit 1)`,
    code: 'record_altered',
  },
  {
    name: 'back-dating it in the log too',
    sql: `update log_bundles set entries = set_byte(entries, 2 + 66, (get_byte(entries, 2 + 66) + 255) % 256) where index = 0`,
    code: 'history_changed',
  },
  {
    name: 'putting a record in afterwards',
    sql: `insert into records select writer_no, position + 1000000, strand, seq + 1000, at, header, sealed from records limit 1`,
    code: 'unlogged',
  },
  {
    name: 'making up a strand that the log then takes in',
    sql: `insert into record_strands select gen_random_uuid(), session_id, writer_no from record_strands limit 1;
          insert into records select r.writer_no, w.integrated, s.strand, 0, r.at,
            overlay(r.header placing decode(replace(s.strand::text, '-', ''), 'hex') from 9 for 16), r.sealed
          from records r, (select strand from record_strands order by opened_at desc limit 1) s, record_writers w
          where r.seq = 0 and w.writer_no = r.writer_no limit 1;
          update record_writers set retired = false`,
    code: 'record_altered',
  },
  {
    name: 'doubling a record',
    sql: `insert into records select * from records limit 1`,
    code: 'record_moved',
  },
  {
    name: 'naming another person as the caller',
    sql: `update record_sessions set subject = 'mallory' where session_id = 'session-3'`,
    code: 'session_altered',
  },
  {
    name: 'destroying a key',
    sql: `delete from record_keys where session_id = 'session-3'`,
    code: 'key_missing',
  },
  {
    name: 'exchanging the keys of two sessions',
    sql: `with two as (select * from record_keys where session_id in ('session-3', 'session-4'))
          update record_keys k set wrapped_key = o.wrapped_key from two o
          where k.session_id in ('session-3', 'session-4') and o.session_id <> k.session_id`,
    code: 'key_missing',
  },
  {
    name: 'altering a tile of the log',
    sql: `update log_tiles set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) where level = 0 and index = 0`,
    code: 'log_damaged',
  },
  {
    name: 'cutting the log, its checkpoints and what it covers',
    sql: `delete from log_checkpoints where size > (select min(size) from log_checkpoints);
          delete from log_bundles where index > (select max(size) / 256 from log_checkpoints);
          update log_state set size = (select max(size) from log_checkpoints)`,
    code: 'rolled_back',
    needsKept: true,
  },
  {
    name: 'forging a tombstone',
    sql: `update log_bundles set entries = overlay(entries placing 'HPT1'::bytea from 3 for 4) where index = 0`,
    code: 'forged_tombstone',
  },
  {
    name: 'removing the checkpoints',
    sql: 'delete from log_checkpoints',
    code: 'bad_checkpoint',
  },
];

test('whatever is done to the database by its superuser is found', async (t) => {
  await using db = await testDatabase();
  const kept = await record(db.pool, 24);
  assert.deepEqual((await verifyPool(db.pool, kept)).problems, []);
  for (const attack of attacks)
    await t.test(`${attack.name}: ${attack.code}`, async () => {
      await using victim = await copyOf(db.url);
      await victim.pool.query(attack.sql);
      const { problems } = await verifyPool(victim.pool, attack.needsKept ? kept : []);
      assert.ok(
        problems.some((problem) => problem.code === attack.code),
        `found instead: ${JSON.stringify(problems.slice(0, 3), null, 1)}`,
      );
      assert.ok(problems[0]?.message);
    });
});

test('the log refuses to sign a history other than the one it has signed before', async () => {
  await using db = await testDatabase();
  const kept = await record(db.pool, 8);
  const last = kept.at(-1) ?? '';
  await using cut = await copyOf(db.url);
  await cut.pool.query(
    `update log_state set size = 3; delete from log_checkpoints where size > 3; delete from log_runs where first_index >= 3`,
  );
  await assert.rejects(sequenceAll(cut.pool, last), { code: 'rolled_back' });
  await using changed = await copyOf(db.url);
  await changed.pool.query(
    'update log_tiles set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) where level = 0',
  );
  await assert.rejects(sequenceAll(changed.pool, last), { code: 'history_changed' });
  assert.ok(await sequenceAll(db.pool, last));
});
