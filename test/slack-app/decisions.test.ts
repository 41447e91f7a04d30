import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { actionIds } from '../../slack-app/buttons.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { testDatabase } from '../support/postgres.ts';
import { heldCall, scene } from './scene.ts';

for (const mode of ['socket', 'http'] as const)
  describe(`a decision made in Slack (${mode} mode)`, () => {
    let db: TestDatabase;
    let stage: Awaited<ReturnType<typeof scene>>;
    before(async () => {
      db = await testDatabase();
      stage = await scene(db.pool, mode);
    });
    after(async () => {
      await stage?.[Symbol.asyncDispose]();
      await db?.[Symbol.asyncDispose]();
    });

    async function announced(options: Parameters<typeof heldCall>[1]) {
      const callId = await heldCall(db.pool, options);
      await stage.cards.announce(callId);
      const card = await stage.slack.waitForMessage('C0DBA', (message) =>
        JSON.stringify(message.metadata).includes(`"${callId}"`),
      );
      return { callId, card };
    }
    const settled = async (callId: string) => {
      for (;;) {
        const { rows } = await db.pool.query(
          `select state, outcome_code as code, outcome_text as text, reason, decision from slack_decisions
           where call_id = $1 order by received_at`,
          [callId],
        );
        if (rows.length > 0 && rows.every((row) => row.state !== 'received')) return rows;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };

    it('an approver named by e-mail approves with one click, under stable ids', async () => {
      const alice = stage.slack.addUser({ name: 'Alice', email: 'alice@example.com' });
      const { callId, card } = await announced({ people: ['alice@example.com'] });
      const delivery = await stage.slack.click(alice, card, actionIds.approve, {
        actionTs: '1700000000.000100',
      });
      assert.equal(delivery.acknowledged, true);
      assert.deepEqual(
        (await settled(callId)).map((row) => row.state),
        ['counted'],
      );
      const request = stage.workflow.requests.find((one) => one.callId === callId);
      assert.equal(request?.updateId, `slack:${callId}:${alice}:1700000000.000100`);
      assert.deepEqual(request?.groups, ['dba']);
      assert.deepEqual(request?.person, {
        name: 'Alice',
        keys: [`slack:${stage.slack.teamId}/${alice}`, 'email:alice@example.com'],
      });
    });

    it('a click that Slack delivers three times is one vote', async () => {
      const bob = stage.slack.addUser({ name: 'Bob' });
      const { callId, card } = await announced({ people: [`slack:${stage.slack.teamId}/${bob}`], needed: 2 });
      await stage.slack.click(bob, card, actionIds.approve, { times: 3 });
      assert.equal((await settled(callId)).length, 1);
      const { rows } = await db.pool.query('select decisions from held_calls where call_id = $1', [callId]);
      assert.equal(rows[0].decisions.length, 1);
      await stage.slack.waitForEphemeral(bob, (text) => text.includes('1 more approvals'));
    });

    it('a denial asks for a reason and carries it, masked before it is stored', async () => {
      const bob = stage.slack.addUser({ name: 'Bob' });
      const { callId, card } = await announced({ people: [`slack:${stage.slack.teamId}/${bob}`] });
      await stage.slack.click(bob, card, actionIds.deny);
      const modal = await stage.slack.waitForModal(bob);
      const empty = await stage.slack.submit(bob, modal, { [actionIds.reason]: '   ' });
      assert.match(JSON.stringify(empty.response), /say why/);
      await stage.slack.submit(bob, modal, { [actionIds.reason]: 'at most 100 rows, not hunter2' });
      const [row] = await settled(callId);
      assert.deepEqual(
        [row.state, row.decision, row.reason],
        ['counted', 'deny', 'at most 100 rows, not [masked:secret]'],
      );
      await stage.cards.refresh(callId);
      assert.match(
        JSON.stringify(stage.slack.messages('C0DBA').at(-1)?.blocks),
        /Denied by .*Bob .*at most 100 rows/,
      );
    });

    it('a second approver is told who decided', async () => {
      const [alice, bob] = ['Alice A', 'Bob B'].map((name) => stage.slack.addUser({ name })) as [
        string,
        string,
      ];
      const people = [alice, bob].map((user) => `slack:${stage.slack.teamId}/${user}`);
      const { callId, card } = await announced({ people });
      await stage.slack.click(alice, card, actionIds.approve);
      await settled(callId);
      await stage.slack.click(bob, card, actionIds.approve);
      const { text } = await stage.slack.waitForEphemeral(bob);
      assert.match(text, /Alice A/);
    });

    it('someone who is not an approver is refused in words only they see, and it is recorded', async () => {
      const eve = stage.slack.addUser({ name: 'Eve' });
      const { callId, card } = await announced({ people: ['alice@example.com'] });
      await stage.slack.click(eve, card, actionIds.approve);
      assert.match((await stage.slack.waitForEphemeral(eve)).text, /Only members of dba/);
      assert.equal((await settled(callId))[0].code, 'NotAnApprover');
      assert.equal(
        stage.workflow.requests.some((request) => request.callId === callId),
        false,
      );
    });
  });
