import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sweepDead } from '../../../db/held-execution.ts';
import { UpstreamError } from '../../../gateway/errors.ts';
import { RecordingError } from '../../../recording/event.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { approvalOf, response, testStream } from './ends.ts';
import { rowOf } from './support.ts';
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

test('a failure before anything was sent says that nothing ran', () =>
  held(async (one, input, request) => {
    // oxlint-disable-next-line require-yield -- it fails before it can
    one.upstream.behave = async function* () {
      throw new UpstreamError('upstream_unreachable', 'connection refused', { sent: false });
    };
    const result = await one.execute({ ...input, votes: [countedVote(input)] });
    assert.equal(result.execution, 'failed');
    const answer = await request.stream.response();
    assert.match(answer.result?.content[0]?.text ?? '', /^NOT_EXECUTED .*nothing ran.*upstream_unreachable/);
  }));

test('a failure after the first byte may have left ends as unknown, is told so, and is never resent', () =>
  held(async (one, input, request) => {
    // oxlint-disable-next-line require-yield -- it fails before it can
    one.upstream.behave = async function* (_json, _id, onSent) {
      onSent();
      throw new UpstreamError('upstream_closed', 'the stream ended', { sent: true });
    };
    const votes = [countedVote(input)];
    assert.equal((await one.execute({ ...input, votes })).execution, 'unknown');
    assert.match(
      (await request.stream.response()).result?.content[0]?.text ?? '',
      /^OUTCOME_UNKNOWN .*Do not simply repeat/,
    );
    assert.equal((await one.execute({ ...input, votes })).execution, 'unknown');
    assert.equal(one.upstream.calls().length, 1);
    await assert.rejects(db.pool.query(`update held_calls set state = 'pending'`), /never changes/);
  }));

test('a tool that reports an error has run: its own words reach the client and the row', () =>
  held(async (one, input, request) => {
    one.upstream.behave = async function* (_json, idJson, onSent) {
      onSent();
      yield response(idJson, { isError: true, content: [{ type: 'text', text: 'no such table' }] });
    };
    const result = await one.execute({ ...input, votes: [countedVote(input)] });
    assert.deepEqual(result, {
      execution: 'failed',
      summary: 'no such table',
      settled: true,
      rowEnded: true,
    });
    const answer = await request.stream.response();
    assert.equal(answer.result?.content[0]?.text, 'no such table');
    assert.equal(approvalOf(answer.result), undefined);
  }));

test('progress and questions of the server reach the client that waits; its own token is used', () =>
  held(
    async (one, input) => {
      const back = one.request({ idJson: '2', stream: testStream('"second"') });
      void one.hold.hold(back).catch(() => {});
      while (one.deps.waiters.size < 2) await sleep(10);
      one.upstream.behave = async function* (json, idJson, onSent) {
        onSent();
        const token: string = /"progressToken":("\w+")/.exec(json)?.[1] ?? 'null';
        const progress = `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":1}}`;
        yield { json: progress, kind: 'notification', method: 'notifications/progress' };
        yield {
          json: '{"jsonrpc":"2.0","id":9,"method":"elicitation/create","params":{}}',
          kind: 'request',
          method: 'elicitation/create',
        };
        yield response(idJson, { content: [] });
      };
      await one.execute({ ...input, votes: [countedVote(input)] });
      await back.stream.response();
      assert.deepEqual(
        back.stream.messages.map((json) => (JSON.parse(json) as { method: string }).method),
        ['notifications/progress', 'elicitation/create'],
      );
      assert.match(back.stream.messages[0] ?? '', /"progressToken":"second"/);
    },
    {
      stream: testStream('"first"'),
      json: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"sql":"delete"},"_meta":{"progressToken":"first"}}}',
    },
  ));

test('a question of the server to a client that has gone is answered with an error, so that the call can end', () =>
  held(async (one, input, request) => {
    one.upstream.behave = async function* (_json, idJson, onSent) {
      onSent();
      request.stream.disconnect();
      yield {
        json: '{"jsonrpc":"2.0","id":"q","method":"roots/list"}',
        kind: 'request',
        method: 'roots/list',
      };
      yield response(idJson, { content: [] });
    };
    assert.equal((await one.execute({ ...input, votes: [countedVote(input)] })).execution, 'succeeded');
    assert.match(one.upstream.received.at(-1) ?? '', /"id":"q","error"/);
  }));

test('a running call that its client cancels is cancelled upstream, and its true end is kept', () =>
  held(async (one, input) => {
    one.upstream.behave = async function* (_json, idJson, onSent) {
      onSent();
      while (!one.upstream.received.some((json) => json.includes('notifications/cancelled'))) await sleep(10);
      yield response(idJson, { content: [] });
    };
    const running = one.execute({ ...input, votes: [countedVote(input)] });
    while (one.upstream.calls().length === 0) await sleep(10);
    assert.equal(await one.hold.cancelled('session-1', '1', 'not wanted'), true);
    assert.equal((await running).execution, 'succeeded');
    assert.match(one.upstream.received[1] ?? '', /"requestId":1\b/);
  }));

test('a call whose executor fell silent becomes unknown; what the executor brings later changes nothing', () =>
  held(async (one, input, request) => {
    one.upstream.behave = async function* (_json, idJson, onSent) {
      onSent();
      await db.pool.query(`update held_calls set exec_seen_at = now() - interval '1 hour'`);
      const swept = await sweepDead(db.pool, { silentMs: 20_000, unopenedMs: 10_000 });
      assert.deepEqual(swept.unknown, [input.callId]);
      yield response(idJson, { content: [] });
    };
    assert.equal((await one.execute({ ...input, votes: [countedVote(input)] })).execution, 'unknown');
    assert.match((await request.stream.response()).result?.content[0]?.text ?? '', /^OUTCOME_UNKNOWN/);
    assert.equal((await rowOf(db.pool, input.callId))?.state, 'unknown');
  }));

test('a row that nobody was ever asked about is aborted by the sweep, one that was is left alone', () =>
  held(async (_one, input) => {
    const old = `created_at = now() - interval '1 hour'`;
    await db.pool.query(`update held_calls set ${old}`);
    assert.deepEqual((await sweepDead(db.pool, { silentMs: 1, unopenedMs: 10_000 })).aborted, []);
    await db.pool.query(`update held_calls set opened_at = null`);
    const swept = await sweepDead(db.pool, { silentMs: 1, unopenedMs: 10_000 });
    assert.deepEqual(swept.aborted, [input.callId]);
  }));

test('a database that is away for a moment costs neither a second decision nor the answer', () =>
  held(async (one, input, request) => {
    const { recorder } = one.deps;
    const refused = new Set<string>();
    const append: typeof recorder.append = async (session, event) => {
      // Each thing that is recorded of the run is refused once; handing the answer over is another matter.
      const what = `${event.kind} ${event.direction}`;
      const isRun = event.callId === input.callId && event.direction !== 'upstream-to-client';
      if (!isRun || refused.has(what)) return recorder.append(session, event);
      refused.add(what);
      throw new RecordingError('recording_unavailable', 'away');
    };
    Object.assign(one.deps, { recorder: { ...recorder, append } });
    assert.equal((await one.execute({ ...input, votes: [countedVote(input)] })).execution, 'succeeded');
    assert.equal((await request.stream.response()).result?.content[0]?.text, 'done');
    assert.equal(one.upstream.calls().length, 1);
    assert.ok(refused.has('claim none') && refused.has('outcome none'), [...refused].join());
  }));

test('a recorder that cannot record stops a call before it is sent', () =>
  held(async (one, input) => {
    const broken = {
      ...one.deps.recorder,
      append: async () => Promise.reject(new Error('no recording')),
    };
    Object.assign(one.deps, { recorder: broken });
    assert.equal((await one.execute({ ...input, votes: [countedVote(input)] })).execution, 'failed');
    assert.equal(one.upstream.received.length, 0);
  }));
