import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startActs } from '../../../activities/acts.ts';
import { shownCall } from '../../../db/held-calls-shown.ts';
import { markOutcome, takeTask, wantReadBack } from '../../../db/unknown-tasks.ts';
import { UpstreamError } from '../../../gateway/errors.ts';
import { makeReadBacks } from '../../../gateway/hold/read-back.ts';
import type { Masked } from '../../../masking/masked.ts';
import { noOffers } from '../../../policy/offers.ts';
import { policyOf } from '../../support/gateway.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { canary, approvalOf, response } from './ends.ts';
import { type Replica, startReplica, testApprovals } from './support.ts';
import { countedVote } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const policyText = `
default: deny
approvers: { dba: { people: [ann@example.com] } }
rules:
  - { name: reads, match: { connection: db, tool: row }, then: pass }
  - name: writes
    match: { connection: db, tool: query }
    then: hold
    approvers: [dba]
    readBack: { tool: row, args: { id: call.args.id }, timeout: 1s }
`;
const ben = { person: { keys: ['oidc:https://idp#ben'], name: 'Ben' }, via: 'console' };

interface Place {
  readonly one: Replica;
  readonly callId: string;
  ask(idJson: string): ReturnType<Replica['request']>;
}

/** A call that was sent and never answered. */
async function unknownCall(work: (place: Place) => Promise<void>): Promise<void> {
  await db.pool.query('truncate held_calls cascade');
  const policy = policyOf(policyText, ['db']);
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { policy });
  const ending = policy.rules[1]?.ending;
  const offers = ending?.kind === 'hold' ? ending.offers : noOffers;
  one.upstream.behave = async function* (json, idJson, onSent) {
    const { params } = JSON.parse(json) as { params: { name: string; arguments: { id: number } } };
    onSent();
    if (params.name === 'query')
      throw new UpstreamError('upstream_closed', 'the stream ended', { sent: true });
    yield response(idJson, {
      content: [{ type: 'text', text: `row ${params.arguments.id} is there, ${canary}` }],
    });
  };
  const waiting: Promise<void>[] = [];
  const ask: Place['ask'] = (idJson) => {
    const verdict = { policyVersion: policy.version, offers };
    const request = one.request({ idJson, args: '{"id":7,"sql":"insert"}', verdict });
    waiting.push(one.hold.hold(request).catch(() => {}));
    return request;
  };
  try {
    const request = ask('1');
    const input = await approvals.next();
    assert.equal((await one.execute({ ...input, votes: [countedVote(input)] })).execution, 'unknown');
    assert.match((await request.stream.response()).result?.content[0]?.text ?? '', /^OUTCOME_UNKNOWN/);
    await work({ one, callId: input.callId, ask });
  } finally {
    await one.stop();
    await Promise.all(waiting);
  }
}

test('a call of which nobody knows becomes a task with its read-back, made by a gateway and shown masked', () =>
  unknownCall(async ({ one, callId }) => {
    const raw = await db.pool.query('select from held_call_requests');
    assert.equal(raw.rowCount, 0, 'its arguments are destroyed');
    await makeReadBacks(one.deps);
    const task = (await shownCall(db.pool, callId))?.task;
    assert.equal(task?.readBack, 'done');
    assert.deepEqual(task?.shown, {
      tool: 'row',
      ok: true,
      text: 'row 7 is there, [masked:canary]',
      leftOut: 0,
    });
    assert.equal(one.upstream.calls().length, 2, 'the call itself is not sent again');
    assert.equal(await wantReadBack(db.pool, callId, ben), true, 'somebody may look again');
    await makeReadBacks(one.deps);
    assert.equal(one.upstream.calls().length, 3);
  }));

test('a read-back that policy no longer lets pass is not made, and says so', () =>
  unknownCall(async ({ one, callId }) => {
    Object.assign(one.deps, { policy: () => policyOf('default: deny\n', ['db']) });
    await makeReadBacks(one.deps);
    const shown = (await shownCall(db.pool, callId))?.task?.shown;
    assert.equal(shown?.ok, false);
    assert.match(shown?.text ?? '', /policy does not let row pass/);
    assert.equal(one.upstream.calls().length, 1);
  }));

test('a person marks what became of it, once and for good; the agent that comes back is told, and nothing is resent', () =>
  unknownCall(async ({ one, callId, ask }) => {
    assert.equal(await takeTask(db.pool, callId, ben), true);
    assert.equal((await shownCall(db.pool, callId))?.task?.takenBy, 'Ben');
    const mark = { ...ben, mark: 'happened', reason: 'Row 7 is there.' } as const;
    assert.equal(await markOutcome(db.pool, callId, mark), true);
    assert.equal(await markOutcome(db.pool, callId, { ...mark, mark: 'did-not-happen' }), false);
    await assert.rejects(
      db.pool.query(`update unknown_tasks set mark = 'did-not-happen'`),
      /was marked already/,
    );
    const { result } = await ask('2').stream.response();
    assert.match(
      result?.content[0]?.text ?? '',
      /^OUTCOME_MARKED hp_\w+: it happened\. .*Ben looked, and says: "Row 7 is there\."\. Do not repeat it/,
    );
    const told = approvalOf(result) as { outcome?: unknown } | undefined;
    assert.deepEqual(told?.outcome, { mark: 'happened', by: 'Ben', reason: 'Row 7 is there.' });
    assert.equal(one.upstream.calls().length, 1);
    assert.equal(
      (await db.pool.query('select from held_call_read_backs')).rowCount,
      0,
      'the read-back is gone',
    );
    assert.equal(await wantReadBack(db.pool, callId, ben), false);
  }));

test('a later identical call shows its approvers that it may have happened already', () =>
  unknownCall(async ({ one, callId, ask }) => {
    ask('3');
    const pending = `select call_id from held_calls where state = 'pending' and context is not null`;
    const later = await until(
      'the later call with its context',
      async () => (await db.pool.query<{ call_id: string }>(pending)).rows[0],
    );
    const context = (await shownCall(db.pool, later.call_id))?.context;
    assert.equal(context?.unclear?.callId, callId);
    assert.equal(one.upstream.calls().length, 1);
  }));

test('what people do about it is recorded in the session that asked, also when nobody recorded it at once', () =>
  unknownCall(async ({ callId }) => {
    const recorded: string[] = [];
    const recording = {
      recorder: { append: async (_: unknown, { bytes }: { bytes: string }) => void recorded.push(bytes) },
      maskJson: (json: string) => json as Masked<string>,
      maskText: (text: string) => text as Masked<string>,
    };
    await takeTask(db.pool, callId, ben);
    await markOutcome(db.pool, callId, { ...ben, mark: 'did-not-happen', reason: 'No row.' });
    const log = { info: () => {}, warn: () => {} };
    const acts = startActs({ pool: db.pool, recording: recording as never, log });
    await acts.look();
    await acts.look();
    await acts.stop();
    const facts = recorded.map((json) => JSON.parse(json) as Record<string, unknown>);
    assert.deepEqual(
      facts.map(({ act, mark, reason }) => ({ act, mark, reason })),
      [
        { act: 'outcome-looked-into', mark: undefined, reason: undefined },
        { act: 'outcome-marked', mark: 'did-not-happen', reason: 'No row.' },
      ],
    );
    assert.deepEqual(facts[1]?.['person'], ben.person);
  }));
