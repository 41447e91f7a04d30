import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { linkKeys, pinEmail, rememberGroups } from '../../db/people.ts';
import { actionIds } from '../../slack-app/buttons.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { heldCall, scene } from './scene.ts';

describe('who may decide in Slack', () => {
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

  /** Announces a call, lets `user` click Approve, and tells what became of it. */
  async function approves(
    user: string,
    options: Parameters<typeof heldCall>[1],
    teamId?: string,
  ): Promise<string> {
    const callId = await heldCall(db.pool, options);
    await stage.cards.announce(callId);
    const card = await stage.slack.waitForMessage('C0DBA', (message) =>
      JSON.stringify(message.metadata).includes(`"${callId}"`),
    );
    await stage.slack.click(user, card, actionIds.approve, teamId === undefined ? {} : { teamId });
    return outcome(callId);
  }
  /** The same in another channel. */
  async function approvesIn(
    channel: string,
    user: string,
    options: Parameters<typeof heldCall>[1],
  ): Promise<string> {
    const callId = await heldCall(db.pool, options);
    await stage.cards.announce(callId);
    const card = await stage.slack.waitForMessage(channel, (message) =>
      JSON.stringify(message.metadata).includes(`"${callId}"`),
    );
    await stage.slack.click(user, card, actionIds.approve);
    return outcome(callId);
  }
  async function outcome(callId: string): Promise<string> {
    for (;;) {
      const { rows } = await db.pool.query(
        `select outcome_code as code from slack_decisions where call_id = $1 and state <> 'received'`,
        [callId],
      );
      if (rows.length > 0) return rows[0].code as string;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  const slackPerson = (user: string): string => `slack:${stage.slack.teamId}/${user}`;

  it('whoever is in the Slack user group now, and not who has left it', async () => {
    const user = stage.slack.addUser({ name: 'Gwen' });
    const userGroup = stage.slack.addUserGroup({ handle: 'dba', users: [user] });
    assert.equal(await approves(user, { userGroup }), 'Counted');
    const other = stage.slack.addUserGroup({ handle: 'dba-old', users: [] });
    assert.equal(await approves(user, { userGroup: other }), 'NotAnApprover');
  });

  it('not those in the channel who belong to no approver group', async () => {
    assert.equal(await approves(stage.slack.addUser({ name: 'Eve' }), {}), 'NotAnApprover');
  });

  it('those in the channel now, where policy says that its members may, page by page', async () => {
    const [first, second, last, gone] = ['A', 'B', 'Hal', 'Ida'].map((name) => stage.slack.addUser({ name }));
    const channel = stage.slack.addChannel({ name: 'ops', members: [first, second, last].map(String) });
    const options = { channel, channelMembers: true, people: [] };
    assert.equal(await approvesIn(channel, String(last), options), 'Counted');
    assert.equal(await approvesIn(channel, String(gone), options), 'NotAnApprover');
    assert.equal(
      await approvesIn(channel, String(last), { ...options, channelMembers: false }),
      'NotAnApprover',
    );
  });

  it('not the requester, whether known by a linked identity or by the same confirmed e-mail', async () => {
    const linked = stage.slack.addUser({ name: 'Carol' });
    const key = 'oidc:https://idp.example#carol';
    await linkKeys(db.pool, { key: slackPerson(linked), to: key, by: 'test' });
    const named = { people: [slackPerson(linked)] };
    assert.equal(await approves(linked, { ...named, caller: { key, email: null } }), 'SelfApproval');

    const mailed = stage.slack.addUser({ name: 'Dan', email: 'dan@example.com' });
    const caller = { key: 'oidc:https://idp.example#dan', email: 'Dan@example.com' };
    assert.equal(await approves(mailed, { people: [slackPerson(mailed)], caller }), 'SelfApproval');
  });

  it('not a member of another workspace, even one whom the policy names', async () => {
    const stranger = stage.slack.addUser({ name: 'Stranger', email: 's@other.example', teamId: 'T0OTHER' });
    const people = [`slack:T0OTHER/${stranger}`, 's@other.example'];
    assert.equal(await approves(stranger, { people }), 'ForeignWorkspace');
    assert.match((await stage.slack.waitForEphemeral(stranger)).text, /another Slack workspace/);
    const inside = stage.slack.addUser({ name: 'Inside' });
    assert.equal(await approves(inside, { people: [slackPerson(inside)] }, 'T0OTHER'), 'ForeignWorkspace');
  });

  it('not by the modal that somebody of the workspace opened, nor by the card of another request', async () => {
    const [insider, stranger] = [
      stage.slack.addUser({ name: 'Insider' }),
      stage.slack.addUser({ name: 'Outsider', teamId: 'T0OTHER' }),
    ];
    const people = [slackPerson(insider), `slack:T0OTHER/${stranger}`];
    const ids = [1, 2, 3].map(() => heldCall(db.pool, { people }));
    const [first = '', second = '', third = ''] = await Promise.all(ids);
    const cardFor = async (callId: string) => {
      await stage.cards.announce(callId);
      return stage.slack.waitForMessage('C0DBA', (message) =>
        JSON.stringify(message.metadata).includes(`"${callId}"`),
      );
    };
    const card = await cardFor(first);
    const other = await cardFor(second);
    await cardFor(third);
    await stage.slack.click(insider, card, actionIds.deny);
    const modal = await stage.slack.waitForModal(insider);
    await stage.slack.submit(stranger, modal, { [actionIds.reason]: 'mine to deny' });
    assert.equal(await outcome(first), 'ForeignWorkspace');
    // Where its card stands, there is another request's.
    await db.pool.query('delete from slack_cards where call_id = $1', [second]);
    await db.pool.query('update slack_cards set ts = $2 where call_id = $1', [third, other.ts]);
    await stage.slack.click(insider, other, actionIds.approve);
    assert.equal(await outcome(second), 'StaleCard');
    assert.ok(!stage.workflow.requests.some(({ callId }) => callId === first || callId === second));
  });

  it('not a deactivated account, nor a bot', async () => {
    const gone = stage.slack.addUser({ name: 'Gone', deleted: true });
    assert.equal(await approves(gone, { people: [slackPerson(gone)] }), 'BarredPerson');
    const bot = stage.slack.addUser({ name: 'Bot', bot: true });
    assert.equal(await approves(bot, { people: [slackPerson(bot)] }), 'BarredPerson');
  });

  it('not the new holder of an e-mail that was resolved before', async () => {
    const before = stage.slack.addUser({ name: 'Old Alice' });
    await pinEmail(db.pool, {
      realm: `slack:${stage.slack.teamId}`,
      email: 'alice@example.com',
      key: slackPerson(before),
    });
    const now = stage.slack.addUser({ name: 'New Alice', email: 'alice@example.com' });
    assert.equal(await approves(now, { people: ['alice@example.com'] }), 'NotAnApprover');
    assert.equal(await approves(before, { people: ['alice@example.com'] }), 'Counted');
  });

  it('nobody whose membership Slack does not tell: nothing is decided, and they are told', async () => {
    const user = stage.slack.addUser({ name: 'Uma' });
    assert.equal(await approves(user, { userGroup: 'S0MISSING' }), 'MembershipUnknown');
    assert.match((await stage.slack.waitForEphemeral(user)).text, /could not find out/);
    assert.equal(
      stage.workflow.requests.some(({ person }) => person.name === 'Uma'),
      false,
    );
  });

  it('members of a directory group, but only with a linked identity that was vouched for lately', async () => {
    const user = stage.slack.addUser({ name: 'Olga' });
    const key = 'oidc:https://idp.example#olga';
    assert.equal(await approves(user, { groups: ['dba'] }), 'NotAnApprover');
    await rememberGroups(db.pool, { key, groups: ['dba', 'staff'], seenAt: new Date() });
    assert.equal(await approves(user, { groups: ['dba'] }), 'NotAnApprover');
    await linkKeys(db.pool, { key: slackPerson(user), to: key, by: 'test' });
    assert.equal(await approves(user, { groups: ['dba'] }), 'Counted');
    await db.pool.query(`update people_groups set seen_at = now() - interval '9 hours' where key = $1`, [
      key,
    ]);
    assert.equal(await approves(user, { groups: ['dba'] }), 'NotAnApprover');
  });

  it('whoever may not is told so before they have written a reason for a denial', async () => {
    const user = stage.slack.addUser({ name: 'Nora' });
    await stage.cards.announce(await heldCall(db.pool));
    const card = stage.slack.messages('C0DBA').at(-1);
    assert.ok(card);
    await stage.slack.click(user, card, actionIds.deny);
    for (const end = Date.now() + 5000; ; await new Promise((resolve) => setTimeout(resolve, 10))) {
      const modal = JSON.stringify((await stage.slack.waitForModal(user)).view);
      if (/Only members of dba/.test(modal)) break;
      assert.ok(Date.now() < end, modal);
    }
  });

  it('nobody from a card that does not show everything', async () => {
    const user = stage.slack.addUser({ name: 'Wanda' });
    const callId = await heldCall(db.pool, { people: [slackPerson(user)] });
    await stage.cards.announce(callId);
    await db.pool.query('update slack_cards set whole = false where call_id = $1', [callId]);
    const card = stage.slack.messages('C0DBA').at(-1);
    assert.ok(card);
    await stage.slack.click(user, card, actionIds.approve);
    assert.equal(await outcome(callId), 'NotShownWhole');
  });

  it('also who clicks before Slack’s answer to the post has reached us', async () => {
    const user = stage.slack.addUser({ name: 'Quick' });
    const callId = await heldCall(db.pool, { people: [slackPerson(user)] });
    await stage.cards.announce(callId);
    const card = stage.slack.messages('C0DBA').at(-1);
    assert.ok(card);
    const { rows } = await db.pool.query('select ts, whole from slack_cards where call_id = $1', [callId]);
    await db.pool.query(
      'update slack_cards set ts = null, channel = null, whole = false where call_id = $1',
      [callId],
    );
    await stage.slack.click(user, card, actionIds.approve);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await db.pool.query(`update slack_cards set ts = $2, channel = 'C0DBA', whole = $3 where call_id = $1`, [
      callId,
      rows[0].ts,
      rows[0].whole,
    ]);
    assert.equal(await outcome(callId), 'Counted');
  });

  it('nobody from a copy that was posted without our knowing, until it has been renewed', async () => {
    const user = stage.slack.addUser({ name: 'Xena' });
    const callId = await heldCall(db.pool, { people: [slackPerson(user)] });
    await stage.cards.announce(callId);
    await db.pool.query('delete from slack_cards where call_id = $1', [callId]);
    const card = stage.slack.messages('C0DBA').at(-1);
    assert.ok(card);
    // It cannot be renewed at first.
    stage.slack.rateLimit('chat.update', 1);
    await stage.slack.click(user, card, actionIds.approve);
    assert.equal(await outcome(callId), 'StaleCard');
    await stage.slack.click(user, card, actionIds.approve);
    await stage.slack.waitForMessage('C0DBA', (message) => message.ts === card.ts && message.updates === 1);
    const { rows } = await db.pool.query('select whole from slack_cards where call_id = $1', [callId]);
    assert.deepEqual(rows, [{ whole: true }]);
  });
});
