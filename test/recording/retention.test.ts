import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pool } from '../../db/pool.ts';
import { recordMetrics } from '../../db/record-metrics.ts';
import { createPurgeStore, purgeRuns } from '../../db/records-purge.ts';
import type { RetentionRule } from '../../recording/purge.ts';
import { systemClock } from '../../recording/clock.ts';
import type { Recorder } from '../../recording/event.ts';
import { purgeDue, type RetainDeps, startRetention } from '../../recording/retain.ts';
import { testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import {
  facts,
  message,
  readAll,
  recorderOn,
  sequenceAll,
  sessions,
  sessionsDeps,
  signer,
  texts,
  verifyPool,
} from './support.ts';

const day = 86_400_000;

/** A recorder whose clock stands some days back, as if what it records had been recorded then. */
function recorderOf(pool: Pool, daysAgo: number): Recorder {
  const clock = systemClock();
  const past = { ...clock, wallMicros: () => clock.wallMicros() - daysAgo * day * 1000 };
  return recorderOn(pool, { clock: past });
}

async function age(pool: Pool, days: number, sessionIds: readonly string[]): Promise<void> {
  await pool.query(
    `update record_sessions set opened_at = opened_at - make_interval(days => $1) where session_id = any($2)`,
    [days, sessionIds],
  );
}

function retaining(
  pool: Pool,
  rules: readonly RetentionRule[],
  changes: Partial<RetainDeps> = {},
): RetainDeps {
  return {
    store: createPurgeStore(pool),
    signer,
    now: () => new Date(),
    rules,
    everyMs: 50,
    recordAct: async () => {},
    sealAbandoned: async () => {},
    onDone: () => {},
    onError: (error) => assert.fail(error),
    ...changes,
  };
}

const never = new AbortController().signal;

test('the first rule that names a session says how long it is kept: by connection, and by its riskiest call', async () => {
  await using db = await testDatabase();
  const recorder = recorderOf(db.pool, 100);
  const recent = recorderOn(db.pool);
  const add = async (id: string, connection: string, ...risks: string[]): Promise<void> => {
    for (const risk of risks)
      await (id === 'young' ? recent : recorder).append(facts(id, { connection }), message('{}', { risk }));
  };
  await add('low', 'postgres', 'low');
  await add('risky', 'postgres', 'low', 'high', 'low');
  await add('worst', 'postgres', 'critical', 'medium');
  await add('elsewhere', 'files', 'high');
  await add('young', 'files', 'low');
  await add('kept', 'legal', 'low');
  await Promise.all([recorder.close(), recent.close()]);
  await age(db.pool, 100, ['low', 'risky', 'worst', 'elsewhere', 'kept']);
  const retention: RetentionRule[] = [
    { connection: 'legal', risks: null, keepMs: null },
    { connection: 'postgres', risks: ['critical'], keepMs: 400 * day },
    { connection: 'postgres', risks: ['high'], keepMs: 50 * day },
    { connection: 'postgres', risks: null, keepMs: 200 * day },
    { connection: null, risks: null, keepMs: 30 * day },
  ];
  let out = '';
  let err = '';
  const deps = sessionsDeps(db.pool, {
    retention,
    out: (text) => (out += text),
    err: (text) => (err += text),
  });
  assert.equal(await sessions(['purge', '--dry-run', '--json'], deps), 0);
  const would = JSON.parse(out) as { sessionId: string; risk: string; rule: number }[];
  assert.deepEqual(
    new Map(would.map(({ sessionId, risk, rule }) => [sessionId, [risk, rule]])),
    new Map([
      ['elsewhere', ['high', 4]],
      ['risky', ['high', 2]],
    ]),
  );
  assert.match(err, /connection postgres, risk high: 50 days: 1 sessions, 5 records/);
  assert.match(err, /2 sessions with 8 records would be purged/);
  const later = new Date(Date.now() + 150 * day).toISOString();
  out = '';
  assert.equal(await sessions(['purge', '--dry-run', '--json', '--at', later], deps), 0);
  const ids = (JSON.parse(out) as { sessionId: string }[]).map((one) => one.sessionId);
  assert.deepEqual(ids.toSorted(), ['elsewhere', 'low', 'risky', 'young'], 'what will go by then');
});

test('workers purge what is due, one at a time, and the space of it goes back once the log has the tombstones', async () => {
  await using db = await testDatabase();
  const recorder = recorderOf(db.pool, 100);
  const recent = recorderOn(db.pool);
  const ids = Array.from({ length: 120 }, (_, n) => `s${n}`);
  for (const id of ids) await recorder.append(facts(id), message('{}'));
  await recent.append(facts('new'), message('{"still":"here"}'));
  await Promise.all([recorder.close(), recent.close()]);
  await age(db.pool, 100, ids);
  await sequenceAll(db.pool);
  const acts: unknown[] = [];
  const errors: Error[] = [];
  const rules: RetentionRule[] = [{ connection: null, risks: null, keepMs: 90 * day }];
  const workers = Array.from({ length: 4 }, () =>
    startRetention(
      retaining(db.pool, rules, {
        recordAct: async (act, details) => void acts.push([act, details]),
        onError: (error) => errors.push(error),
      }),
    ),
  );
  const left = async (table: string): Promise<number> =>
    (await db.pool.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]?.n ?? -1;
  await until('the keys are destroyed', async () => (await left('record_keys')) === 1);
  await sequenceAll(db.pool);
  await until('the records are deleted', async () => (await left('records')) <= 3);
  await Promise.all(workers.map((worker) => worker.stop()));
  assert.deepEqual(errors, []);
  assert.deepEqual(acts, [
    ['sessions.purge', { person: 'holdpoint retention', reason: 'retention', sessions: 120, records: 360 }],
  ]);
  const runs = await purgeRuns(db.pool, 5);
  assert.deepEqual(
    runs.map(({ person, due, purged, failed, endedAt }) => [person, due, purged, failed, endedAt !== null]),
    [['holdpoint retention', 120, 120, null, true]],
  );
  const { rows } = await db.pool.query<{ entry: Buffer }>('select entry from log_tombstones limit 1');
  assert.match(rows[0]?.entry.toString('latin1') ?? '', /"reason":"retention: everything else: 90 days"/);
  assert.deepEqual(texts(await readAll(db.pool, 'new')), ['{"still":"here"}']);
  assert.deepEqual((await verifyPool(db.pool)).problems, []);
  assert.match(await recordMetrics(db.pool), /^holdpoint_purged_sessions_total 120$/m);
});

test('a purge that is stopped, or whose connection dies, leaves a log that verifies, and the next goes on', async () => {
  await using db = await testDatabase();
  const recorder = recorderOf(db.pool, 100);
  const ids = Array.from({ length: 60 }, (_, n) => `s${n}`);
  for (const id of ids) await recorder.append(facts(id), message('{}'));
  await recorder.close();
  await age(db.pool, 100, ids);
  const kept = [await sequenceAll(db.pool)];
  const rules: RetentionRule[] = [{ connection: null, risks: null, keepMs: 90 * day }];
  const stopping = new AbortController();
  const store = createPurgeStore(db.pool);
  let destroyed = 0;
  const stopped = await purgeDue(
    retaining(db.pool, rules, {
      store: {
        ...store,
        async destroy(sessionId, entry) {
          if ((destroyed += 1) === 20) stopping.abort();
          return store.destroy(sessionId, entry);
        },
      },
    }),
    stopping.signal,
  );
  assert.equal(stopped?.purged, 20);
  assert.deepEqual((await verifyPool(db.pool, kept)).problems, []);
  const broken = purgeDue(
    retaining(db.pool, rules, {
      store: {
        ...store,
        async destroy(sessionId, entry) {
          if ((destroyed += 1) === 40)
            await db.pool.query(
              `select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()`,
            );
          return store.destroy(sessionId, entry);
        },
      },
    }),
    never,
  );
  await broken.catch((error: Error) => error);
  kept.push(await sequenceAll(db.pool));
  assert.deepEqual((await verifyPool(db.pool, kept)).problems, []);
  const rest = await purgeDue(retaining(db.pool, rules), never);
  assert.ok(rest && rest.purged <= 40);
  const { rows } = await db.pool.query<{ n: number }>('select count(*)::int as n from record_keys');
  assert.deepEqual(rows, [{ n: 0 }]);
  kept.push(await sequenceAll(db.pool));
  await purgeDue(retaining(db.pool, rules), never);
  assert.deepEqual((await verifyPool(db.pool, kept)).problems, []);
});

test('a standing legal hold keeps every session of a person, those to come too, until it is released', async () => {
  await using db = await testDatabase();
  const recorder = recorderOf(db.pool, 10);
  await recorder.append(facts('a1', { subject: 'alice' }), message('{}'));
  let out = '';
  const acts: unknown[] = [];
  const deps = sessionsDeps(db.pool, {
    retention: [{ connection: null, risks: null, keepMs: day }],
    out: (text) => (out += text),
    recordAct: async (act, details) => void acts.push([act, details]),
  });
  assert.equal(await sessions(['hold', '--subject', 'alice', '--reason', 'case 8'], deps), 0);
  assert.match(out, /^legal hold 1 is in force\n$/);
  await recorder.append(facts('a2', { subject: 'alice' }), message('{}'));
  await recorder.append(facts('b1', { subject: 'bob' }), message('{}'));
  await recorder.close();
  await age(db.pool, 10, ['a1', 'a2', 'b1']);
  out = '';
  assert.equal(await sessions(['holds'], deps), 0);
  assert.match(out, /^1 {2}all sessions of subject alice {2}case 8 {2}local:approver /);
  assert.equal(await sessions(['purge', 'a2', '--reason', 'by hand'], deps), 1, 'nor by hand');
  assert.equal(await sessions(['purge'], deps), 0);
  assert.equal((await readAll(db.pool, 'a1'))[0]?.bytes === null, false);
  assert.equal((await readAll(db.pool, 'b1'))[0]?.bytes, null);
  assert.equal(await sessions(['release', '--number', '1', '--reason', 'closed'], deps), 0);
  assert.equal(await sessions(['release', '--number', '1', '--reason', 'closed'], deps), 1);
  assert.equal(await sessions(['purge'], deps), 0);
  assert.equal((await readAll(db.pool, 'a1'))[0]?.bytes, null);
  assert.deepEqual(acts.slice(0, 1), [
    ['sessions.hold', { subject: 'alice', connection: null, reason: 'case 8' }],
  ]);
});

test('giving back a day never makes recorders wait, and never takes a record that came late', async () => {
  await using db = await testDatabase();
  const recorder = recorderOn(db.pool);
  await db.pool.query(
    `create table records_20200101 partition of records for values from ('2020-01-01Z') to ('2020-01-02Z')`,
  );
  const back = (micros: number) => ({
    wallMicros: () => micros,
    steadyMicros: () => performance.now() * 1000,
  });
  const old = recorderOn(db.pool, { clock: back(Date.parse('2020-01-01T12:00:00Z') * 1000) });
  await old.append(facts('old'), message('{}'));
  await old.close();
  const kept = [await sequenceAll(db.pool)];
  const deps = sessionsDeps(db.pool);
  assert.equal(await sessions(['purge', 'old', '--reason', 'r'], deps), 0);
  kept.push(await sequenceAll(db.pool));
  const store = createPurgeStore(db.pool);
  const reader = await db.pool.connect();
  await reader.query('begin');
  await reader.query('select count(*) from records');
  const reclaiming = store.reclaim(never);
  // The reader does not end before this: nobody waits for whoever reclaims, who waits for the reader.
  await recorder.append(facts('live'), message('{}'));
  assert.equal((await reclaiming).partitions, 0, 'somebody reads: another time');
  await reader.query('commit');
  reader.release();
  const late = recorderOn(db.pool, { clock: back(Date.parse('2020-01-01T13:00:00Z') * 1000) });
  await late.append(facts('late'), message('{"late":1}'));
  await late.close();
  assert.equal((await store.reclaim(never)).partitions, 0, 'a record came late');
  assert.deepEqual(texts(await readAll(db.pool, 'late')), ['{"late":1}']);
  await recorder.close();
  assert.equal(await sessions(['purge', 'late', '--reason', 'r'], deps), 0);
  kept.push(await sequenceAll(db.pool));
  assert.equal((await store.reclaim(never)).partitions, 1);
  assert.deepEqual((await verifyPool(db.pool, kept)).problems, []);
});
