import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pool } from '../../db/pool.ts';
import { testDatabase } from '../support/postgres.ts';
import { fieldsOf, holdCall, signedIn, testConsole } from './support.ts';
import { plainStatus } from '../support/plain-hold.ts';

test('approving sends one vote that is bound to what was shown, and the page tells what the workflow answered', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const id = await holdCall(db.pool);
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /Your decision counted.*The call is approved/s);
  const [act, ...rest] = console.acts;
  assert.equal(rest.length, 0);
  assert.deepEqual(
    { ...act, workflowId: '', updateId: '' },
    {
      callId: id,
      workflowId: '',
      updateId: '',
      digest: fields.digest,
      person: { keys: ['local:approver'], name: 'local-approver' },
      decision: 'approve',
      reason: null,
      groups: ['dba'],
      via: 'console',
    },
  );
});

test('a second approver is told who decided and when', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const id = await holdCall(db.pool);
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  await db.pool.query(`update held_calls set state = 'denied', decisions = $2 where call_id = $1`, [
    id,
    JSON.stringify([
      {
        jws: 'x',
        person: { keys: ['slack:T/U'], name: 'Berta' },
        decision: 'deny',
        reason: 'no',
        via: 'slack',
        atMs: 1_700_000_000_000,
      },
    ]),
  ]);
  const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  assert.equal(answer.status, 409);
  const page = await answer.text();
  assert.match(page, /did not count.*Berta has decided at 2023-11-14T22:13:20/s);
  assert.doesNotMatch(page, /value="approve"/);
});

test('denying without a reason decides nothing', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const id = await holdCall(db.pool);
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'deny', reason: '  ' });
  assert.equal(answer.status, 422);
  assert.match(await answer.text(), /Nothing was decided.*Say why/s);
  assert.equal(console.acts.length, 0);
});

test('a critical call is approved only by who types the name of its tool', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const id = await holdCall(db.pool, { risk: 'critical', tool: 'drop_table' });
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  for (const tool of ['', 'drop_tables', 'DROP_TABLE'])
    assert.equal(
      (await person.post(`/approvals/${id}`, { ...fields, decision: 'approve', tool })).status,
      422,
    );
  assert.equal(console.acts.length, 0);
  assert.equal(
    (await person.post(`/approvals/${id}`, { ...fields, decision: 'approve', tool: 'drop_table' })).status,
    200,
  );
});

test('a form made for other content decides nothing', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const id = await holdCall(db.pool);
  const other = await holdCall(db.pool);
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${other}`)).text());
  const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  assert.equal(answer.status, 409);
  assert.equal(console.acts.length, 0);
});

test('where the workflow gives no answer, the page does not say that the decision counted', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool, {
    approvals: {
      extend: async () => ({ kind: 'ended' }),
      cancel: async () => {},
      decide: async () => {
        throw new Error('14 UNAVAILABLE');
      },
    },
  });
  const id = await holdCall(db.pool);
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  assert.equal(answer.status, 503);
  const page = await answer.text();
  assert.match(page, /There was no answer/);
  assert.doesNotMatch(page, /UNAVAILABLE|decision counted\./);
});

test('whoever asked for a call cannot decide on it, and whoever voted cannot vote again', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const own = await holdCall(db.pool, { callerKey: 'local:approver' });
  const voted = await holdCall(db.pool, { approvalsNeeded: 2 });
  const person = await signedIn(console.address);
  const page = await (await person.get(`/approvals/${own}`)).text();
  assert.match(page, /somebody else must decide/);
  const fields = fieldsOf(await (await person.get(`/approvals/${voted}`)).text());
  assert.equal(
    (
      await person.post(`/approvals/${own}`, {
        ...fields,
        digest: await digestOf(db.pool, own),
        decision: 'approve',
      })
    ).status,
    403,
  );
  const first = await person.post(`/approvals/${voted}`, { ...fields, decision: 'approve' });
  assert.match(await first.text(), /It still waits for 1 more approvals/);
  const second = await person.post(`/approvals/${voted}`, { ...fields, decision: 'approve' });
  assert.equal(second.status, 403);
  assert.equal(console.acts.length, 1);
});

test('the list shows the soonest expiry first, and an empty list says so', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const person = await signedIn(console.address);
  assert.match(await (await person.get('/')).text(), /Nothing waits for a decision/);
  await holdCall(db.pool, { tool: 'later', seconds: 3000 });
  await holdCall(db.pool, { tool: 'sooner', seconds: 60 });
  await holdCall(db.pool, { tool: 'too_late', seconds: -5 });
  const page = await (await person.get('/')).text();
  assert.ok(page.indexOf('sooner') < page.indexOf('later'));
  assert.ok(
    page.indexOf('later') < page.indexOf('too_late'),
    'what has run out of time is not among the waiting',
  );
  const denied = await (await person.get('/?state=denied')).text();
  assert.match(denied, /No request matches this filter/);
});

async function digestOf(pool: Pool, id: string): Promise<string> {
  return (
    (await pool.query<{ digest: string }>('select digest from held_calls where call_id = $1', [id])).rows[0]
      ?.digest ?? ''
  );
}

test('a request that was decided, but whose row is a moment behind, takes no further decision', async () => {
  await using db = await testDatabase();
  const id = await holdCall(db.pool);
  const vote = {
    jws: 'x',
    person: { keys: ['local:approver'], name: 'local-approver' },
    decision: 'approve',
    reason: null,
    via: 'console',
    atMs: Date.now(),
  } as const;
  await using console = await testConsole(db.pool, {
    approvals: {
      extend: async () => ({ kind: 'ended' }),
      cancel: async () => {},
      decide: async () => ({
        kind: 'counted',
        status: {
          outcome: 'approved',
          votes: [vote],
          approvalsNeeded: 1,
          expiresAtMs: Date.now(),
          ...plainStatus,
        },
      }),
    },
  });
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${id}`)).text());
  const answer = await person.post(`/approvals/${id}`, { ...fields, decision: 'approve' });
  const page = await answer.text();
  assert.match(page, /Your decision counted/);
  assert.doesNotMatch(page, /value="approve"|Nobody has decided/);
});
