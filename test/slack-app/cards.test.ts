import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { createCards } from '../../activities/cards.ts';
import { adoptCard, isBeingPosted, markPosted } from '../../db/cards.ts';
import type { Cards } from '../../activities/timekeeping.ts';
import { actionIds } from '../../slack-app/buttons.ts';
import { createUserLookup } from '../../slack-app/emails.ts';
import { workspaceOf } from '../../slack-app/workspace.ts';
import { createSlackClient } from '../../slack-app/web-client.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { type SlackStandIn, startSlack } from '../support/slack.ts';
import { consoleUrl, heldCall, quiet } from './scene.ts';

describe('the cards of a held call', () => {
  let db: TestDatabase;
  let slack: SlackStandIn;
  let cards: Cards;
  before(async () => {
    db = await testDatabase();
  });
  after(() => db?.[Symbol.asyncDispose]());
  beforeEach(async () => {
    slack = await startSlack();
    slack.addChannel({ id: 'C0DBA', name: 'dba' });
    const client = clientOf(slack);
    const userOf = createUserLookup({ db: db.pool, client, workspace: workspaceOf(client) });
    cards = createCards({ pool: db.pool, client, consoleUrl, userOf });
    await db.pool.query('delete from slack_cards');
  });
  afterEach(() => slack.stop());

  const clientOf = ({ botToken, apiUrl }: SlackStandIn) =>
    createSlackClient({ botToken, apiUrl, log: quiet });
  const fails = async (work: Promise<void>): Promise<ApplicationFailure> => {
    const error = await work.then(
      () => null,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ApplicationFailure, String(error));
    return error;
  };

  it('are posted once, however often they are announced, also at the same moment', async () => {
    const callId = await heldCall(db.pool);
    await cards.announce(callId);
    await cards.announce(callId);
    await Promise.allSettled([cards.announce(callId), cards.announce(callId), cards.announce(callId)]);
    assert.equal(slack.messages('C0DBA').length, 1);
    assert.equal(slack.messages('C0DBA')[0]?.updates, 0);
  });

  it('whose process died in the middle are taken over by the next one', async () => {
    const callId = await heldCall(db.pool);
    await db.pool.query(`insert into slack_cards (call_id, target) values ($1, 'C0DBA')`, [callId]);
    await db.pool.query(
      `insert into slack_card_leases select card_id, gen_random_uuid(), now() + interval '1 hour' from slack_cards`,
    );
    assert.equal((await fails(cards.announce(callId))).type, 'SlackBusy');
    await db.pool.query(`update slack_card_leases set good_until = now() - interval '1 second'`);
    await cards.announce(callId);
    assert.equal(slack.messages('C0DBA').length, 1);
    const { rows } = await db.pool.query('select * from slack_card_leases');
    assert.equal(rows.length, 0);
  });

  it('wait as long as Slack asks when it limits the rate, and then are posted once', async () => {
    const callId = await heldCall(db.pool);
    slack.rateLimit('chat.postMessage', 7);
    const failure = await fails(cards.announce(callId));
    assert.ok(Number(failure.nextRetryDelay) >= 7000, String(failure.nextRetryDelay));
    assert.equal(failure.nonRetryable, false);
    await cards.announce(callId);
    assert.equal(slack.messages('C0DBA').length, 1);
  });

  it('are posted once Slack is back', async () => {
    const callId = await heldCall(db.pool);
    for (const mode of ['refuse', 'http500'] as const) {
      slack.outage(mode);
      assert.equal((await fails(cards.announce(callId))).type, 'SlackUnreachable');
    }
    slack.outage('none');
    await cards.announce(callId);
    assert.equal(slack.messages('C0DBA').length, 1);
  });

  it('are found again after a post whose answer got lost, where the app may read the channel', async () => {
    slack.scopes.add('channels:history');
    const callId = await heldCall(db.pool);
    slack.outage('afterEffect', 'chat.postMessage');
    await fails(cards.announce(callId));
    slack.outage('none');
    await cards.announce(callId);
    assert.equal(slack.messages('C0DBA').length, 1);
    await db.pool.query(`update held_calls set state = 'cancelled' where call_id = $1`, [callId]);
    await cards.refresh(callId);
    assert.match(JSON.stringify(slack.messages('C0DBA')[0]?.blocks), /Cancelled/);
  });

  it('are posted again after a lost answer where the app may not read the channel', async () => {
    const callId = await heldCall(db.pool);
    slack.outage('afterEffect', 'chat.postMessage');
    await fails(cards.announce(callId));
    slack.outage('none');
    await cards.announce(callId);
    assert.equal(slack.messages('C0DBA').length, 2);
  });

  it('whose answer got lost are known again by a click on them, and not posted twice', async () => {
    const callId = await heldCall(db.pool);
    slack.outage('afterEffect', 'chat.postMessage');
    await fails(cards.announce(callId));
    slack.outage('none');
    const [message] = slack.messages('C0DBA');
    assert.ok(message);
    const at = { callId, channel: 'C0DBA', ts: message.ts, user: 'U1' };
    assert.equal(await isBeingPosted(db.pool, at), true);
    await adoptCard(db.pool, at);
    await cards.announce(callId);
    assert.equal(slack.messages('C0DBA').length, 1);
    assert.equal(slack.messages('C0DBA')[0]?.updates, 1);
  });

  it('that a click made known just before Slack answered are one and the same', async () => {
    const callId = await heldCall(db.pool);
    await cards.announce(callId);
    const { rows } = await db.pool.query('select card_id as id, ts from slack_cards where call_id = $1', [
      callId,
    ]);
    const [{ id, ts }] = rows;
    await db.pool.query(
      'update slack_cards set ts = null, channel = null, attempted_at = null where card_id = $1',
      [id],
    );
    await adoptCard(db.pool, { callId, channel: 'C0DBA', ts, user: 'U1' });
    await markPosted(db.pool, id, { channel: 'C0DBA', ts, whole: true, shown: 'x' });
    const after = await db.pool.query('select card_id as id, whole from slack_cards where call_id = $1', [
      callId,
    ]);
    assert.deepEqual(after.rows, [{ id, whole: true }]);
  });

  it('change everywhere when the call moves on, and only when they change', async () => {
    slack.addChannel({ id: 'C0LEADS', name: 'leads' });
    const callId = await heldCall(db.pool);
    await db.pool.query(
      `update held_calls set approvers = approvers || '[{"name":"leads","slackChannel":"C0LEADS","slackUserGroup":null,"people":[],"groups":[]}]' where call_id = $1`,
      [callId],
    );
    await cards.announce(callId);
    await db.pool.query(`update held_calls set state = 'expired' where call_id = $1`, [callId]);
    await cards.refresh(callId);
    await cards.refresh(callId);
    for (const channel of ['C0DBA', 'C0LEADS']) {
      const [message, ...others] = slack.messages(channel);
      assert.equal(others.length, 0);
      assert.equal(message?.updates, 1);
      assert.doesNotMatch(JSON.stringify(message?.blocks), new RegExp(actionIds.approve));
    }
  });

  it('say which channel the app cannot post to, and are posted to the others', async () => {
    slack.addChannel({ id: 'C0PRIVATE', name: 'private', isMember: false });
    const callId = await heldCall(db.pool, { channel: 'C0PRIVATE' });
    await db.pool.query(
      `update held_calls set approvers = approvers || '[{"name":"dba2","slackChannel":"C0DBA","slackUserGroup":null,"people":[],"groups":[]}]' where call_id = $1`,
      [callId],
    );
    const failure = await fails(cards.announce(callId));
    assert.match(failure.message, /not_in_channel.*invite the app/);
    assert.equal(failure.nonRetryable, false);
    assert.equal(slack.messages('C0DBA').length, 1);
    const { rows } = await db.pool.query('select last_error from slack_cards where target = $1', [
      'C0PRIVATE',
    ]);
    assert.equal(rows[0].last_error, 'not_in_channel');
  });

  it('are not posted any more for a call that has ended', async () => {
    const callId = await heldCall(db.pool);
    await db.pool.query(`update held_calls set state = 'cancelled' where call_id = $1`, [callId]);
    await cards.announce(callId);
    assert.equal(slack.messages('C0DBA').length, 0);
  });

  it('that were deleted in Slack are let go', async () => {
    const callId = await heldCall(db.pool);
    await cards.announce(callId);
    const [message] = slack.messages('C0DBA');
    assert.ok(message);
    slack.deleteMessage(message);
    await db.pool.query(`update held_calls set state = 'expired' where call_id = $1`, [callId]);
    await cards.refresh(callId);
    await cards.refresh(callId);
    assert.equal(slack.messages('C0DBA').length, 0);
  });

  it('that Slack refuses as too long are shown without arguments and cannot approve', async () => {
    const callId = await heldCall(db.pool, { args: JSON.stringify({ text: 'x'.repeat(8000) }) });
    slack.refuseOnce('chat.postMessage', 'msg_blocks_too_long');
    await cards.announce(callId);
    const [message] = slack.messages('C0DBA');
    assert.match(JSON.stringify(message?.blocks), /Slack refused the card as too long/);
    assert.doesNotMatch(JSON.stringify(message?.blocks), new RegExp(actionIds.approve));
    const { rows } = await db.pool.query('select whole from slack_cards where call_id = $1', [callId]);
    assert.deepEqual(rows, [{ whole: false }]);
  });

  it('go to the people of a group without a channel, and to nobody twice', async () => {
    const alice = slack.addUser({ name: 'Alice', email: 'alice@example.com' });
    const bob = slack.addUser({ name: 'Bob' });
    const people = [
      'alice@example.com',
      `slack:${slack.teamId}/${bob}`,
      'nobody@example.com',
      `slack:${slack.teamId}/${alice}`,
    ];
    const callId = await heldCall(db.pool, { channel: null, people });
    await cards.announce(callId);
    await cards.announce(callId);
    for (const user of [alice, bob]) {
      const [message, ...others] = slack.messages(`D${user}`);
      assert.equal(others.length, 0);
      assert.match(JSON.stringify(message?.blocks), new RegExp(actionIds.approve));
    }
  });

  it('show the requester how it stands, without buttons', async () => {
    const carol = slack.addUser({ name: 'Carol', email: 'carol@example.com' });
    const caller = { key: 'oidc:https://idp.example#carol', email: 'carol@example.com' };
    const callId = await heldCall(db.pool, { caller });
    await cards.announce(callId);
    assert.equal(slack.messages('C0DBA').length, 1);
    const shown = () => JSON.stringify(slack.messages(`D${carol}`).map(({ blocks }) => blocks));
    assert.match(shown(), /waiting for approval/);
    assert.doesNotMatch(shown(), /"actions"/);
    await db.pool.query(`update held_calls set state = 'expired' where call_id = $1`, [callId]);
    await cards.refresh(callId);
    assert.match(shown(), /Expired/);
    // An update notifies nobody: how it ended is said as well, once.
    await cards.refresh(callId);
    const said = slack.messages(`D${carol}`).filter(({ text }) => text.includes('Expired'));
    assert.equal(said.length, 2, 'the card itself, and one message');
    assert.equal(slack.messages('C0DBA').length, 1, 'approvers are not told by a message');
  });

  it('reach the channel also while Slack does not tell who the requester is', async () => {
    const callId = await heldCall(db.pool, { caller: { key: 'oidc:x#d', email: 'dora@example.com' } });
    slack.rateLimit('users.lookupByEmail', 9);
    assert.equal((await fails(cards.announce(callId))).type, 'SlackRateLimited');
    assert.equal(slack.messages('C0DBA').length, 1);
  });

  it('call for someone to look, once, when the outcome is unknown', async () => {
    const callId = await heldCall(db.pool);
    await cards.announce(callId);
    await db.pool.query(`update held_calls set state = 'executing' where call_id = $1`, [callId]);
    await cards.refresh(callId);
    await db.pool.query(`update held_calls set state = 'unknown' where call_id = $1`, [callId]);
    await cards.refresh(callId);
    await cards.refresh(callId);
    const [card, alert, ...others] = slack.messages('C0DBA');
    assert.equal(others.length, 0);
    assert.equal(alert?.threadTs, card?.ts);
    assert.match(alert?.text ?? '', /unknown.*check upstream/);
  });

  it('never tell Slack the bot token in a body, nor unfurl a link', async () => {
    const callId = await heldCall(db.pool);
    await cards.announce(callId);
    assert.equal(slack.transcript.join('\n').includes(slack.botToken), false);
    assert.match(slack.transcript.join('\n'), /unfurl_links=false&unfurl_media=false/);
  });
});
