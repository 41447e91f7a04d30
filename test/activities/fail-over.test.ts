import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCards } from '../../activities/cards.ts';
import { startSlackWatch } from '../../activities/slack-watch.ts';
import { startStopWatch } from '../../activities/stop-watch.ts';
import type { Cards } from '../../activities/timekeeping.ts';
import { freeze, lift } from '../../db/kill-switch.ts';
import { slackReach } from '../../db/slack-reach.ts';
import { actionIds } from '../../slack-app/buttons.ts';
import { createUserLookup } from '../../slack-app/emails.ts';
import { createSlackClient } from '../../slack-app/web-client.ts';
import { workspaceOf } from '../../slack-app/workspace.ts';
import { consoleUrl, heldCall, quiet } from '../slack-app/scene.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { type SlackStandIn, startSlack } from '../support/slack.ts';

describe('while the approvers cannot be reached in Slack', () => {
  let db: TestDatabase;
  let slack: SlackStandIn;
  let cards: Cards;
  const client = () => createSlackClient({ botToken: slack.botToken, apiUrl: slack.apiUrl, log: quiet });
  before(async () => {
    db = await testDatabase();
  });
  beforeEach(async () => {
    await slack?.stop();
    slack = await startSlack();
    slack.addChannel({ id: 'C0DBA', name: 'dba', isMember: false });
    slack.addChannel({ id: 'C0SPARE', name: 'spare' });
    const userOf = createUserLookup({ db: db.pool, client: client(), workspace: workspaceOf(client()) });
    cards = createCards({ pool: db.pool, client: client(), consoleUrl, userOf });
    await db.pool.query('truncate clock_stops, held_calls cascade');
    await db.pool.query('update slack_reach set ok_at = null, failed_at = null, failure = null');
  });
  after(async () => {
    await slack?.stop();
    await db?.[Symbol.asyncDispose]();
  });

  /** A call whose channel Slack refuses, as its announcement leaves it. */
  async function refused(group: object, options: Parameters<typeof heldCall>[1] = {}): Promise<string> {
    const callId = await heldCall(db.pool, options);
    await db.pool.query(
      `update held_calls set approvers = jsonb_build_array(approvers -> 0 || $2::jsonb) where call_id = $1`,
      [callId, JSON.stringify(group)],
    );
    await assert.rejects(cards.announce(callId), /not_in_channel/);
    return callId;
  }
  const approves = (channel: string): number =>
    slack.messages(channel).filter(({ blocks }) => JSON.stringify(blocks).includes(actionIds.approve)).length;

  it('a channel that Slack refuses is failed over to its fallback channel, once, with everything to decide', async () => {
    const callId = await refused({ fallbackChannel: 'C0SPARE' });
    assert.equal(await cards.failOver(callId), true);
    assert.equal(await cards.failOver(callId), true);
    assert.equal(approves('C0SPARE'), 1);
    await db.pool.query(`update held_calls set state = 'denied' where call_id = $1`, [callId]);
    await cards.refresh(callId);
    assert.match(JSON.stringify(slack.messages('C0SPARE')[0]?.blocks), /Denied/);
  });

  it('without a fallback channel the people of the group are written to, one by one', async () => {
    const ann = slack.addUser({ name: 'Ann', email: 'ann@example.com' });
    const callId = await refused({}, { people: ['ann@example.com', 'nobody@example.com'] });
    assert.equal(await cards.failOver(callId), true);
    assert.equal(approves(`D${ann}`), 1);
  });

  it('similar calls share the card where they are failed over to, as they would have in their own channel', async () => {
    const group = { fallbackChannel: 'C0SPARE' };
    const first = await refused(group, { session: 's1' });
    const second = await refused(group, { session: 's1' });
    await cards.failOver(first);
    await cards.failOver(second);
    assert.equal(slack.messages('C0SPARE').length, 1);
    assert.match(JSON.stringify(slack.messages('C0SPARE')[0]?.blocks), /Approve all 2/);
  });

  it('Slack that refuses every place has reached nobody; one that is away is no reason to write elsewhere', async () => {
    slack.addChannel({ id: 'C0SPARE', name: 'spare', isMember: false });
    const callId = await refused({ fallbackChannel: 'C0SPARE' });
    assert.equal(await cards.failOver(callId), false);
    slack.addChannel({ id: 'C0SPARE', name: 'spare' });
    await db.pool.query(`insert into clock_stops (kind) values ('slack')`);
    assert.equal(await cards.failOver(callId), false);
    assert.equal(slack.messages('C0SPARE').length, 0);
  });

  it('an outage begins with the first failure once it has lasted, stops the clocks that policy freezes, and ends with an answer', async () => {
    const frozen = await heldCall(db.pool);
    const running = await heldCall(db.pool);
    await db.pool.query(`update held_calls set on_slack_outage = 'freeze' where call_id = $1`, [frozen]);
    const stopped = async (callId: string): Promise<boolean> =>
      (await db.pool.query('select clock_stopped_at as at from held_calls where call_id = $1', [callId]))
        .rows[0].at !== null;
    const said: string[] = [];
    const log = {
      warn: (_: object, text: string) => said.push(text),
      info: (_: object, text: string) => said.push(text),
    };
    const watch = startSlackWatch({
      pool: db.pool,
      client: client(),
      log,
      everyMs: 3_600_000,
      awayAfterMs: 60,
    });
    try {
      await watch.look();
      slack.outage('http500', 'auth.test');
      await watch.look();
      assert.equal((await slackReach(db.pool)).awaySince, null, 'one failure is no outage');
      await sleep(80);
      await watch.look();
      const { awaySince, failure } = await slackReach(db.pool);
      assert.ok(
        awaySince !== null && Date.now() - awaySince.getTime() >= 70,
        'it began with the first failure',
      );
      assert.match(failure ?? '', /500/);
      assert.deepEqual([await stopped(frozen), await stopped(running)], [true, false]);
      await watch.look();
      slack.outage('none');
      await watch.look();
      assert.equal((await slackReach(db.pool)).awaySince, null);
      assert.equal(await stopped(frozen), false);
      assert.deepEqual(
        said.map((text) => text.slice(0, 24)),
        ['Slack cannot be reached:', 'Slack answers again'],
      );
    } finally {
      watch.stop();
    }
  });

  it('a limit on the rate is an answer, and a token that Slack refuses is as good as no Slack', async () => {
    const log = { warn: () => {}, info: () => {} };
    const watch = startSlackWatch({
      pool: db.pool,
      client: client(),
      log,
      everyMs: 3_600_000,
      awayAfterMs: 0,
    });
    try {
      slack.rateLimit('auth.test', 1);
      await watch.look();
      assert.equal((await slackReach(db.pool)).awaySince, null);
      slack.refuseOnce('auth.test', 'invalid_auth');
      await watch.look();
      const { awaySince, failure } = await slackReach(db.pool);
      assert.ok(awaySince);
      assert.match(failure ?? '', /refused the bot token: invalid_auth/);
    } finally {
      watch.stop();
    }
  });

  it('each turn of the kill switch is recorded, none twice by one worker, and waiting requests are told of it', async () => {
    const callId = await heldCall(db.pool);
    const acts: string[] = [];
    const told: string[] = [];
    let failing = true;
    const watch = startStopWatch({
      pool: db.pool,
      recordAct: async (act, { name = '' }) => {
        if (failing) throw new Error('the recording is away');
        acts.push(`${act} ${name}`.trim());
      },
      clockChanged: async (workflowId) => void told.push(workflowId),
      log: { warn: () => {} },
      everyMs: 3_600_000,
    });
    const person = (name: string) => ({ keys: [`oidc:x#${name}`], name });
    const asks = (name: string) => lift(db.pool, { person: person(name), via: 'slack', peopleNeeded: 2 });
    try {
      failing = false;
      await watch.look();
      await freeze(db.pool, { person: person('ann'), via: 'slack', because: 'drill' });
      failing = true;
      await assert.rejects(watch.look(), /the recording is away/);
      failing = false;
      await watch.look();
      await watch.look();
      assert.deepEqual(acts, ['kill-switch.on ann']);
      assert.deepEqual(told, [callId], 'once for each change');
      const { rows } = await db.pool.query('select call_id as id from slack_refreshes');
      assert.deepEqual(rows, [{ id: callId }]);
      await asks('ann');
      await asks('bob');
      await watch.look();
      await watch.look();
      assert.deepEqual(acts, [
        'kill-switch.on ann',
        'kill-switch.lift ann',
        'kill-switch.lift bob',
        'kill-switch.off',
      ]);
      assert.deepEqual(told, [callId, callId]);
    } finally {
      watch.stop();
    }
  });
});
