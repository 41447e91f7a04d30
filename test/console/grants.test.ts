import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { insertGrant, shownGrant } from '../../db/grants.ts';
import { shownCall } from '../../db/held-calls-shown.ts';
import { runGrants, runOutcomes } from '../../cli/commands/grants.ts';
import { localApprover } from '../../console/identity.ts';
import type { Masked } from '../../masking/masked.ts';
import { commandApi } from '../support/command-api.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { fieldsOf, holdCall, signedIn, testConsole } from './support.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(async () => {
  await db[Symbol.asyncDispose]();
});

const offer = { calls: 20, forMs: 1_800_000, scope: 'session', where: ['call.args.env == "staging"'] };

async function granted(): Promise<string> {
  const callId = await holdCall(db.pool);
  await insertGrant(db.pool, {
    grantId: `gr-${callId}`,
    callId,
    callerKey: 'local:agent',
    connection: 'db',
    tool: 'query',
    rule: 'writes',
    policyVersion: 'sha256:aa',
    definitionHash: 'sha256:bb',
    bound: {},
    votes: [{ person: { keys: ['k'], name: '<b>Ann</b>' } }],
    terms: { calls: 3, untilMs: Date.now() + 600_000, sessionId: null, where: offer.where },
    args: { kekId: 'k', wrapped: randomBytes(8), sealed: randomBytes(8) },
  });
  return `gr-${callId}`;
}

async function unknown(): Promise<string> {
  const callId = await holdCall(db.pool);
  await db.pool.query(`update held_calls set state = 'executing', exec_token = 't' where call_id = $1`, [
    callId,
  ]);
  await db.pool.query(`update held_calls set state = 'unknown' where call_id = $1`, [callId]);
  return callId;
}

function commandLine() {
  const said: string[] = [];
  const maskText = (text: string) => text.replace('hunter2', '[masked:secret]') as Masked<string>;
  const run = (command: typeof runGrants, argv: readonly string[], identity = async () => localApprover()) =>
    command(argv, {
      api: commandApi(db.pool, { maskText, identity }),
      out: (text) => void said.push(text),
      err: (text) => void said.push(text),
    });
  return { said, run };
}

test('the console approves further calls within what policy offers, and nothing wider', async () => {
  await using console = await testConsole(db.pool);
  const callId = await holdCall(db.pool);
  await db.pool.query('update held_calls set grant_offer = $2 where call_id = $1', [
    callId,
    JSON.stringify(offer),
  ]);
  const person = await signedIn(console.address);
  const page = await (await person.get(`/approvals/${callId}`)).text();
  assert.match(page, /And allow further calls like it.*call\.args\.env == &quot;staging&quot;/s);
  const fields = { ...fieldsOf(page), decision: 'approve' };
  for (const wrong of [
    { calls: '21', minutes: '5' },
    { calls: '5', minutes: '31' },
    { calls: '1.5', minutes: '5' },
    { calls: '5', minutes: '-1' },
  ])
    assert.equal((await person.post(`/approvals/${callId}`, { ...fields, ...wrong })).status, 422);
  assert.equal(console.acts.length, 0);
  const answer = await person.post(`/approvals/${callId}`, { ...fields, calls: '5', minutes: '10' });
  assert.equal(answer.status, 200);
  const { untilMs = 0, ...terms } = console.acts[0]?.grant ?? {};
  assert.deepEqual(terms, { calls: 5, sessionId: `session-of-${callId}`, where: offer.where });
  assert.ok(untilMs <= Date.now() + 600_000);
});

test('a denial in the console may name bounds', async () => {
  await using console = await testConsole(db.pool);
  const callId = await holdCall(db.pool);
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${callId}`)).text());
  const said = { decision: 'deny', reason: 'Too many.', bounds: 'at most 100 rows' };
  assert.equal((await person.post(`/approvals/${callId}`, { ...fields, ...said })).status, 200);
  assert.equal(console.acts[0]?.bounds, 'at most 100 rows');
});

test('grants are listed, names as text, and revoked with one button', async () => {
  await using console = await testConsole(db.pool);
  const grantId = await granted();
  const person = await signedIn(console.address);
  const page = await (await person.get('/grants')).text();
  assert.match(page, /0 of 3 further calls used/);
  assert.match(page, /&lt;b&gt;Ann/);
  const { csrf } = fieldsOf(page);
  assert.equal(
    (await person.post(`/grants/${grantId}/revoke`, { csrf: 'wrong', back: '/grants' })).status,
    403,
  );
  assert.equal((await shownGrant(db.pool, grantId))?.open, true);
  const answer = await person.post(`/grants/${grantId}/revoke`, { csrf, back: 'https://evil.example/' });
  assert.equal(answer.status, 303);
  assert.equal(answer.headers.get('location'), '/');
  assert.equal((await shownGrant(db.pool, grantId))?.revokedBy?.via, 'console');
});

test('somebody writes down in the console what became of a call, once', async () => {
  await using console = await testConsole(db.pool);
  const callId = await unknown();
  const person = await signedIn(console.address);
  const page = await (await person.get(`/approvals/${callId}`)).text();
  assert.match(page, /What became of it\?.*Nobody looks into it yet/s);
  const list = async () => (await person.get('/')).text();
  assert.match(
    await list(),
    new RegExp(`Nobody knows what became of.*/approvals/${callId}.*nobody looks into it yet`, 's'),
  );
  const { csrf } = fieldsOf(page);
  const post = (form: Record<string, string>) =>
    person.post(`/approvals/${callId}/outcome`, { csrf, ...form });
  assert.equal((await post({ act: 'happened', reason: ' ' })).status, 422);
  assert.equal((await post({ act: 'take' })).status, 303);
  assert.equal((await post({ act: 'did-not-happen', reason: 'No row.' })).status, 303);
  await post({ act: 'happened', reason: 'Second thoughts.' });
  const { task } = (await shownCall(db.pool, callId)) ?? {};
  assert.deepEqual(
    [task?.takenBy, task?.mark, task?.reason],
    ['local-approver', 'did-not-happen', 'No row.'],
  );
  assert.match(await (await person.get(`/approvals/${callId}`)).text(), /It did not happen\..*No row\./s);
  assert.doesNotMatch(await list(), /Nobody knows what became of/);
});

test('the list asks nobody who may not say what became of a call', async () => {
  await using console = await testConsole(db.pool);
  const callId = await unknown();
  // Whoever asked may see the call, and decides nothing about it.
  await db.pool.query(
    `update held_calls set caller = caller || '{"key":"local:approver"}' where call_id = $1`,
    [callId],
  );
  const person = await signedIn(console.address);
  const page = await (await person.get('/')).text();
  assert.ok(page.includes(`/approvals/${callId}`));
  assert.doesNotMatch(page, /Nobody knows what became of/);
});

test('the command line lists and revokes grants, and marks outcomes, with the reason masked', async () => {
  await db.pool.query('truncate held_calls cascade');
  const grantId = await granted();
  const { said, run } = commandLine();
  assert.equal(await run(runGrants, ['list']), 0);
  assert.match(said.join(''), new RegExp(`${grantId}  query on db .*0 of 3 used`));
  assert.equal(await run(runGrants, ['revoke', grantId]), 0);
  assert.equal(await run(runGrants, ['revoke', grantId]), 1);
  assert.equal(await run(runGrants, ['revoke']), 2);
  const callId = await unknown();
  assert.equal(await run(runOutcomes, []), 0);
  assert.match(said.join(''), new RegExp(`${callId}  .*nobody looks`));
  assert.equal(await run(runOutcomes, ['mark', callId, 'perhaps', '--reason', 'x']), 2);
  assert.equal(await run(runOutcomes, ['mark', callId, 'happened', '--reason', 'seen, hunter2']), 0);
  assert.equal((await shownCall(db.pool, callId))?.task?.reason, 'seen, [masked:secret]');
  const nobody = async () => Promise.reject(new Error('no credential'));
  assert.equal(await run(runGrants, ['revoke', await granted()], nobody), 1);
});
