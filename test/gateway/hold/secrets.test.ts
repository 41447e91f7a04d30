import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { response } from './ends.ts';
import { canary, heldIn } from './support.ts';
import { countedVote } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const held = heldIn(() => db);

test('a secret in arguments and results stands in no row and no log line', () =>
  held(
    async (one, input, request) => {
      one.upstream.behave = async function* (_json, idJson, onSent) {
        onSent();
        yield {
          json: `{"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${canary}"}}`,
          kind: 'notification',
          method: 'notifications/message',
        };
        yield response(idJson, {
          isError: true,
          content: [{ type: 'text', text: `password ${canary} refused` }],
        });
      };
      assert.equal(JSON.stringify(input).includes(canary), false);
      const during = await dump();
      const end = await one.execute({ ...input, votes: [countedVote(input)] });
      await request.stream.response();
      assert.ok(one.upstream.calls()[0]?.includes(canary));
      assert.match(end.summary ?? '', /\[masked:canary\] refused/);
      const all = [during, await dump(), ...one.log, ...request.stream.messages, ...request.stream.responses];
      for (const text of all) assert.equal(text.includes(canary), false);
      assert.equal(request.stream.messages.length, 1);
    },
    { args: `{"password":"${canary}"}` },
  ));

/** Every row of every table as text, bytes both in hex and as they would read. */
async function dump(): Promise<string> {
  const { rows } = await db.pool.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'`,
  );
  const parts = await Promise.all(
    rows.map(async ({ name }) => {
      const found = await db.pool.query<Record<string, unknown>>(`select * from ${name}`);
      return found.rows
        .flatMap((row) => Object.values(row))
        .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value)))
        .join('\n');
    }),
  );
  return parts.join('\n');
}
