import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { run } from '../../cli/commands/approvals.ts';
import { identityFromClaims, type LookIntoSlack, placed } from '../../console/identity.ts';
import { linkKeys } from '../../db/people.ts';
import { createSlackStanding } from '../../slack-app/standing-elsewhere.ts';
import { createSlackClient } from '../../slack-app/web-client.ts';
import { workspaceOf } from '../../slack-app/workspace.ts';
import { quiet } from '../slack-app/scene.ts';
import { commandApi } from '../support/command-api.ts';
import { type TestProvider, testProvider } from '../support/oidc-provider.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { type SlackStandIn, startSlack } from '../support/slack.ts';
import { decideInDatabase, fieldsOf, holdCall, testConsole, visitor } from './support.ts';

describe('an approver by a Slack user group, outside Slack', () => {
  let db: TestDatabase;
  let slack: SlackStandIn;
  let provider: TestProvider;
  let group: string;
  let user: string;
  before(async () => {
    db = await testDatabase();
    slack = await startSlack();
    provider = await testProvider();
    provider.user = { sub: 'u-dana', name: 'Dana' };
    user = slack.addUser({ name: 'Dana' });
    group = slack.addUserGroup({ handle: 'dba', users: [user] });
  });
  after(async () => {
    await provider?.[Symbol.asyncDispose]();
    await slack?.stop();
    await db?.[Symbol.asyncDispose]();
  });

  const key = () => `oidc:${provider.issuer}#u-dana`;
  const account = () => `slack:${slack.teamId}/${user}`;
  const link = () => linkKeys(db.pool, { key: account(), to: key(), by: 'test' });
  /** Asks anew: nothing that was answered before is known to it. */
  function look(): LookIntoSlack {
    const client = createSlackClient({ botToken: slack.botToken, apiUrl: slack.apiUrl, log: quiet });
    return createSlackStanding({ db: db.pool, client, workspace: workspaceOf(client) });
  }
  const held = () => holdCall(db.pool, { people: [], groups: [], slackUserGroup: group });
  /** Signs in and tries to approve. */
  async function approves(callId: string, lookIntoSlack: LookIntoSlack | null) {
    const { issuer, clientId, clientSecret } = provider;
    await using console = await testConsole(db.pool, {
      login: { mode: 'oidc', issuer, clientId, clientSecret },
      lookIntoSlack,
    });
    const person = visitor(console.address);
    const start = await person.get('/login/start?to=/');
    const asked = await fetch(start.headers.get('location') ?? '', { redirect: 'manual' });
    const back = new URL(asked.headers.get('location') ?? '');
    await person.get(back.pathname + back.search);
    const page = await person.get(`/approvals/${callId}`);
    const text = await page.text();
    if (page.status !== 200) return { status: page.status, text, acts: console.acts };
    const answer = await person.post(`/approvals/${callId}`, { ...fieldsOf(text), decision: 'approve' });
    return { status: answer.status, text: await answer.text(), acts: console.acts };
  }

  it('decides nothing before the account is linked, and is told how', async () => {
    const { status, text } = await approves(await held(), look());
    assert.equal(status, 404);
    assert.match(text, /link your account first: \/holdpoint link/);
  });

  it('decides in the console once it is, as one person with the Slack account', async () => {
    await link();
    const { status, acts } = await approves(await held(), look());
    assert.equal(status, 200);
    assert.deepEqual(acts[0]?.groups, ['dba']);
    assert.ok(acts[0]?.person.keys.includes(account()) && acts[0].person.keys.includes(key()));
  });

  it('decides nothing where no Slack token is configured', async () => {
    await link();
    assert.equal((await approves(await held(), null)).status, 404);
  });

  it('decides nothing while Slack does not say, or counts as away, nor once out of the group or deactivated', async () => {
    await link();
    const callId = await held();
    slack.outage('http500', 'usergroups.users.list');
    const failing = await approves(callId, look());
    assert.equal(failing.status, 404);
    assert.match(failing.text, /Slack did not say just now/);
    slack.outage('none');
    await db.pool.query(`insert into clock_stops (kind) values ('slack')`);
    assert.equal((await approves(callId, look())).status, 404);
    await db.pool.query(`update clock_stops set ended_at = now() where kind = 'slack'`);
    slack.setUserGroup(group, []);
    assert.equal((await approves(callId, look())).status, 404);
    slack.setUserGroup(group, [user]);
    const gone = slack.addUser({ name: 'Gone', deleted: true });
    slack.setUserGroup(group, [gone]);
    await linkKeys(db.pool, { key: `slack:${slack.teamId}/${gone}`, to: key(), by: 'test' });
    assert.equal((await approves(callId, look())).status, 404, 'a deactivated account belongs nowhere');
    slack.setUserGroup(group, [user]);
    assert.equal((await approves(callId, look())).status, 200);
  });

  it('who leaves the group between looking and deciding does not decide', async () => {
    await link();
    const callId = await held();
    let places = [group];
    const slackSays: LookIntoSlack = async () => ({ keys: [account()], places, unknown: [] });
    const leaving: LookIntoSlack = async (keys) => {
      const answer = await slackSays(keys);
      // The page has been shown by now.
      if (seen++ >= 1) places = [];
      return answer;
    };
    let seen = 0;
    const { status, acts } = await approves(callId, leaving);
    assert.notEqual(status, 200);
    assert.equal(acts.length, 0);
  });

  it('decides at the command line, and is told there when nobody can be asked', async () => {
    await link();
    const identity = identityFromClaims(provider.issuer, { sub: 'u-dana', name: 'Dana' }, 'groups');
    const said: string[] = [];
    const approve = async (callId: string, lookIntoSlack: LookIntoSlack | null): Promise<number> =>
      run(['approve', callId], {
        api: commandApi(db.pool, {
          approvals: decideInDatabase(db.pool, []),
          identity: async () => placed(identity, lookIntoSlack),
        }),
        out: (text) => void said.push(text),
        err: (text) => void said.push(text),
      });
    const callId = await held();
    assert.equal(await approve(callId, null), 1);
    assert.match(said.join(''), /no approval request of this id that you may see/);
    assert.equal(await approve(callId, look()), 0, said.join(''));
  });
});
