import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { loadMaskingConfig } from '../../../masking/check-config.ts';
import { createMaskingEngine } from '../../../masking/create.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { canary, response } from './ends.ts';
import { recordedIn } from './recorded.ts';
import { startReplica, testApprovals } from './support.ts';
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

test('of a secret that stands where a summary is cut, not even a part goes to Temporal or into a row', async () => {
  for (const kind of ['tool', 'protocol'])
    await held(async (one, input) => {
      const text = `${'x'.repeat(492)} ${canary} refused`;
      one.upstream.behave = async function* (_json, idJson, onSent) {
        onSent();
        const error = JSON.stringify({ code: -32000, message: text });
        if (kind === 'tool') yield response(idJson, { isError: true, content: [{ type: 'text', text }] });
        else
          yield {
            json: `{"jsonrpc":"2.0","id":${idJson},"error":${error}}`,
            kind: 'response',
            method: null,
          };
      };
      const end = await one.execute({ ...input, votes: [countedVote(input)] });
      assert.equal(end.execution, 'failed');
      assert.match(end.summary ?? '', /^x{492} \[masked/);
      assert.equal(end.summary?.includes(canary.slice(0, 4)), false, end.summary ?? '');
      assert.equal((await dump()).includes(canary.slice(0, 4)), false);
    });
});

test('a secret in a tool’s name, in claims or in what a client is asked stands in no row, no log line and no record', async () => {
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { name: 'named' });
  const plain = one.request({
    args: '{"a":1}',
    json: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"drop_${canary}","arguments":{"a":1}}}`,
    sessionId: 'named',
    caller: { claims: { note: canary } },
    elicits: ['form'],
  });
  const holding = one.hold.hold({ ...plain, tool: `drop_${canary}` }).catch(() => {});
  try {
    const input = await approvals.next();
    assert.equal(JSON.stringify(input).includes(canary), false);
    const end = await one.execute({ ...input, votes: [countedVote(input)] });
    assert.equal(end.execution, 'succeeded');
    assert.ok(one.upstream.calls()[0]?.includes(`drop_${canary}`), 'the server gets the name as it is');
  } finally {
    await one.stop();
    await holding;
  }
  const recorded = await recordedIn(db, one, 'named');
  for (const kind of ['hold', 'decision', 'claim', 'message', 'outcome'])
    assert.ok(
      recorded.some((line) => line.startsWith(`${kind} tools/call drop_[masked:canary]`)),
      `${kind} is recorded with the masked name: ${recorded.join('\n')}`,
    );
  for (const text of [await dump(), ...one.log, ...recorded])
    assert.equal(text.includes(canary), false, text.slice(0, 300));
});

test('what was put in for a token goes upstream and is shown to nobody, also when another gateway runs the call', async () => {
  const value = 'Bluebird';
  const masking = createMaskingEngine(loadMaskingConfig({ strict: { fields: { seat: 'redact' } } }));
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { name: 'holds', masking });
  const two = await startReplica(db, approvals, { name: 'runs', masking });
  const plain = one.request({
    args: `{"sql":"call ${value} now"}`,
    verdict: { onDisconnect: 'run', maskProfile: 'strict' },
  });
  const holding = one.hold
    .hold({
      ...plain,
      masker: masking.masker('strict', { restored: new Map([[value, 'field']]) }),
      restored: [{ type: 'field', from: 'db', value }],
    })
    .catch(() => {});
  try {
    two.upstream.behave = async function* (_json, idJson, onSent) {
      onSent();
      const text = JSON.stringify({ called: `it is ${value}`, seat: 'by the window' });
      yield response(idJson, { content: [{ type: 'text', text }] });
    };
    const input = await approvals.next();
    assert.equal(JSON.stringify(input).includes(value), false);
    const end = await two.execute({ ...input, votes: [countedVote(input)] });
    assert.equal(end.execution, 'succeeded');
    assert.ok(two.upstream.calls()[0]?.includes(`call ${value} now`));
    const recorded = await recordedIn(db, two);
    assert.ok(recorded.some((text) => text.startsWith('outcome ') && text.includes('[masked:field]')));
    for (const text of [await dump(), ...recorded, ...one.log, ...two.log]) {
      assert.equal(text.includes(value), false, text.slice(0, 500));
      assert.equal(text.includes('by the window'), false, 'the profile of its rule');
    }
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
