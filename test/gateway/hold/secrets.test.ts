import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { defaultMaskingConfig } from '../../../masking/check-config.ts';
import { createMaskingEngine } from '../../../masking/create.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { response } from './ends.ts';
import { canary, startReplica, testApprovals } from './support.ts';
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

test('what was put in for a token goes upstream and is shown to nobody, also when another gateway runs the call', async () => {
  const value = 'Bluebird';
  const masking = createMaskingEngine(defaultMaskingConfig);
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { name: 'holds', masking });
  const two = await startReplica(db, approvals, { name: 'runs', masking });
  const plain = one.request({ args: `{"sql":"call ${value} now"}`, verdict: { onDisconnect: 'run' } });
  const holding = one.hold
    .hold({
      ...plain,
      masker: masking.masker('default', { restored: new Map([[value, 'field']]) }),
      restored: [{ type: 'field', from: 'db', value }],
    })
    .catch(() => {});
  try {
    two.upstream.behave = async function* (_json, idJson, onSent) {
      onSent();
      yield response(idJson, { content: [{ type: 'text', text: `called ${value}` }] });
    };
    const input = await approvals.next();
    assert.equal(JSON.stringify(input).includes(value), false);
    const end = await two.execute({ ...input, votes: [countedVote(input)] });
    assert.equal(end.execution, 'succeeded');
    assert.ok(two.upstream.calls()[0]?.includes(`call ${value} now`));
    for (const text of [await dump(), ...one.log, ...two.log]) assert.equal(text.includes(value), false);
    const { rows } = await db.pool.query<{ shown_args: string }>('select shown_args::text from held_calls');
    assert.ok(rows.some(({ shown_args }) => shown_args.includes('call [masked:field] now')));
  } finally {
    await one.stop();
    await two.stop();
    await holding;
  }
});

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
