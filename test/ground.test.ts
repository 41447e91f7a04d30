import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '@temporalio/client';
import { migrate, SchemaError } from '../db/migrate.ts';
import { openPool } from '../db/pool.ts';
import { testDatabase } from './support/postgres.ts';
import { testTemporal } from './support/temporal.ts';

test('migrations run once, however many processes start at the same moment', async () => {
  await using db = await testDatabase();
  await db.pool.query('drop schema public cascade; create schema public');
  const pools = [1, 2, 3, 4].map(() => openPool(db.url));
  const applied = await Promise.all(pools.map((pool) => migrate(pool)));
  assert.equal(applied.filter((names) => names.length > 0).length, 1);
  await Promise.all(pools.map((pool) => pool.end()));
});

test('a database of a newer version is refused', async () => {
  await using db = await testDatabase();
  await db.pool.query(`insert into schema_migrations (name, sha256) values ('9999_future.sql', 'x')`);
  await assert.rejects(
    migrate(db.pool),
    (error) => error instanceof SchemaError && error.code === 'schema_newer',
  );
});

test('a connection that the server ends while somebody holds it fails their query, not the process', async () => {
  await using db = await testDatabase();
  const broken: string[] = [];
  const pool = openPool(db.url, { onBroken: (error) => broken.push(error.message) });
  const held = await pool.connect();
  const { rows } = await held.query<{ pid: number }>('select pg_backend_pid() as pid');
  await db.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  while (broken.length === 0) await new Promise((done) => setTimeout(done, 10));
  await assert.rejects(held.query('select 1'));
  held.release(true);
  assert.equal((await pool.query<{ one: number }>('select 1 as one')).rows[0]?.one, 1);
  await pool.end();
});

test('the tests talk to a real Temporal server', async () => {
  await using temporal = await testTemporal();
  const connection = await Connection.connect({ address: temporal.address });
  const info = await connection.workflowService.getSystemInfo({});
  assert.match(info.serverVersion ?? '', /^1\./);
  await connection.close();
});
