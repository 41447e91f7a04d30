import { decidedCall } from '../../../db/held-deciding.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { approvalOf, response } from './ends.ts';
import { rowOf } from './support.ts';
import { togetherIn } from './together.ts';
import { countedVote } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const together = togetherIn(() => db);

test('an approved call reaches upstream once, with exactly the arguments that were held', () =>
  together(async (one, approvals) => {
    const args = '{ "z":1, "a":9007199254740993,"n":1.0, "nested":{"b":[1e3,-0]} }';
    const request = one.request({ args });
    const held = one.hold.hold(request);
    const input = await approvals.next();
    assert.equal(one.upstream.calls().length, 0);
    const result = await one.execute({ ...input, votes: [countedVote(input)] });
    assert.deepEqual(result, { execution: 'succeeded', summary: null, settled: true, rowEnded: true });
    const decided = await decidedCall(db.pool, input.callId);
    assert.equal(decided?.votesRecorded, 1, 'what is said to be settled has its votes recorded');
    const answer = await request.stream.response();
    assert.equal(answer.result?.content[0]?.text, 'done');
    await held;
    assert.deepEqual(one.upstream.calls(), [request.json]);
    assert.deepEqual(await rowOf(db.pool, input.callId), {
      state: 'succeeded',
      opened: true,
      delivered: true,
      requests: 0,
      because: null,
    });
  }));

test('an executed call is never sent again: a second activity gets what is stored', () =>
  together(async (one, approvals) => {
    void one.hold.hold(one.request()).catch(() => {});
    const input = await approvals.next();
    const votes = [countedVote(input)];
    await one.execute({ ...input, votes });
    assert.deepEqual(await one.execute({ ...input, votes }), { execution: 'succeeded', summary: null });
    assert.equal(one.upstream.calls().length, 1);
  }));

test('of two activities that race for one call, one sends it and both tell the same end', () =>
  together(async (one, approvals) => {
    one.upstream.behave = async function* (_json, idJson, onSent) {
      onSent();
      await sleep(300);
      yield response(idJson, { content: [] });
    };
    void one.hold.hold(one.request()).catch(() => {});
    const input = await approvals.next();
    const votes = [countedVote(input)];
    const ends = await Promise.all([1, 2, 3, 4].map(() => one.execute({ ...input, votes })));
    assert.equal(one.upstream.calls().length, 1);
    for (const end of ends) assert.equal(end.execution, 'succeeded');
  }));

test('a denied call is never sent, and the agent reads who denied it, why, and what to do', () =>
  together(async (one, approvals) => {
    const request = one.request();
    const held = one.hold.hold(request);
    const input = await approvals.next();
    const votes = [countedVote({ ...input, decision: 'deny', reason: 'use a migration' })];
    await db.pool.query(`update held_calls set state = 'denied', decisions = $2 where call_id = $1`, [
      input.callId,
      JSON.stringify(votes),
    ]);
    const { result } = await request.stream.response();
    await held;
    assert.equal(result?.isError, true);
    assert.match(
      result?.content[0]?.text ?? '',
      /^DENIED hp_\S+\. .*Ann denied it, saying "use a migration"\. Do not/,
    );
    assert.equal('structuredContent' in result, false);
    assert.equal((await one.execute({ ...input, votes: [countedVote(input)] })).execution, 'failed');
    assert.equal(one.upstream.calls().length, 0);
  }));

for (const state of ['expired', 'cancelled', 'aborted'])
  test(`a call that ended as ${state} is never sent, and the agent is told`, () =>
    together(async (one, approvals) => {
      const request = one.request();
      const held = one.hold.hold(request);
      const input = await approvals.next();
      while (!(await rowOf(db.pool, input.callId))?.opened) await sleep(5);
      await db.pool.query('update held_calls set state = $2 where call_id = $1', [input.callId, state]);
      const { result } = await request.stream.response();
      await held;
      assert.match(result?.content[0]?.text ?? '', /The call was not executed/);
      assert.equal(approvalOf(result)?.status, state);
      await one.execute({ ...input, votes: [countedVote(input)] });
      assert.equal(one.upstream.calls().length, 0);
      assert.equal((await rowOf(db.pool, input.callId))?.requests, 0);
    }));

test('a decision that is quicker than the opening counts', () =>
  together(async (one, approvals) => {
    const { open } = approvals.port;
    Object.assign(approvals.port, {
      open: async (...given: Parameters<typeof open>) => {
        await open(...given);
        await one.execute({ ...given[0], votes: [countedVote(given[0])] });
      },
    });
    const request = one.request();
    await one.hold.hold(request);
    assert.equal((await request.stream.response()).result?.content[0]?.text, 'done');
    assert.equal(one.upstream.calls().length, 1);
  }));

test('a client that cannot wait gets a durable pending answer that tells the model what to do', () =>
  together(
    async (one, approvals) => {
      const request = one.request();
      await one.hold.hold(request);
      const input = await approvals.next();
      const { result } = await request.stream.response();
      assert.equal(result?.isError, true);
      assert.match(
        result?.content[0]?.text ?? '',
        /^PENDING_APPROVAL hp_\S+\. The call has not been executed\. .*call query again with exactly the same arguments/,
      );
      assert.deepEqual(approvalOf(result), {
        id: input.callId,
        status: 'pending',
        url: `http://127.0.0.1:8471/approvals/${input.callId}`,
        expiresAt: new Date(input.expiresAtMs).toISOString(),
      });
      assert.equal((await rowOf(db.pool, input.callId))?.state, 'pending');
      assert.ok(request.stream.keepAlives.length >= 1);
    },
    { settings: { replyBudgetMs: 1500 } },
  ));

test('a held request that knows no tool result is refused by an error that says the same', () =>
  together(async (one, approvals) => {
    const json = '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///secret"}}';
    const request = { ...one.request({ json }), method: 'resources/read', tool: 'file:///secret' };
    void one.hold.hold(request).catch(() => {});
    const input = await approvals.next();
    while (!(await rowOf(db.pool, input.callId))?.opened) await sleep(5);
    await db.pool.query(`update held_calls set state = 'denied'`);
    const { error } = await request.stream.response();
    assert.match(error?.message ?? '', /^DENIED hp_/);
    assert.equal(error?.data?.['code'], 'hold_failed');
    assert.deepEqual(Object.keys(error?.data?.['holdpoint/approval'] ?? {}), [
      'id',
      'status',
      'url',
      'denial',
    ]);
  }));

test('keep-alives begin within a second', () =>
  together(async (one, approvals) => {
    const request = one.request();
    void one.hold.hold(request).catch(() => {});
    await approvals.next();
    await until('a keep-alive', () => request.stream.keepAlives.length > 0);
    assert.equal(request.stream.responses.length, 0, 'before anything else is said');
    assert.match(request.stream.keepAlives[0] ?? '', /Waiting for dba to approve hp_/);
  }));

test('the time-out of a client detaches it; its cancellation cancels the request', () =>
  together(async (one, approvals) => {
    const impatient = one.hold.hold(one.request());
    const input = await approvals.next();
    const reason = 'McpError: MCP error -32001: Request timed out';
    assert.equal(await one.hold.cancelled('session-1', '1', reason), true);
    await impatient;
    assert.equal((await rowOf(db.pool, input.callId))?.state, 'pending');
    const back = one.hold.hold(one.request({ idJson: '2' }));
    while (one.deps.waiters.size === 0) await sleep(10);
    assert.equal(await one.hold.cancelled('session-1', '1', 'stale'), false);
    assert.equal(await one.hold.cancelled('session-2', '2', 'of another session'), false);
    assert.equal(await one.hold.cancelled('session-1', '2', 'the user said no'), true);
    await back;
    assert.equal((await rowOf(db.pool, input.callId))?.state, 'cancelled');
    assert.equal(one.upstream.calls().length, 0);
  }));

test('where policy says so, a client that closes its connection cancels the request', () =>
  together(async (one, approvals) => {
    const request = one.request({ verdict: { onDisconnect: 'cancel' } });
    const held = one.hold.hold(request);
    const input = await approvals.next();
    request.stream.disconnect();
    await held;
    assert.equal((await rowOf(db.pool, input.callId))?.state, 'cancelled');
  }));

test('without Temporal a held call is refused as retryable, can never run, and the next one is asked anew', () =>
  together(async (one, approvals) => {
    approvals.failing = new Error('14 UNAVAILABLE');
    const request = one.request();
    await one.hold.hold(request);
    const { error } = await request.stream.response();
    assert.match(error?.message ?? '', /not executed.*Try again/);
    assert.equal(error?.data?.['retryable'], true);
    const { rows } = await db.pool.query<{ call_id: string; state: string; digest: string }>(
      'select call_id, state, digest from held_calls',
    );
    assert.equal(rows[0]?.state, 'aborted');
    const { call_id: callId, digest } = rows[0];
    const refused = await one.execute({ callId, digest, votes: [countedVote({ callId, digest })] });
    assert.equal(refused.execution, 'failed');
    assert.equal(one.upstream.calls().length, 0);
    approvals.failing = null;
    void one.hold.hold(one.request()).catch(() => {});
    await approvals.next();
  }));

test('a caller who has as many calls open as allowed is refused, others are not', () =>
  together(
    async (one, approvals) => {
      void one.hold.hold(one.request({ args: '{"n":1}' })).catch(() => {});
      void one.hold.hold(one.request({ args: '{"n":2}', idJson: '2' })).catch(() => {});
      await approvals.next(2);
      const third = one.request({ args: '{"n":3}', idJson: '3' });
      await one.hold.hold(third);
      assert.match((await third.stream.response()).result?.content[0]?.text ?? '', /^TOO_MANY_PENDING/);
      const again = one.request({ args: '{"n":1}', idJson: '4' });
      void one.hold.hold(again).catch(() => {});
      void one.hold
        .hold(one.request({ args: '{"n":3}', idJson: '5', caller: { key: 'oidc:x#y' } }))
        .catch(() => {});
      await approvals.next(3);
    },
    { settings: { heldCallsPerCaller: 2 } },
  ));

test('a gateway that stops answers everyone who waits as pending', () =>
  together(async (one, approvals) => {
    const request = one.request();
    void one.hold.hold(request).catch(() => {});
    await approvals.next();
    await one.hold.close();
    assert.match((await request.stream.response()).result?.content[0]?.text ?? '', /^PENDING_APPROVAL/);
    await assert.rejects(one.hold.hold(one.request()), { code: 'stopping' });
  }));
