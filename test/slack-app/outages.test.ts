import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { actionIds } from '../../slack-app/buttons.ts';
import { startSlackApp } from '../../slack-app/app.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { startSlack } from '../support/slack.ts';
import { until } from '../support/until.ts';
import { heldCall, scene, settingsFor } from './scene.ts';

let db: TestDatabase;
before(async () => {
  db = await testDatabase();
});
after(() => db?.[Symbol.asyncDispose]());

type Stage = Awaited<ReturnType<typeof scene>>;

async function announced(stage: Stage, user: string) {
  const callId = await heldCall(db.pool, { people: [`slack:${stage.slack.teamId}/${user}`] });
  await stage.cards.announce(callId);
  const card = stage.slack.messages('C0DBA').at(-1);
  assert.ok(card);
  return { callId, card };
}

const stateOf = async (callId: string): Promise<string | undefined> =>
  (await db.pool.query('select state from slack_decisions where call_id = $1', [callId])).rows[0]?.state;

describe('a click is not lost', () => {
  it('when the workflow service is away: the person is told, and it counts once it is back', async () => {
    await using stage = await scene(db.pool);
    const user = stage.slack.addUser({ name: 'Alice' });
    const { callId, card } = await announced(stage, user);
    stage.workflow.setAway(true);
    assert.equal((await stage.slack.click(user, card, actionIds.approve)).acknowledged, true);
    assert.match((await stage.slack.waitForEphemeral(user)).text, /stored.*does not count yet/);
    assert.equal(await stateOf(callId), 'received');
    stage.workflow.setAway(false);
    await until('the click counts', async () => (await stateOf(callId)) === 'counted');
  });

  it('when the process that took it dies: another one goes on with it', async () => {
    await using stage = await scene(db.pool);
    const user = stage.slack.addUser({ name: 'Alice' });
    const { callId } = await announced(stage, user);
    await db.pool.query(
      `insert into slack_decisions (update_id, call_id, team, slack_user, decision, reason)
       values ($1, $2, $3, $4, 'deny', 'not now')`,
      [`slack:${callId}:${user}:1.1`, callId, stage.slack.teamId, user],
    );
    await until('the click counts', async () => (await stateOf(callId)) === 'counted');
    const { rows } = await db.pool.query('select state from held_calls where call_id = $1', [callId]);
    assert.equal(rows[0].state, 'denied');
  });

  it('when the database is away it is not acknowledged, so that Slack tells the person', async () => {
    const own = await testDatabase();
    const stage = await scene(own.pool);
    const user = stage.slack.addUser({ name: 'Alice' });
    const callId = await heldCall(own.pool, { people: [`slack:${stage.slack.teamId}/${user}`] });
    await stage.cards.announce(callId);
    const card = stage.slack.messages('C0DBA').at(-1);
    assert.ok(card);
    await own[Symbol.asyncDispose]();
    const delivery = await stage.slack.click(user, card, actionIds.approve);
    assert.equal(delivery.acknowledged, false);
    await stage[Symbol.asyncDispose]();
  });
});

it('someone who cannot be told in the channel is told in a direct message', async () => {
  await using stage = await scene(db.pool);
  const user = stage.slack.addUser({ name: 'Eve' });
  const callId = await heldCall(db.pool);
  await stage.cards.announce(callId);
  const card = stage.slack.messages('C0DBA').at(-1);
  assert.ok(card);
  stage.slack.refuseOnce('chat.postEphemeral', 'user_not_in_channel');
  await stage.slack.click(user, card, actionIds.approve);
  assert.match((await stage.slack.waitForMessage(`D${user}`)).text, /Only members of dba/);
});

describe('Socket Mode', () => {
  it('keeps two connections open, and replaces those that Slack closes', async () => {
    await using stage = await scene(db.pool);
    await until('the sockets', () => stage.slack.sockets === 2);
    stage.slack.disconnectSockets('refresh_requested');
    await until('the sockets', () => stage.slack.socketsOpened === 4 && stage.slack.sockets === 2);
    const user = stage.slack.addUser({ name: 'Alice' });
    const { callId, card } = await announced(stage, user);
    await stage.slack.click(user, card, actionIds.approve);
    await until('the click counts', async () => (await stateOf(callId)) === 'counted');
  });

  it('comes back after an outage of Slack, and starts during one', async () => {
    await using stage = await scene(db.pool);
    await stage.app.stop();
    stage.slack.outage('refuse');
    const app = await startSlackApp(stage.deps);
    stage.slack.outage('none');
    await until('the sockets', () => stage.slack.sockets === 2);
    await app.stop();
    await until('the sockets', () => stage.slack.sockets === 0);
  });

  it('says which token Slack refuses', async () => {
    await using stage = await scene(db.pool);
    const settings = settingsFor(stage.slack, 'socket');
    await assert.rejects(
      startSlackApp({ ...stage.deps, settings: { ...settings, appToken: 'xapp-wrong' } }),
      /slack\.appToken \(invalid_auth\).*connections:write/,
    );
  });

  it('is not needed for HTTP, and without either way in the app does not start', async () => {
    await using stage = await scene(db.pool);
    const settings = { ...settingsFor(stage.slack, 'socket'), appToken: null };
    await assert.rejects(startSlackApp({ ...stage.deps, settings }), /appToken.*signingSecret/);
  });
});

describe('HTTP mode', () => {
  it('takes nothing that is not signed by Slack over its exact bytes, lately', async () => {
    await using stage = await scene(db.pool, 'http');
    const user = stage.slack.addUser({ name: 'Mallory' });
    const { callId } = await announced(stage, user);
    const body = new URLSearchParams({ payload: JSON.stringify({ type: 'block_actions' }) }).toString();
    const nowSec = Math.floor(Date.now() / 1000);
    const sign = (secret: string, sec: number, over = body): Record<string, string> => ({
      'x-slack-request-timestamp': String(sec),
      'x-slack-signature': `v0=${createHmac('sha256', secret).update(`v0:${sec}:${over}`).digest('hex')}`,
    });
    const secret = stage.slack.signingSecret;
    const forged: Record<string, string>[] = [
      {},
      sign('wrong', nowSec),
      sign(secret, nowSec, `${body}&x=1`),
      sign(secret, nowSec - 600),
      sign(secret, nowSec + 600),
      { ...sign(secret, nowSec), 'x-slack-request-timestamp': String(nowSec + 1) },
      { 'x-slack-request-timestamp': 'NaN', 'x-slack-signature': 'v0=' },
      { 'x-slack-signature': sign(secret, nowSec)['x-slack-signature'] ?? '' },
    ];
    for (const headers of forged) {
      const response = await fetch(stage.app.url ?? '', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      });
      assert.equal(response.status, 401, JSON.stringify(headers));
    }
    assert.equal(await stateOf(callId), undefined);
  });

  it('answers Slack’s check of the address', async () => {
    await using stage = await scene(db.pool, 'http');
    const delivery = await stage.slack.deliver('events_api', { type: 'url_verification', challenge: 'abc' });
    assert.deepEqual(delivery.response, { challenge: 'abc' });
  });
});

it('the stand-in itself refuses what Slack would refuse', async () => {
  await using slack = await startSlack();
  slack.addChannel({ id: 'C1', name: 'one' });
  const call = async (method: string, args: Record<string, string>, token = slack.botToken) => {
    const response = await fetch(`${slack.apiUrl}${method}`, {
      method: 'POST',
      body: new URLSearchParams(args),
      headers: { authorization: `Bearer ${token}` },
    });
    return ((await response.json()) as { error?: string }).error;
  };
  const tooMany = JSON.stringify(Array.from({ length: 51 }, () => ({ type: 'divider' })));
  const long = JSON.stringify([{ type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } }]);
  const heavy = JSON.stringify(
    Array.from({ length: 5 }, () => ({ type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(2900) } })),
  );
  assert.equal(await call('chat.postMessage', { channel: 'C1', blocks: tooMany }), 'invalid_blocks');
  assert.equal(await call('chat.postMessage', { channel: 'C1', blocks: long }), 'invalid_blocks');
  assert.equal(await call('chat.postMessage', { channel: 'C1', blocks: heavy }), 'msg_blocks_too_long');
  assert.equal(await call('chat.postMessage', { channel: 'C2', text: 'x' }), 'channel_not_found');
  assert.equal(await call('chat.postMessage', { channel: 'C1', text: 'x' }, 'xoxb-wrong'), 'invalid_auth');
  assert.equal(await call('conversations.history', { channel: 'C1' }), 'missing_scope');
  assert.equal(await call('views.open', { trigger_id: 'none', view: '{}' }), 'invalid_trigger_id');
  assert.equal(await call('files.upload', {}), 'unknown_method');
});
