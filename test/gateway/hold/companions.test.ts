import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { shownCall } from '../../../db/held-calls-shown.ts';
import type { HoldVerdict } from '../../../policy/verdict.ts';
import { policyOf } from '../../support/gateway.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';
import { canary, approvalOf, response } from './ends.ts';
import { recordedIn } from './recorded.ts';
import {
  type Replica,
  type RequestChange,
  startReplica,
  type TestApprovals,
  testApprovals,
} from './support.ts';
import { countedVote } from './votes.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const policyText = (offers: string, reads = 'pass'): string => `
default: deny
approvers: { dba: { people: [ann@example.com] } }
rules:
  - { name: reads, match: { connection: db, tool: [explain, row] }, then: ${reads} }
  - name: writes
    match: { connection: db, tool: query }
    then: hold
    approvers: [dba]
${offers}`;
const preview = `    preview: { tool: explain, args: { sql: call.args.sql, by: subject.id }, timeout: 300ms }`;
const precondition = `    precondition:
      tool: row
      args: { id: call.args.id }
      holds: result.json.version == before.json.version && !result.json.locked`;

interface Place {
  readonly one: Replica;
  readonly approvals: TestApprovals;
  /** What the upstream answers to each tool; a string is text content, null is silence. */
  readonly answers: Record<string, string | null>;
  ask(change?: RequestChange): { request: ReturnType<Replica['request']>; holding: Promise<void> };
}

async function place(text: string, work: (place: Place) => Promise<void>): Promise<void> {
  await db.pool.query('truncate held_calls cascade');
  const policy = policyOf(text, ['db']);
  const approvals = testApprovals(db.pool);
  const one = await startReplica(db, approvals, { policy });
  const rule = policy.rules.find(({ name }) => name === 'writes')?.ending as HoldVerdict;
  const answers: Record<string, string | null> = {
    query: 'done',
    explain: 'plan',
    row: '{"version":1,"locked":false}',
  };
  one.upstream.behave = async function* (json, idJson, onSent) {
    const { params } = JSON.parse(json) as { params: { name: string } };
    onSent();
    const text = answers[params.name];
    if (typeof text !== 'string') await new Promise(() => {});
    yield response(idJson, { content: [{ type: 'text', text }] });
  };
  const waiting: Promise<void>[] = [];
  const ask: Place['ask'] = (change = {}) => {
    const request = one.request({
      args: '{"sql":"delete from t","id":7}',
      ...change,
      verdict: { policyVersion: policy.version, offers: rule.offers },
    });
    const holding = one.hold.hold(request).catch(() => {});
    waiting.push(holding);
    return { request, holding };
  };
  try {
    await work({ one, approvals, answers, ask });
  } finally {
    await one.stop();
    await Promise.all(waiting);
  }
}

const named = (one: Replica): string[] =>
  one.upstream.received.map((json) => (JSON.parse(json) as { params: { name: string } }).params.name);

test('a preview is made when the call is held, with arguments that the rule makes, and shown masked', () =>
  place(policyText(preview), async ({ one, approvals, answers, ask }) => {
    answers['explain'] = `Seq Scan on t, 4200 rows, ${canary}`;
    ask({ args: `{"sql":"delete from t where a = 9007199254740993"}` });
    const { callId } = await approvals.next();
    const sent = JSON.parse(one.upstream.received[0] ?? '') as {
      params: { name: string; arguments: unknown };
    };
    assert.equal(sent.params.name, 'explain');
    assert.deepEqual(sent.params.arguments, {
      sql: 'delete from t where a = 9007199254740993',
      by: 'local-agent',
    });
    const context = (await shownCall(db.pool, callId))?.context;
    assert.deepEqual(context?.preview, {
      tool: 'explain',
      ok: true,
      text: 'Seq Scan on t, 4200 rows, [masked:canary]',
      leftOut: 0,
    });
  }));

test('what goes to a preview and what comes back is recorded masked', () =>
  place(policyText(preview), async ({ one, approvals, answers, ask }) => {
    answers['explain'] = `plan with ${canary}`;
    ask({ args: `{"sql":"select '${canary}'"}`, sessionId: 'previewed' });
    await approvals.next();
    assert.ok(one.upstream.received[0]?.includes(canary));
    const recorded = await recordedIn(db, one, 'previewed');
    assert.equal(recorded.filter((text) => text.includes('[masked:canary]')).length, 2, recorded.join('\n'));
    assert.ok(recorded.every((text) => !text.includes(canary)));
  }));

test('a preview that policy does not let pass, that is silent, or that fails is told of; the call is held all the same', async () => {
  const cases: [string, string, (answers: Place['answers']) => void, RegExp][] = [
    ['deny', preview, () => {}, /policy does not let explain pass \(rule reads\)/],
    ['pass', preview, (answers) => (answers['explain'] = null), /did not answer within 0.3 s/],
    [
      'pass',
      preview.replace('call.args.sql', 'call.args.nothing'),
      () => {},
      /argument sql could not be made/,
    ],
  ];
  for (const [reads, offer, change, expected] of cases)
    await place(policyText(offer, reads), async ({ approvals, answers, ask }) => {
      change(answers);
      ask();
      const { callId } = await approvals.next();
      const shown = (await shownCall(db.pool, callId))?.context?.preview;
      assert.equal(shown?.ok, false);
      assert.match(shown?.text ?? '', expected);
    });
});

test('a call whose precondition does not hold is refused at once: nobody is asked, and the agent is told why', () =>
  place(policyText(precondition), async ({ one, approvals, answers, ask }) => {
    answers['row'] = '{"version":1,"locked":true}';
    const { request, holding } = ask();
    const answer = await request.stream.response();
    await holding;
    assert.match(
      answer.result?.content[0]?.text ?? '',
      /^NOT_EXECUTED hp_\w+\. The call was not executed\. Nobody was asked: its precondition does not hold: result\.json\.version == before/,
    );
    assert.equal(approvalOf(answer.result)?.status, 'aborted');
    assert.deepEqual(named(one), ['row']);
    assert.deepEqual(approvals.opened, []);
  }));

test('an approved call is not sent when its precondition has ceased to hold meanwhile', () =>
  place(policyText(precondition), async ({ one, approvals, answers, ask }) => {
    const { request } = ask();
    const input = await approvals.next();
    answers['row'] = '{"version":2,"locked":false}';
    const result = await one.execute({ ...input, votes: [countedVote(input)] });
    assert.equal(result.execution, 'failed');
    assert.match(
      (await request.stream.response()).result?.content[0]?.text ?? '',
      /^NOT_EXECUTED .*It was not sent: its precondition does not hold.*Nothing ran/,
    );
    assert.deepEqual(named(one), ['row', 'row']);
  }));

test('an approved call is sent when its precondition still holds; what was compared with is destroyed', () =>
  place(policyText(precondition), async ({ one, approvals, ask }) => {
    const { request } = ask();
    const input = await approvals.next();
    assert.equal((await one.execute({ ...input, votes: [countedVote(input)] })).execution, 'succeeded');
    assert.equal((await request.stream.response()).result?.content[0]?.text, 'done');
    assert.deepEqual(named(one), ['row', 'row', 'query']);
    assert.equal((await db.pool.query('select from held_call_before')).rowCount, 0);
  }));

test('a precondition that cannot be checked any more stops the call: no answer, or another policy', async () => {
  await place(policyText(precondition), async ({ one, approvals, answers, ask }) => {
    ask();
    const input = await approvals.next();
    answers['row'] = 'no JSON';
    const result = await one.execute({ ...input, votes: [countedVote(input)] });
    assert.match(result.summary ?? '', /could not be checked: row: /);
    assert.deepEqual(named(one), ['row', 'row']);
  });
  await place(policyText(precondition), async ({ one, approvals, ask }) => {
    ask();
    const input = await approvals.next();
    Object.assign(one.deps, { policy: () => policyOf('default: deny\n', ['db']) });
    const result = await one.execute({ ...input, votes: [countedVote(input)] });
    assert.match(result.summary ?? '', /policy has changed what must hold/);
    assert.deepEqual(named(one), ['row']);
  });
  await place(policyText(precondition), async ({ one, approvals, ask }) => {
    ask();
    const input = await approvals.next();
    await db.pool.query('delete from held_call_before');
    const result = await one.execute({ ...input, votes: [countedVote(input)] });
    assert.match(result.summary ?? '', /no longer known/);
  });
});

test('an approver sees what changed since the last approved call, and how such calls were decided before', () =>
  place(policyText(''), async ({ one, approvals, ask }) => {
    ask({ args: '{"sql":"delete from t","limit":10,"tags":["a","b"]}' });
    const first = await approvals.next();
    await one.execute({ ...first, votes: [countedVote(first)] });
    ask({ idJson: '2', args: '{"sql":"delete from t","limit":500,"tags":["a"],"force":true}' });
    const second = await approvals.next(2);
    const context = (await shownCall(db.pool, second.callId))?.context;
    assert.equal(context?.previous?.callId, first.callId);
    assert.deepEqual(context?.previous?.changes, {
      more: 0,
      list: [
        { path: 'limit', before: '10', after: '500' },
        { path: 'tags[1]', before: '"b"', after: null },
        { path: 'force', before: null, after: 'true' },
      ],
    });
    assert.deepEqual(context?.history, { approved: 1, denied: 0, days: 30 });
    assert.equal(context?.resubmits, null);
  }));

test('a call that comes again after a denial is linked to it and shows what changed', () =>
  place(policyText(''), async ({ approvals, ask }) => {
    ask({ args: '{"limit":10000}' });
    const first = await approvals.next();
    const votes = [
      countedVote({ ...first, decision: 'deny', reason: 'Too many.', bounds: 'at most 100 rows' }),
    ];
    await db.pool.query(`update held_calls set state = 'denied', decisions = $1`, [JSON.stringify(votes)]);
    ask({ idJson: '2', args: '{"limit":100}' });
    const second = await approvals.next(2);
    const context = (await shownCall(db.pool, second.callId))?.context;
    assert.deepEqual(context?.resubmits, {
      callId: first.callId,
      by: 'Ann',
      reason: 'Too many.',
      bounds: 'at most 100 rows',
      changes: { list: [{ path: 'limit', before: '10000', after: '100' }], more: 0 },
    });
    assert.deepEqual(context?.history, { approved: 0, denied: 1, days: 30 });
  }));

test('a denial with bounds reaches the agent in words and in a form that it can act on', () =>
  place(policyText(''), async ({ approvals, ask }) => {
    const { request } = ask({ args: '{"limit":10000}' });
    const { callId, digest } = await approvals.next();
    const said = { reason: 'Too many.', bounds: 'at most 100 rows' };
    const votes = [countedVote({ callId, digest, decision: 'deny', ...said })];
    await db.pool.query(`update held_calls set state = 'denied', decisions = $1`, [JSON.stringify(votes)]);
    const { result } = await request.stream.response();
    assert.match(
      result?.content[0]?.text ?? '',
      /Ann denied it, saying "Too many\."\. .*Within these bounds it may be approved: "at most 100 rows"\. Call query with arguments that keep to them/,
    );
    const told = approvalOf(result) as { denial?: unknown } | undefined;
    assert.deepEqual(told?.denial, { by: 'Ann', ...said });
  }));
