import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { remind } from '../../slack-app/reminders.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { heldCall, quiet, scene } from './scene.ts';

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
  const age = async (callId: string, minutes: number): Promise<void> => {
    await db.pool.query(
      `update held_calls set created_at = now() - $2 * interval '1 minute' where call_id = $1`,
      [callId, minutes],
    );
  };
  const reminders = () => stage.slack.messages('C0DBA').filter(({ threadTs }) => threadTs !== null);
  const deps = () => ({ db: db.pool, client: stage.client, log: quiet });

  it('comes once, in the card’s thread, when half of the time is over, and mentions the user group', async () => {
    const callId = await heldCall(db.pool, { userGroup: 'S0DBA' });
    await stage.cards.announce(callId);
    await age(callId, 20);
    await remind(deps());
    assert.equal(reminders().length, 0, 'not in the first half');
    await age(callId, 40);
    stage.slack.rateLimit('chat.postMessage', 1);
    await remind(deps());
    assert.equal(reminders().length, 0);
    await Promise.all([remind(deps()), remind(deps()), remind(deps())]);
    await remind(deps());
    const [reminder, ...others] = reminders();
    assert.equal(others.length, 0);
    assert.match(reminder?.text ?? '', /^<!subteam\^S0DBA> .*still waits.*expires <!date/);
    assert.equal(reminder?.threadTs, stage.slack.messages('C0DBA')[0]?.ts);
  });

  it('does not come for what was decided, nor for what lives only for a moment', async () => {
    const before = reminders().length;
    const decided = await heldCall(db.pool);
    const short = await heldCall(db.pool);
    for (const callId of [decided, short]) await stage.cards.announce(callId);
    await age(decided, 40);
    await db.pool.query(`update held_calls set state = 'denied' where call_id = $1`, [decided]);
    await db.pool.query(
      `update held_calls set created_at = now() - interval '30 seconds', expires_at = now() + interval '5 seconds'
       where call_id = $1`,
      [short],
    );
    await remind(deps());
    assert.equal(reminders().length, before);
  });
});
