import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { testDatabase } from '../support/postgres.ts';
import { schemaText } from '../support/schema-text.ts';

test('db/schema.sql is what the migrations make', async () => {
  await using db = await testDatabase();
  const written = await readFile(new URL('../../db/schema.sql', import.meta.url), 'utf8');
  assert.equal(written, await schemaText(db.pool), 'run `npm run schema` and commit db/schema.sql');
});
