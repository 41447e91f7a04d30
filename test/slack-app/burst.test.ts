import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { actionIds } from '../../slack-app/buttons.ts';
import { startSlackApp } from '../../slack-app/app.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { heldCall, scene } from './scene.ts';

describe('many at once', () => {
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

  /** Tries as Temporal would, without the waiting. */
  async function untilDone(work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || error.nonRetryable === true || attempt > 2000)
          throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
  }

  it('forty calls in one channel, with rate limits and outages in between, get one card each', async () => {
    const calls = await Promise.all(Array.from({ length: 40 }, () => heldCall(db.pool)));
    let rounds = 0;
    const trouble = setInterval(() => {
      rounds += 1;
      if (rounds > 15) return;
      stage.slack.rateLimit('chat.postMessage', 1, 3);
      stage.slack.outage('http500', 'chat.postMessage');
      setTimeout(() => stage.slack.outage('none'), 10);
    }, 30);
    try {
      // Each announced by two workers, as after a time-out of the first.
      await Promise.all(
        calls.flatMap((callId) => [
          untilDone(() => stage.cards.announce(callId)),
          untilDone(() => stage.cards.announce(callId)),
        ]),
      );
    } finally {
      clearInterval(trouble);
      await new Promise((resolve) => setTimeout(resolve, 20));
      stage.slack.outage('none');
    }
    const ids = stage.slack
      .messages('C0DBA')
      .map(({ metadata }) => (metadata as { event_payload: { call_id: string } }).event_payload.call_id);
    assert.deepEqual(ids.toSorted(), calls.toSorted());
    assert.ok(rounds > 1, 'there was trouble');
  });

  it('two Slack apps and a click delivered to both are one vote', async () => {
    const second = await startSlackApp(stage.deps);
    try {
      const user = stage.slack.addUser({ name: 'Alice' });
      const calls = await Promise.all(
        Array.from({ length: 10 }, () =>
          heldCall(db.pool, { people: [`slack:${stage.slack.teamId}/${user}`], needed: 2 }),
        ),
      );
      for (const callId of calls) await untilDone(() => stage.cards.announce(callId));
      const cards = stage.slack
        .messages('C0DBA')
        .filter(({ metadata }) => calls.some((callId) => JSON.stringify(metadata).includes(`"${callId}"`)));
      assert.equal(cards.length, 10);
      await Promise.all(cards.map((card) => stage.slack.click(user, card, actionIds.approve, { times: 4 })));
      for (;;) {
        const { rows } = await db.pool.query(
          `select count(*)::int as open from slack_decisions where state = 'received'`,
        );
        if (rows[0].open === 0) break;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const { rows } = await db.pool.query(
        'select jsonb_array_length(decisions) as votes from held_calls where call_id = any($1)',
        [calls],
      );
      assert.deepEqual(
        rows.map(({ votes }) => votes),
        calls.map(() => 1),
      );
      // Who clicked is told a moment after the decision is settled.
      await until('who clicked is told ten times', () => stage.slack.ephemerals(user).length >= 10);
      assert.equal(stage.slack.ephemerals(user).length, 10);
    } finally {
      await second.stop();
    }
  });
});
