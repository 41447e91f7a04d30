import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandApi } from '../support/command-api.ts';
import { testDatabase } from '../support/postgres.ts';
import { holdCall } from './support.ts';

test('a list of calls of unknown outcome asks the database as often for many as for one', async () => {
  await using db = await testDatabase();
  let asked = 0;
  const pool = new Proxy(db.pool, {
    get: (target, name) => {
      if (name === 'query') asked += 1;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const api = commandApi(pool);
  const lost = async (people: string[]): Promise<string> => {
    const id = await holdCall(db.pool, { people });
    await db.pool.query(`update held_calls set state = 'unknown', ended_at = now() where call_id = $1`, [id]);
    await db.pool.query('insert into unknown_tasks (call_id) values ($1) on conflict do nothing', [id]);
    return id;
  };
  const count = async (): Promise<[number, number]> => {
    const before = asked;
    const { outcomes } = await api.call('listOutcomes');
    return [outcomes.length, asked - before];
  };
  await lost(['alice@example.com']);
  const [one, queries] = await count();
  assert.equal(one, 1);
  for (let at = 0; at < 20; at += 1) await lost(['bob@example.com']);
  assert.deepEqual(await count(), [21, queries]);
});
