import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { learnPatience, patienceOf } from '../../../db/client-patience.ts';
import { clientSettingsOf, defaultHoldSettings } from '../../../gateway/hold/settings.ts';
import { budgetOf } from '../../../gateway/hold/budget.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { testStream } from './ends.ts';
import { startReplica, testApprovals } from './support.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const client = { who: 'token-1', connection: 'db', progress: false };

test('a client that says its time ran out is believed, and the shortest time counts', async () => {
  assert.equal(await patienceOf(db.pool, client), null);
  await learnPatience(db.pool, client, { elapsedMs: 60_000, certain: true });
  await learnPatience(db.pool, client, { elapsedMs: 5_000, certain: true });
  await learnPatience(db.pool, client, { elapsedMs: 30_000, certain: true });
  assert.equal(await patienceOf(db.pool, client), 5_000);
  assert.equal(await patienceOf(db.pool, { ...client, progress: true }), null);
  assert.equal(await patienceOf(db.pool, { ...client, connection: 'other' }), null);
});

test('a closed connection is a time-out only when it happens twice at the same time', async () => {
  const other = { ...client, who: 'token-2' };
  const leave = (elapsedMs: number) => learnPatience(db.pool, other, { elapsedMs, certain: false });
  await leave(17_000);
  await leave(240_000);
  assert.equal(await patienceOf(db.pool, other), null);
  await leave(240_900);
  assert.equal(await patienceOf(db.pool, other), 240_900);
});

test('what was learned is forgotten after a week', async () => {
  await db.pool.query(`update client_patience set seen_at = now() - interval '8 days'`);
  assert.equal(await patienceOf(db.pool, client), null);
  await learnPatience(db.pool, client, { elapsedMs: 90_000, certain: true });
  assert.equal(await patienceOf(db.pool, client), 90_000);
});

test('a client that gave up once is answered before it gives up again', async () => {
  const one = await startReplica(db, testApprovals(db.pool));
  try {
    const request = one.request({ caller: { credentialId: 'token-3' } });
    assert.equal(await budgetOf(db.pool, defaultHoldSettings, request), 50_000);
    await learnPatience(db.pool, { ...client, who: 'token-3' }, { elapsedMs: 5_000, certain: true });
    assert.equal(await budgetOf(db.pool, defaultHoldSettings, request), 3_500);
    const patient = one.request({ caller: { credentialId: 'token-3' }, stream: testStream('1') });
    assert.equal(await budgetOf(db.pool, defaultHoldSettings, patient), 210_000);
  } finally {
    await one.stop();
  }
});

test('settings for some clients: the first that fits all that it names counts, and nothing else does', () => {
  const clients = [
    { connections: ['db'], subjects: ['ci'], credentials: null, replyBudgetMs: 4000 },
    { connections: null, subjects: null, credentials: ['jti:1'], replyBudgetMs: null },
    { connections: ['db'], subjects: null, credentials: null, progressBudgetMs: 1 },
  ];
  const of = (connection: string, subject: string, credentialId: string | null): object =>
    clientSettingsOf({ clients }, { connection, subject, credentialId });
  assert.equal(of('db', 'ci', null), clients[0]);
  assert.equal(of('files', 'ci', 'jti:1'), clients[1]);
  assert.equal(of('db', 'ann', 'jti:2'), clients[2]);
  assert.deepEqual(of('files', 'ann', null), {});
});
