import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { freezeInForce, keepSwitchPeople } from '../../db/kill-switch.ts';
import { linkCodeOwner, linkKeys, useLinkCode } from '../../db/people.ts';
import { revokedAmong } from '../../db/revocations.ts';
import { actionIds } from '../../slack-app/buttons.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { heldCall, scene } from './scene.ts';

describe('the App Home and /holdpoint', () => {
  let db: TestDatabase;
  let stage: Awaited<ReturnType<typeof scene>>;
  let olga: string;
  before(async () => {
    db = await testDatabase();
    stage = await scene(db.pool);
    olga = stage.slack.addUser({ name: 'Olga', email: 'olga@example.com' });
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await db?.[Symbol.asyncDispose]();
  });
  const person = (user: string): string => `slack:${stage.slack.teamId}/${user}`;
  const said = async (user: string, text: string): Promise<string> => {
    const { acknowledged, response } = await stage.slack.command(user, text);
    assert.equal(acknowledged, true);
    return JSON.stringify(response);
  };

  it('list what waits for this person, and nothing that is not theirs to decide', async () => {
    const alice = stage.slack.addUser({ name: 'Alice' });
    const mine = await heldCall(db.pool, { people: [person(alice)], tool: 'drop_index' });
    const theirs = await heldCall(db.pool, { people: ['bob@example.com'], tool: 'secret_tool' });
    const own = await heldCall(db.pool, {
      people: [person(alice)],
      tool: 'asked_by_alice',
      caller: { key: person(alice), email: null },
    });
    assert.equal((await stage.slack.openHome(alice)).acknowledged, true);
    await until('the page', () => stage.slack.home(alice) !== undefined);
    for (const shown of [JSON.stringify(stage.slack.home(alice)), await said(alice, 'pending')]) {
      assert.match(shown, /drop_index/);
      assert.doesNotMatch(shown, /secret_tool|asked_by_alice/);
    }
    assert.match(await said(alice, `show ${theirs}`), /no such call, or it is not yours/);
    assert.match(await said(alice, `show ${own}`), /Opened/);
    assert.match(await said(alice, `show ${mine}`), /Opened/);
    assert.match(JSON.stringify(await stage.slack.waitForModal(alice)), /drop_index/);
  });

  it('let one deny from the App Home, which then no longer lists it', async () => {
    const bob = stage.slack.addUser({ name: 'Bob' });
    const callId = await heldCall(db.pool, { people: [person(bob)], tool: 'truncate_logs' });
    await stage.slack.openHome(bob);
    await until('the page', () => stage.slack.home(bob) !== undefined);
    const home = stage.slack.home(bob);
    assert.ok(home);
    await stage.slack.clickView(bob, home, actionIds.deny, callId);
    const modal = await stage.slack.waitForModal(bob);
    await stage.slack.submit(bob, modal, { [actionIds.reason]: 'keep the logs' });
    await until('the page', () => stage.slack.home(bob)?.id !== home.id);
    const shown = JSON.stringify(stage.slack.home(bob)?.view);
    assert.match(shown, /Nothing waits for you/);
    assert.match(shown, /Denied.*truncate_logs/);
  });

  it('list what nobody knows for those who may say, and let them say it there', async () => {
    const uma = stage.slack.addUser({ name: 'Uma' });
    const unknown = async (people: string[], tool: string, caller = {}): Promise<string> => {
      const callId = await heldCall(db.pool, { people, tool, ...caller });
      await db.pool.query(`update held_calls set state = 'executing', exec_token = 't' where call_id = $1`, [
        callId,
      ]);
      await db.pool.query(`update held_calls set state = 'unknown' where call_id = $1`, [callId]);
      return callId;
    };
    const mine = await unknown([person(uma)], 'lost_refund');
    await unknown(['bob@example.com'], 'not_mine');
    await unknown([person(uma)], 'asked_by_uma', { caller: { key: person(uma), email: null } });
    await stage.slack.openHome(uma);
    await until('the page', () => stage.slack.home(uma) !== undefined);
    const home = stage.slack.home(uma);
    assert.ok(home);
    const shown = JSON.stringify(home.view);
    assert.match(shown, /Nobody knows what became of.*lost_refund.*nobody looks into it yet/);
    assert.doesNotMatch(shown, /not_mine|asked_by_uma/);
    await stage.slack.clickView(uma, home, actionIds.take, mine);
    await until('the page', () => /Uma looks into it/.test(JSON.stringify(stage.slack.home(uma)?.view)));
    const fresh = stage.slack.home(uma);
    assert.ok(fresh);
    await stage.slack.clickView(uma, fresh, actionIds.didNotHappen, mine);
    const modal = await stage.slack.waitForModal(uma);
    await stage.slack.submit(uma, modal, { [actionIds.markReason]: 'It is not in the ledger.' });
    await until('the page', () => !/lost_refund/.test(JSON.stringify(stage.slack.home(uma)?.view)));
    const { rows } = await db.pool.query('select mark from unknown_tasks where call_id = $1', [mine]);
    assert.deepEqual(rows, [{ mark: 'did-not-happen' }]);
  });

  it('list what a person decided on other surfaces too, by any of their linked accounts', async () => {
    const vera = stage.slack.addUser({ name: 'Vera' });
    const key = 'oidc:https://idp.example#vera';
    await linkKeys(db.pool, { key: person(vera), to: key, by: 'test' });
    const callId = await heldCall(db.pool, { tool: 'decided_in_console' });
    const vote = {
      jws: 'x',
      person: { keys: [key], name: 'Vera' },
      decision: 'deny',
      reason: 'no',
      via: 'console',
      atMs: 1,
    };
    await db.pool.query(`update held_calls set decisions = $2, state = 'denied' where call_id = $1`, [
      callId,
      JSON.stringify([vote]),
    ]);
    await stage.slack.openHome(vera);
    await until('the page', () => stage.slack.home(vera) !== undefined);
    assert.match(JSON.stringify(stage.slack.home(vera)), /Denied.*decided_in_console/);
  });

  it('have no Approve button outside a card', async () => {
    const carl = stage.slack.addUser({ name: 'Carl' });
    await heldCall(db.pool, { people: [person(carl)] });
    await stage.slack.openHome(carl);
    await until('the page', () => stage.slack.home(carl) !== undefined);
    assert.doesNotMatch(JSON.stringify(stage.slack.home(carl)), new RegExp(actionIds.approve));
  });

  it('give a link that links the account once, and only its owner’s', async () => {
    const dora = stage.slack.addUser({ name: 'Dora' });
    const code = /code=([\w-]{32})/.exec(await said(dora, 'link'))?.[1] ?? '';
    assert.deepEqual(await linkCodeOwner(db.pool, code), { key: person(dora), name: 'Dora' });
    assert.equal((await useLinkCode(db.pool, code))?.key, person(dora));
    assert.equal(await useLinkCode(db.pool, code), null);
    assert.equal(await linkCodeOwner(db.pool, code), null);
    const { rows } = await db.pool.query('select code_sha256 from people_link_codes');
    assert.equal(JSON.stringify(rows).includes(code), false);
  });

  it('tell people from other workspaces nothing', async () => {
    const stranger = stage.slack.addUser({ name: 'Stranger', teamId: 'T0OTHER' });
    assert.match(await said(stranger, 'pending'), /another Slack workspace/);
    await stage.slack.openHome(stranger);
    assert.equal(stage.slack.home(stranger), undefined);
  });

  it('freeze all calls for a member of an approver group, and lift that for two, never for a stranger', async () => {
    const [fay, gus, eve] = ['Fay', 'Gus <!channel>', 'Eve'].map((name) => stage.slack.addUser({ name }));
    assert.ok(fay && gus && eve);
    const group = { name: 'dba', slackChannel: null, slackUserGroup: null, groups: [] };
    await keepSwitchPeople(db.pool, [{ ...group, people: [person(fay), person(gus)] }]);
    assert.match(await said(eve, 'freeze for fun'), /Only members of an approver group/);
    const stranger = stage.slack.addUser({ name: 'Stranger', teamId: 'T0OTHER' });
    assert.match(await said(stranger, 'freeze'), /another Slack workspace/);
    assert.equal(await freezeInForce(db.pool), null);
    assert.match(await said(fay, 'freeze agents run wild'), /Frozen: nothing goes upstream/);
    assert.equal((await freezeInForce(db.pool))?.because, 'agents run wild');
    assert.match(await said(fay, 'unfreeze'), /as soon as another person/);
    const lifted = await said(gus, 'unfreeze');
    assert.match(lifted, /Lifted, as asked for by Fay and Gus/);
    assert.doesNotMatch(lifted, /<!channel>/);
    assert.equal(await freezeInForce(db.pool), null);
  });

  it('let an operator freeze, and count each person once for lifting, whatever account they ask from', async () => {
    const [hank, second] = ['Hank', 'Hank II'].map((name) => stage.slack.addUser({ name }));
    assert.ok(hank && second);
    const group = { name: 'dba', slackChannel: null, slackUserGroup: null, groups: [] };
    await keepSwitchPeople(db.pool, [{ ...group, people: [person(hank), person(second)] }]);
    await linkKeys(db.pool, { key: person(second), to: person(hank), by: 'test' });
    assert.match(await said(olga, 'freeze token leaked, hunter2'), /Frozen/);
    assert.equal((await freezeInForce(db.pool))?.because, 'token leaked, [masked:secret]');
    assert.match(await said(olga, 'freeze again'), /frozen already/);
    assert.match(await said(hank, 'unfreeze'), /as soon as another person/);
    assert.match(await said(second, 'unfreeze'), /as soon as another person/);
    assert.notEqual(await freezeInForce(db.pool), null);
    assert.match(await said(olga, 'unfreeze'), /Lifted/);
    assert.match(await said(olga, 'unfreeze'), /Nothing is frozen/);
    assert.match(await said(olga, `freeze ${'x'.repeat(994)} hunter2`), /Frozen/);
    const because = (await freezeInForce(db.pool))?.because ?? '';
    assert.equal(because.length, 1000);
    assert.ok(!because.includes('hunt'), 'masked before it is cut');
    await said(olga, 'unfreeze');
    assert.match(await said(hank, 'unfreeze'), /Lifted/);
  });

  it('explain themselves when asked for something else', async () => {
    const eve = stage.slack.addUser({ name: 'Eve' });
    for (const text of ['help', 'pending now', 'show', 'link twice'])
      assert.match(await said(eve, text), /holdpoint pending/);
  });

  it('cut somebody off for an operator, recorded first and with the words masked; nobody else may', async () => {
    const eve = stage.slack.addUser({ name: 'Eve', email: 'eve@example.com' });
    const ask = 'revoke person mallory@example.com laptop stolen, hunter2 was on it';
    assert.match(await said(eve, ask), /Only people with the role operator or owner.*Nothing was revoked/);
    assert.deepEqual(await revokedAmong(db.pool, ['person:mallory@example.com']), null);
    assert.match(await said(olga, ask), /Revoked: person mallory@example\.com/);
    const revocation = await revokedAmong(db.pool, ['person:mallory@example.com']);
    assert.equal(revocation?.revokedBy.key, person(olga));
    assert.equal(revocation?.reason, 'laptop stolen, [masked:secret] was on it');
    assert.deepEqual(
      stage.acts.map(({ act, details }) => [act, details['value']]),
      [['revoke', 'mallory@example.com']],
    );
    assert.match(await said(olga, ask), /revoked already.*Nothing was revoked/);
    assert.match(await said(olga, 'revoke person mallory@example.com'), /\/holdpoint revoke person/);
  });
});
