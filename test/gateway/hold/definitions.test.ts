import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { definitionHashOf } from '../../../gateway/hold/canonical.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { canary } from './ends.ts';
import { heldIn } from './together.ts';
import { countedVote } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const held = heldIn(() => db);
const other = `{"name":"other","description":"with ${canary}","inputSchema":{"type":"object"}}`;
const seen = '{"name":"query","description":"Runs a query","inputSchema":{"type":"object"}}';
const definitionHash = definitionHashOf(seen);

test('a call whose tool is defined as when it was held runs, wherever in the list it stands', () =>
  held(
    async (one, input, request) => {
      // The same definition, written differently.
      one.upstream.tools.push(
        other,
        '{ "inputSchema":{"type":"object"}, "description":"Runs a query","name":"query" }',
      );
      assert.equal((await one.execute({ ...input, votes: [countedVote(input)] })).execution, 'succeeded');
      assert.deepEqual(one.upstream.calls(), [request.json]);
    },
    { definitionHash },
  ));

for (const [what, tools] of [
  ['changed its description', [other, seen.replace('Runs', 'Silently runs')]],
  ['changed its schema', [seen.replace('"object"', '"array"')]],
  ['is no longer listed', [other]],
] as const)
  test(`a call whose tool ${what} after it was approved is not sent`, () =>
    held(
      async (one, input, request) => {
        one.upstream.tools.push(...tools);
        const result = await one.execute({ ...input, votes: [countedVote(input)] });
        assert.equal(result.execution, 'failed');
        assert.equal(one.upstream.calls().length, 0);
        const text = (await request.stream.response()).result?.content[0]?.text ?? '';
        assert.match(
          text,
          /^NOT_EXECUTED .*nothing ran.*(changed the tool's definition|no longer lists the tool)/,
        );
      },
      { definitionHash },
    ));

test('the definition is looked at in the session of its own, too, in which a call runs for nobody', () =>
  held(
    async (one, input, request) => {
      one.upstream.tools.push(seen.replace('Runs', 'Silently runs'));
      request.stream.disconnect();
      while (one.deps.waiters.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
      const result = await one.execute({ ...input, votes: [countedVote(input)] });
      assert.equal(result.execution, 'failed');
      assert.equal(one.upstream.calls().length, 0);
      assert.equal(one.upstream.closed, 1);
    },
    { definitionHash, verdict: { onDisconnect: 'run' } },
  ));
