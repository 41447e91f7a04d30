import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { actionIds } from '../../slack-app/buttons.ts';
import { startSlackApp } from '../../slack-app/app.ts';
import { refreshDue } from '../../slack-app/refreshing.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { heldCall, quiet, scene } from './scene.ts';

describe('similar calls of one session', () => {
  let db: TestDatabase;
  let stage: Awaited<ReturnType<typeof scene>>;
  let alice: string;
  let bob: string;
  before(async () => {
    db = await testDatabase();
    stage = await scene(db.pool);
    alice = stage.slack.addUser({ name: 'Alice', email: 'alice@example.com' });
    bob = stage.slack.addUser({ name: 'Bob', email: 'bob@example.com' });
  });
  after(async () => {
    await stage?.[Symbol.asyncDispose]();
    await db?.[Symbol.asyncDispose]();
  });

  let sessions = 0;
  type Options = NonNullable<Parameters<typeof heldCall>[1]>;
  const people = ['alice@example.com', 'bob@example.com'];
  /** Holds and announces calls of one new session, one after the other. */
  async function batch(count: number, options: Options = {}) {
    const session = `s-${++sessions}`;
    const calls: string[] = [];
    for (let nth = 1; nth <= count; nth++) calls.push(await another(session, nth, options));
    return { session, calls, card: cardOf(calls[0] ?? '') };
  }
  async function another(session: string, nth: number, options: Options = {}): Promise<string> {
    const callId = await heldCall(db.pool, {
      people,
      session,
      args: JSON.stringify({ sql: `delete from t where id = ${nth}` }),
      ...options,
    });
    await untilDone(() => stage.cards.announce(callId));
    return callId;
  }
  const allCards = () => stage.slack.messages('C0DBA').filter(({ threadTs }) => threadTs === null);
  const cardsOf = (callId: string) =>
    allCards().filter(({ blocks, metadata }) => JSON.stringify([blocks, metadata]).includes(callId));
  function cardOf(callId: string) {
    const [card, ...others] = cardsOf(callId);
    assert.ok(card, `there is no card of ${callId}`);
    assert.deepEqual(others, [], 'one card a call');
    return card;
  }
  const textOf = (callId: string): string => JSON.stringify(cardOf(callId).blocks);
  const settled = async (calls: readonly string[]): Promise<Record<string, string>> => {
    for (;;) {
      const { rows } = await db.pool.query<{ id: string; state: string; code: string }>(
        'select call_id as id, state, outcome_code as code from slack_decisions where call_id = any($1)',
        [calls],
      );
      if (rows.length > 0 && rows.every(({ state }) => state !== 'received'))
        return Object.fromEntries(rows.map(({ id, code }) => [id, code]));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const states = async (calls: readonly string[]): Promise<string[]> => {
    const { rows } = await db.pool.query<{ state: string }>(
      'select state from held_calls where call_id = any($1) order by array_position($1, call_id)',
      [calls],
    );
    return rows.map(({ state }) => state);
  };

  it('share one card, which shows each whole, with a digest and buttons of its own', async () => {
    const { calls, card } = await batch(3);
    for (const callId of calls) assert.equal(cardOf(callId).ts, card.ts);
    const text = textOf(calls[0] ?? '');
    for (const part of [
      'delete from t where id = 1',
      'delete from t where id = 3',
      '3 of 3',
      'Approve all 3',
    ])
      assert.ok(text.includes(part), part);
    assert.match(card.text, /approve 3 calls\?/);
    assert.equal(card.updates, 2);
    assert.equal(stage.slack.messages('C0DBA').filter(({ threadTs }) => threadTs === card.ts).length, 0);
  });

  it('all approved by one tap: each is a vote of its own on its own digest, however often Slack delivers it', async () => {
    const { calls, card } = await batch(4);
    await stage.slack.click(alice, card, actionIds.approveAll, { times: 3 });
    assert.deepEqual(await settled(calls), Object.fromEntries(calls.map((id) => [id, 'Counted'])));
    const votes = stage.workflow.requests.filter(({ callId }) => calls.includes(callId));
    assert.equal(votes.length, 4);
    assert.equal(new Set(votes.map(({ digest }) => digest)).size, 4);
    assert.equal(new Set(votes.map(({ updateId }) => updateId)).size, 4);
    assert.deepEqual(
      await states(calls),
      calls.map(() => 'executing'),
    );
    for (const callId of calls) await refresh(callId);
    assert.match(textOf(calls[0] ?? ''), /none waits any more/);
    assert.doesNotMatch(textOf(calls[0] ?? ''), new RegExp(`${actionIds.approve}|${actionIds.deny}`));
    // The same click once more, after the card has changed: it is known, and nobody is told anything.
    assert.deepEqual(stage.slack.ephemerals(alice), []);
  });

  it('are decided alone as well: one approved, one denied, and all that wait then are the others', async () => {
    const { calls, card } = await batch(4);
    const [first = '', second = '', third = '', fourth = ''] = calls;
    await stage.slack.click(alice, card, actionIds.approve, { value: first });
    await settled([first]);
    await stage.slack.click(bob, card, actionIds.deny, { value: second });
    const modal = await stage.slack.waitForModal(bob);
    await stage.slack.submit(bob, modal, { [actionIds.reason]: 'not this one' });
    await settled([second]);
    await refresh(first);
    const text = textOf(first);
    assert.match(text, /approve 2 of 4 calls\?/);
    assert.match(text, /not this one/);
    assert.match(text, /Approve all 2/);
    await stage.slack.click(alice, card, actionIds.approveAll);
    await settled([third, fourth]);
    assert.deepEqual(await states(calls), ['executing', 'denied', 'executing', 'executing']);
  });

  it('a call that joins later is never among those that were seen: the tap is refused, in clear words', async () => {
    const { session, calls, card } = await batch(2);
    const seen = structuredClone(card);
    const value = JSON.stringify(seen.blocks).match(/"value":"([^"]+:[0-9a-f]{32})"/)?.[1] ?? '';
    assert.notEqual(value, '');
    const late = await another(session, 9);
    assert.equal(cardOf(late).ts, card.ts);
    // As a client that has not been told of the update yet.
    const current = cardOf(late);
    const blocks = current.blocks;
    Object.assign(current, { blocks: seen.blocks });
    await stage.slack.click(alice, card, actionIds.approveAll, { times: 2 });
    Object.assign(current, { blocks });
    const { text } = await stage.slack.waitForEphemeral(alice, (said) =>
      /has changed since you saw it/.test(said),
    );
    assert.match(text, /Nothing was decided/);
    assert.deepEqual(await states([...calls, late]), ['pending', 'pending', 'pending']);
    assert.equal(stage.slack.ephemerals(alice).filter(({ text: said }) => said === text).length, 1);
    const { rows } = await db.pool.query(
      `select outcome_code as code from slack_decisions where call_id = any($1)`,
      [[...calls, late]],
    );
    assert.deepEqual(rows, [{ code: 'StaleCard' }]);
  });

  it('all denied with one reason; a card that changed while it was written takes nothing', async () => {
    const { session, calls, card } = await batch(2);
    await stage.slack.click(bob, card, actionIds.denyAll);
    const modal = await stage.slack.waitForModal(bob);
    assert.match(JSON.stringify(modal.view), /None of the 2 calls/);
    const late = await another(session, 9);
    const refused = await stage.slack.submit(bob, modal, { [actionIds.reason]: 'too many' });
    assert.match(JSON.stringify(refused.response), /has changed since you saw it/);
    assert.deepEqual(await states([...calls, late]), ['pending', 'pending', 'pending']);
    await stage.slack.click(bob, cardOf(late), actionIds.denyAll);
    const again = await stage.slack.waitForModal(bob);
    await stage.slack.submit(
      bob,
      again,
      { [actionIds.reason]: 'too many, hunter2', [actionIds.bounds]: 'two, not hunter3' },
      2,
    );
    await settled([...calls, late]);
    assert.deepEqual(await states([...calls, late]), ['denied', 'denied', 'denied']);
    const votes = stage.workflow.requests.filter(({ callId }) => [...calls, late].includes(callId));
    assert.deepEqual([...new Set(votes.map(({ reason }) => reason))], ['too many, [masked:secret]']);
    assert.deepEqual([...new Set(votes.map(({ bounds }) => bounds))], ['two, not [masked:secret]']);
    assert.equal(votes.length, 3);
  });

  it('who may not decide is told so once, and nothing is decided', async () => {
    const eve = stage.slack.addUser({ name: 'Eve' });
    const { calls, card } = await batch(3);
    await stage.slack.click(eve, card, actionIds.approveAll);
    assert.deepEqual([...new Set(Object.values(await settled(calls)))], ['NotAnApprover']);
    await stage.slack.waitForEphemeral(eve, (text) =>
      /counts for 0 of 3 calls.*Only members of dba/.test(text),
    );
    assert.equal(stage.slack.ephemerals(eve).length, 1);
    const stranger = stage.slack.addUser({ name: 'Stranger', teamId: 'T0OTHER' });
    await stage.slack.click(stranger, card, actionIds.approveAll);
    await stage.slack.waitForEphemeral(stranger, (text) => /another Slack workspace/.test(text));
    assert.deepEqual(await states(calls), ['pending', 'pending', 'pending']);
  });

  it('that need two people: each person is told once, and the second tap lets all of them run', async () => {
    const [gil, hana] = ['gil', 'hana'].map((name) =>
      stage.slack.addUser({ name, email: `${name}@example.com` }),
    ) as [string, string];
    const { calls, card } = await batch(3, { needed: 2, people: ['gil@example.com', 'hana@example.com'] });
    await stage.slack.click(gil, card, actionIds.approveAll);
    await stage.slack.waitForEphemeral(gil, (text) => /Needed before the call runs: 1 more/.test(text));
    assert.equal(stage.slack.ephemerals(gil).length, 1);
    for (const callId of calls) await refresh(callId);
    assert.match(textOf(calls[0] ?? ''), /Approved by gil; .*needs one more approval/);
    await stage.slack.click(hana, cardOf(calls[0] ?? ''), actionIds.approveAll);
    await settled(calls);
    for (let tries = 0; tries < 2000 && (await states(calls)).includes('pending'); tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(
      await states(calls),
      calls.map(() => 'executing'),
    );
  });

  it('one that was decided elsewhere meanwhile is refused for itself; the others count', async () => {
    const ida = stage.slack.addUser({ name: 'Ida', email: 'ida@example.com' });
    const { calls, card } = await batch(3, { people: ['ida@example.com'] });
    await db.pool.query(`update held_calls set state = 'cancelled' where call_id = $1`, [calls[1]]);
    await stage.slack.click(ida, card, actionIds.approveAll);
    const codes = await settled(calls);
    assert.deepEqual(
      calls.map((id) => codes[id]),
      ['Counted', 'AlreadyDecided', 'Counted'],
    );
    await stage.slack.waitForEphemeral(ida, (text) => /counts for 2 of 3 calls/.test(text));
  });

  it('are never approved all at once when one is critical, and each may still be decided', async () => {
    const { calls, card } = await batch(2, { risk: 'critical' });
    assert.doesNotMatch(JSON.stringify(card.blocks), new RegExp(actionIds.approveAll));
    assert.match(JSON.stringify(card.blocks), new RegExp(actionIds.denyAll));
    await stage.slack.click(alice, card, actionIds.approve, { value: calls[0] ?? '' });
    assert.deepEqual(await settled([calls[0] ?? '']), { [calls[0] ?? '']: 'Counted' });
  });

  it('that cannot be shown whole stay on a card of their own, without Approve and out of all', async () => {
    const { session, calls, card } = await batch(2);
    const large = await another(session, 3, { args: JSON.stringify({ sql: 'x'.repeat(20_000) }) });
    assert.notEqual(cardOf(large).ts, card.ts);
    assert.doesNotMatch(textOf(large), new RegExp(actionIds.approve));
    const after = await another(session, 4);
    assert.equal(cardOf(after).ts, card.ts, 'small ones still share a card');
    assert.match(textOf(calls[0] ?? ''), /Approve all 3/);
  });

  it('fill a card as far as it shows each whole, then begin another; no call is lost', async () => {
    const { calls } = await batch(14, { args: JSON.stringify({ sql: 'update t set a = 1 -- '.repeat(20) }) });
    const places = calls.map((callId) => cardOf(callId).ts);
    assert.ok(new Set(places).size >= 2);
    for (const callId of calls) assert.match(textOf(callId), new RegExp(`"value":"${callId}"`));
  });

  it('do not share a card with other sessions, tools, risks or approvers, nor with what is decided', async () => {
    const { session, calls, card } = await batch(1);
    const others = [
      await another('elsewhere', 1),
      await another(session, 1, { tool: 'vacuum' }),
      await another(session, 1, { risk: 'low' }),
      await another(session, 1, { people: ['alice@example.com'] }),
      await another(session, 1, { needed: 2 }),
    ];
    for (const callId of others) assert.notEqual(cardOf(callId).ts, card.ts);
    await stage.slack.click(alice, card, actionIds.approve);
    await settled(calls);
    assert.notEqual(cardOf(await another(session, 2)).ts, card.ts);
  });

  it('share a card while the tool’s definition is not known yet, never across two definitions', async () => {
    const { session, card } = await batch(1);
    const defined = async (nth: number, hash: string): Promise<string> => {
      const callId = await heldCall(db.pool, { people, session, args: JSON.stringify({ nth }) });
      await db.pool.query('update held_calls set definition_hash = $2 where call_id = $1', [callId, hash]);
      await untilDone(() => stage.cards.announce(callId));
      return callId;
    };
    assert.equal(cardOf(await defined(2, 'sha256:aa')).ts, card.ts);
    assert.notEqual(cardOf(await defined(3, 'sha256:bb')).ts, card.ts);
    assert.equal(cardOf(await defined(4, 'sha256:aa')).ts, card.ts);
  });

  it('announced by several workers at the same moment, with Slack in trouble, stand on one card and none is lost', async () => {
    const session = `s-${++sessions}`;
    const calls = await Promise.all(
      Array.from({ length: 5 }, (_, nth) =>
        heldCall(db.pool, { people, session, args: JSON.stringify({ id: nth }) }),
      ),
    );
    stage.slack.rateLimit('chat.postMessage', 1, 2);
    await Promise.all([...calls, ...calls].map((callId) => untilDone(() => stage.cards.announce(callId))));
    const places = new Set(calls.map((callId) => cardOf(callId).ts));
    assert.equal(places.size, 1);
    assert.match(textOf(calls[0] ?? ''), /Approve all 5/);
  });

  it('a tap on all is not lost to a process that dies, nor doubled by another that goes on', async () => {
    const { calls, card } = await batch(3);
    stage.workflow.setAway(true);
    await stage.slack.click(alice, card, actionIds.approveAll);
    const second = await startSlackApp(stage.deps);
    try {
      stage.workflow.setAway(false);
      await db.pool.query(`update slack_decisions set next_attempt_at = now() where state = 'received'`);
      await settled(calls);
      const { rows } = await db.pool.query(
        'select jsonb_array_length(decisions) as votes from held_calls where call_id = any($1)',
        [calls],
      );
      assert.deepEqual(rows, [{ votes: 1 }, { votes: 1 }, { votes: 1 }]);
    } finally {
      await second.stop();
    }
  });

  it('that join a card which has stood for a while are told of in its thread, once', async () => {
    const { session, card } = await batch(1);
    await db.pool.query(`update slack_cards set posted_at = now() - interval '5 minutes' where ts = $1`, [
      card.ts,
    ]);
    const late = await another(session, 2);
    await refresh(late);
    const thread = stage.slack.messages('C0DBA').filter(({ threadTs }) => threadTs === card.ts);
    assert.deepEqual(
      thread.map(({ text }) => text),
      ['One more call like these waits: this card now asks about 2.'],
    );
  });

  it('show whoever asked for them one card without buttons, and tell them how each ended, once', async () => {
    const carol = stage.slack.addUser({ name: 'Carol', email: 'carol@example.com' });
    const caller = { key: 'oidc:https://idp.example#carol', email: 'carol@example.com' };
    const { calls } = await batch(3, { caller });
    const inDirect = () => stage.slack.messages(`D${carol}`);
    assert.equal(inDirect().length, 1);
    assert.match(inDirect()[0]?.text ?? '', /^3 calls wait for approval/);
    assert.doesNotMatch(JSON.stringify(inDirect()[0]?.blocks), /"actions"|hold_/);
    await db.pool.query(`update held_calls set state = 'expired' where call_id = any($1)`, [
      calls.slice(0, 2),
    ]);
    await refresh(calls[0] ?? '');
    await refresh(calls[1] ?? '');
    const said = inDirect().filter(({ threadTs }) => threadTs !== null);
    assert.equal(said.length, 1, 'what ended at the same moment is said at once');
    assert.match(said[0]?.text ?? '', /^Call 1 of 3: ⌛ Expired.*\nCall 2 of 3: ⌛ Expired/);
    await db.pool.query(`update held_calls set state = 'cancelled' where call_id = $1`, [calls[2]]);
    await refresh(calls[2] ?? '');
    await refresh(calls[2] ?? '');
    assert.match(inDirect().at(-1)?.text ?? '', /^Call 3 of 3: 🚫 Cancelled/);
    assert.equal(inDirect().filter(({ threadTs }) => threadTs !== null).length, 2);
  });

  it('of which nobody knows what became ask for help in the thread, and are judged on their card', async () => {
    const { calls, card } = await batch(2);
    const [first = '', second = ''] = calls;
    await db.pool.query(
      `update held_calls set state = 'executing', exec_token = 't' where call_id = any($1)`,
      [calls],
    );
    await db.pool.query(`update held_calls set state = 'unknown' where call_id = $1`, [first]);
    await db.pool.query(`update held_calls set state = 'succeeded' where call_id = $1`, [second]);
    await refresh(first);
    await refresh(second);
    const thread = stage.slack.messages('C0DBA').filter(({ threadTs }) => threadTs === card.ts);
    assert.deepEqual(
      thread.map(({ text }) => text.slice(0, 50)),
      ['Call 1 of 2: The outcome of this call is unknown: '],
    );
    await stage.slack.click(alice, cardOf(first), actionIds.happened, { value: first });
    const modal = await stage.slack.waitForModal(alice);
    await stage.slack.submit(alice, modal, { [actionIds.markReason]: 'Row is there.' });
    await refreshDue({ db: db.pool, refreshCards: stage.cards.refresh, log: quiet });
    assert.match(textOf(first), /It happened/);
    assert.doesNotMatch(textOf(first), new RegExp(actionIds.happened));
  });

  it('are reminded of once for all of them', async () => {
    const { calls, card } = await batch(3);
    for (const callId of calls) await untilDone(() => stage.cards.remind(callId, 0));
    const thread = stage.slack.messages('C0DBA').filter(({ threadTs }) => threadTs === card.ts);
    assert.equal(thread.length, 1);
    assert.match(thread[0]?.text ?? '', /^3 requests on this card still wait.*The first expires/);
  });

  it('more time for one of them: from its menu, once as policy allows, said in the thread, refused when used up', async () => {
    const { calls, card } = await batch(2, { extension: { byMs: 1_800_000, times: 1 } });
    const [first = ''] = calls;
    await stage.slack.click(alice, card, actionIds.more, { choose: `extend:${first}` });
    await stage.slack.waitForEphemeral(alice, (text) => /Everybody has more time/.test(text));
    for (let tries = 0; tries < 2000 && !/Extended by 30 minutes/.test(textOf(first)); tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(textOf(first), /Extended by 30 minutes by Alice/);
    const inThread = () => stage.slack.messages('C0DBA').filter(({ threadTs }) => threadTs === card.ts);
    for (let tries = 0; tries < 2000 && inThread().length === 0; tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    assert.match(inThread()[0]?.text ?? '', /^Call 1 of 2: Alice gave 30 minutes more\. It expires <!date/);
    assert.doesNotMatch(textOf(first), new RegExp(`extend:${first}`), 'used up: it is not offered any more');
    await refreshDue({ db: db.pool, refreshCards: stage.cards.refresh, log: quiet });
    await refresh(first);
    assert.equal(inThread().length, 1, 'said once');
    // As somebody whose card has not been updated yet.
    const current = cardOf(first);
    await stage.slack.deliver('interactive', {
      type: 'block_actions',
      team: { id: stage.slack.teamId, domain: 'x' },
      user: { id: bob, username: 'bob', name: 'bob', team_id: stage.slack.teamId },
      api_app_id: 'A',
      token: 't',
      container: { type: 'message', message_ts: current.ts, channel_id: 'C0DBA' },
      trigger_id: 'none',
      channel: { id: 'C0DBA', name: 'dba' },
      message: { ts: current.ts },
      actions: [
        { type: 'button', action_id: actionIds.extend, block_id: 'decide', value: first, action_ts: '1.2' },
      ],
    });
    await stage.slack.waitForEphemeral(bob, (text) =>
      /No more time was given: policy allows no further/.test(text),
    );
  });

  it('more time for one alone: by its button, for those only who may decide, said in its thread', async () => {
    const extension = { byMs: 5_400_000, times: 2 };
    const { calls, card } = await batch(1, { extension });
    const eve = stage.slack.addUser({ name: 'Eve' });
    const stranger = stage.slack.addUser({ name: 'Stranger', teamId: 'T0OTHER' });
    await stage.slack.click(eve, card, actionIds.extend);
    await stage.slack.waitForEphemeral(eve, (text) => /Only members of dba/.test(text));
    await stage.slack.click(stranger, card, actionIds.extend);
    await stage.slack.waitForEphemeral(stranger, (text) => /another Slack workspace/.test(text));
    assert.match(JSON.stringify(card.blocks), /Give 90 minutes more/);
    await stage.slack.click(bob, card, actionIds.extend, { times: 3 });
    const said = await stage.slack.waitForMessage('C0DBA', ({ threadTs }) => threadTs === card.ts);
    assert.match(said.text, /^Bob gave 90 minutes more\./);
    const { rows } = await db.pool.query(
      'select jsonb_array_length(extensions) as extensions from held_calls where call_id = $1',
      [calls[0]],
    );
    assert.deepEqual(rows, [{ extensions: 1 }], 'delivered three times, extended once');
    stage.workflow.setAway(true);
    await stage.slack.click(alice, cardOf(calls[0] ?? ''), actionIds.extend);
    await stage.slack.waitForEphemeral(alice, (text) => /a service is not answering.*tap again/.test(text));
    stage.workflow.setAway(false);
  });

  const refresh = (callId: string): Promise<void> => untilDone(() => stage.cards.refresh(callId));

  /** Tries as Temporal would, without the waiting. */
  async function untilDone(work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt += 1)
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ApplicationFailure) || attempt > 2000) throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
  }
});
