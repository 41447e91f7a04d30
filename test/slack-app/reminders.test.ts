import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { heldCall, scene } from './scene.ts';

describe('a reminder', () => {
  let db: TestDatabase;
  let stage: Awaited<ReturnType<typeof scene>>;
  before(async () => {
    db = await testDatabase();
    stage = await scene(db.pool);
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await db?.[Symbol.asyncDispose]();
  });
  const reminders = () => stage.slack.messages('C0DBA').filter(({ threadTs }) => threadTs !== null);

  it('comes once, in the card’s thread, and mentions the user group, however often it is asked for', async () => {
    const callId = await heldCall(db.pool, { userGroup: 'S0DBA' });
    await stage.cards.announce(callId);
    stage.slack.rateLimit('chat.postMessage', 1);
    await assert.rejects(stage.cards.remind(callId, 0), /wait/);
    assert.equal(reminders().length, 0);
    await stage.cards.remind(callId, 0);
    await stage.cards.remind(callId, 0);
    const [reminder, ...others] = reminders();
    assert.equal(others.length, 0);
    assert.match(reminder?.text ?? '', /^<!subteam\^S0DBA> .*still waits.*expires <!date/);
    assert.equal(reminder?.threadTs, stage.slack.messages('C0DBA')[0]?.ts);
    await stage.cards.remind(callId, 1);
    assert.equal(reminders().length, 2, 'the second reminder is another one');
  });

  it('does not come for what was decided', async () => {
    const before = reminders().length;
    const decided = await heldCall(db.pool);
    await stage.cards.announce(decided);
    await db.pool.query(`update held_calls set state = 'denied' where call_id = $1`, [decided]);
    await stage.cards.remind(decided, 0);
    assert.equal(reminders().length, before);
  });
});
