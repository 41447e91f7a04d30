import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { shownCall } from '../../db/held-calls-shown.ts';
import { readBackDone } from '../../db/unknown-tasks.ts';
import { actionIds } from '../../slack-app/buttons.ts';
import { refreshDue } from '../../slack-app/refreshing.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { heldCall, quiet, scene } from './scene.ts';

let db: TestDatabase;
let stage: Awaited<ReturnType<typeof scene>>;
let alice: string;
before(async () => {
  db = await testDatabase();
  stage = await scene(db.pool);
  alice = stage.slack.addUser({ name: 'Alice', email: 'alice@example.com' });
});
after(async () => {
  await stage?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

async function unknownCall() {
  const callId = await heldCall(db.pool, { people: ['alice@example.com'] });
  await stage.cards.announce(callId);
  await db.pool.query(`update held_calls set state = 'executing', exec_token = 't' where call_id = $1`, [
    callId,
  ]);
  await db.pool.query(`update held_calls set state = 'unknown' where call_id = $1`, [callId]);
  await refresh();
  const ours = (message: { metadata: unknown }) => JSON.stringify(message.metadata).includes(`"${callId}"`);
  const card = await stage.slack.waitForMessage('C0DBA', ours);
  const text = () => JSON.stringify(stage.slack.messages('C0DBA').find(ours)?.blocks);
  return { callId, card, text };
}
const refresh = () => refreshDue({ db: db.pool, refreshCards: stage.cards.refresh, log: quiet });

it('a call of which nobody knows asks on its card what became of it; an approver says, with a reason, once', async () => {
  const { callId, card, text } = await unknownCall();
  assert.match(text(), /Somebody has to find out what became of it/);
  await stage.slack.click(alice, card, actionIds.take);
  await stage.slack.waitForEphemeral(alice, (said) => /you look into it/.test(said));
  await readBackDone(db.pool, callId, { tool: 'row', ok: true, text: 'row 7 <!channel>', leftOut: 0 });
  await refresh();
  assert.match(text(), /Alice looks into it\..*Read-back by row.*row 7 <!channel>/);

  await stage.slack.click(alice, card, actionIds.happened);
  const modal = await stage.slack.waitForModal(alice);
  const empty = await stage.slack.submit(alice, modal, { [actionIds.markReason]: ' ' });
  assert.match(JSON.stringify(empty.response), /how you know/);
  await stage.slack.submit(alice, modal, { [actionIds.markReason]: 'Row 7 is there, hunter2.' }, 2);
  const task = (await shownCall(db.pool, callId))?.task;
  assert.deepEqual(
    [task?.mark, task?.reason, task?.markedBy],
    ['happened', 'Row 7 is there, [masked:secret].', 'Alice'],
  );
  await refresh();
  assert.match(text(), /It took effect, although its answer was lost/);
  assert.ok(!text().includes(actionIds.happened), 'the buttons are gone');
});

it('who may not decide on the call cannot say what became of it', async () => {
  const { callId, card } = await unknownCall();
  const mallory = stage.slack.addUser({ name: 'Mallory', email: 'mallory@example.com' });
  await stage.slack.click(mallory, card, actionIds.didNotHappen);
  const modal = await stage.slack.waitForModal(mallory);
  await stage.slack.submit(mallory, modal, { [actionIds.markReason]: 'Trust me.' });
  await stage.slack.waitForEphemeral(mallory, (said) => /Only those who may decide/.test(said));
  assert.equal((await shownCall(db.pool, callId))?.task?.mark, null);
});
