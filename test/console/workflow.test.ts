import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { run } from '../../cli/commands/approvals.ts';
import type { EmbeddedTemporal } from '../../cli/embedded/temporal.ts';
import { commandApi } from '../support/command-api.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startTestTemporal } from '../support/temporal.ts';
import { ann, bob, type Workplace, workplace } from '../workflows/support.ts';
import { fieldsOf, signedIn, type TestConsole, testConsole } from './support.ts';

let db: TestDatabase;
let temporal: EmbeddedTemporal;
let place: Workplace;
let console: TestConsole;

before(async () => {
  [db, temporal] = await Promise.all([testDatabase(), startTestTemporal()]);
  place = await workplace(temporal.address, db);
  await place.startWorker();
  await place.startExecutor();
  console = await testConsole(db.pool, { approvals: place.approvals });
});
after(async () => {
  await console.running.stop();
  await place.close();
  await temporal.stop();
  await db[Symbol.asyncDispose]();
});

test('a request approved in the console runs once, and its page then tells how it ended', async () => {
  const call = await place.hold();
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${call.callId}`)).text());
  const approve = () => person.post(`/approvals/${call.callId}`, { ...fields, decision: 'approve' });
  const answers = await Promise.all([approve(), approve(), approve()]);
  assert.ok(answers.some((answer) => answer.status === 200));
  assert.equal(await place.until(call, 'succeeded'), 'succeeded');
  assert.deepEqual(
    place.sent.filter((id) => id === call.callId),
    [call.callId],
  );
  const page = await (await person.get(`/approvals/${call.callId}`)).text();
  assert.match(page, /Approved, sent once, and the server answered/);
  assert.match(page, /<strong>local-approver<\/strong> approved in the console/);
});

test('a request denied in the console is never sent, and the reason is kept', async () => {
  const call = await place.hold();
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${call.callId}`)).text());
  const answer = await person.post(`/approvals/${call.callId}`, {
    ...fields,
    decision: 'deny',
    reason: 'Use the migration.',
  });
  assert.match(await answer.text(), /Your decision counted.*The call is denied/s);
  assert.equal(await place.until(call, 'denied'), 'denied');
  assert.ok(!place.sent.includes(call.callId));
  assert.match(await (await person.get(`/approvals/${call.callId}`)).text(), /Use the migration\./);
});

test('who comes second is told by the workflow who decided, also when the page is old', async () => {
  const call = await place.hold();
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${call.callId}`)).text());
  await place.vote(call, ann, 'deny', { reason: 'no' });
  const soon = await person.post(`/approvals/${call.callId}`, { ...fields, decision: 'approve' });
  assert.equal(soon.status, 409);
  assert.match(await soon.text(), /did not count.*Ann/s);
  await place.until(call, 'denied');
  const late = await person.post(`/approvals/${call.callId}`, { ...fields, decision: 'approve' });
  assert.equal(late.status, 409);
  assert.match(await late.text(), /did not count.*Ann/s);
});

test('of two approvals that are needed, the console gives one and says that it waits for the other', async () => {
  const call = await place.hold({ approvalsNeeded: 2 });
  const person = await signedIn(console.address);
  const fields = fieldsOf(await (await person.get(`/approvals/${call.callId}`)).text());
  const answer = await person.post(`/approvals/${call.callId}`, { ...fields, decision: 'approve' });
  assert.match(await answer.text(), /Your decision counted.*It still waits for one more approval/s);
  assert.equal((await place.vote(call, bob)).kind, 'counted');
  await place.until(call, 'succeeded');
});

test('at the command line: approve, deny and cancel do the same through the workflow', async () => {
  const [approved, denied, cancelled] = [await place.hold(), await place.hold(), await place.hold()];
  const text: string[] = [];
  const line = (...argv: string[]) =>
    run(argv, {
      api: commandApi(db.pool, { approvals: place.approvals }),
      out: (line) => void text.push(line),
      err: (line) => void text.push(line),
    });
  assert.equal(await line('approve', approved.callId), 0, text.join(''));
  assert.equal(await line('deny', denied.callId, '--reason', 'no'), 0, text.join(''));
  assert.equal(await line('cancel', cancelled.callId), 0, text.join(''));
  assert.equal(await place.until(approved, 'succeeded'), 'succeeded');
  assert.equal(await place.until(denied, 'denied'), 'denied');
  assert.equal(await line('approve', denied.callId), 1);
  assert.match(text.at(-1) ?? '', /local-approver/);
});
