import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, it } from 'node:test';
import { insertGrant, shownGrant, takeUse } from '../../db/grants.ts';
import type { ShownOffer } from '../../db/held-opening.ts';
import { actionIds } from '../../slack-app/buttons.ts';
import { refreshDue } from '../../slack-app/refreshing.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { heldCall, quiet, scene } from './scene.ts';

let db: TestDatabase;
let stage: Awaited<ReturnType<typeof scene>>;
let alice: string;
before(async () => {
  db = await testDatabase();
  stage = await scene(db.pool);
  alice = stage.slack.addUser({ name: 'Alice', email: 'alice@example.com' });
});
after(async () => {
  await stage?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

const grantOffer: ShownOffer = {
  calls: 20,
  forMs: 1_800_000,
  scope: 'session',
  where: ['call.args.env == "staging"'],
};

async function announced(options: Parameters<typeof heldCall>[1] = {}) {
  const callId = await heldCall(db.pool, { people: ['alice@example.com'], grantOffer, ...options });
  await stage.cards.announce(callId);
  const card = await stage.slack.waitForMessage('C0DBA', (message) =>
    JSON.stringify(message.metadata).includes(`"${callId}"`),
  );
  return { callId, card };
}
const settled = async (callId: string): Promise<{ state: string; text: string }> => {
  for (;;) {
    const { rows } = await db.pool.query<{ state: string; text: string }>(
      'select state, outcome_text as text from slack_decisions where call_id = $1',
      [callId],
    );
    if (rows[0] && rows[0].state !== 'received') return rows[0];
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
/** The grant as the gateway gives it once the call is claimed. */
async function given(callId: string, calls = 3, forMs = 60_000): Promise<string> {
  await db.pool.query(`update held_calls set state = 'executing' where call_id = $1`, [callId]);
  await insertGrant(db.pool, {
    grantId: `gr-${callId}`,
    callId,
    callerKey: 'oidc:https://idp.example#carol',
    connection: 'postgres',
    tool: 'query',
    rule: 'writes',
    policyVersion: 'sha256:aa',
    definitionHash: 'sha256:bb',
    bound: {},
    votes: [{ person: { keys: ['k'], name: 'Alice' } }],
    terms: { calls, untilMs: Date.now() + forMs, sessionId: 'session', where: [] },
    args: { kekId: 'k', wrapped: randomBytes(8), sealed: randomBytes(8) },
  });
  return `gr-${callId}`;
}
const cardText = (callId: string): string =>
  JSON.stringify(
    stage.slack.messages('C0DBA').find((message) => JSON.stringify(message.metadata).includes(`"${callId}"`))
      ?.blocks,
  );
const refresh = () => refreshDue({ db: db.pool, refreshCards: stage.cards.refresh, log: quiet });

it('an approver allows further calls; the vote carries what was chosen and all that policy demands', async () => {
  const { callId, card } = await announced();
  assert.match(JSON.stringify(card.blocks), /Approve and allow more/);
  await stage.slack.click(alice, card, actionIds.grant);
  const modal = await stage.slack.waitForModal(alice);
  assert.match(JSON.stringify(modal.view), /call\.args\.env == \\"staging\\"/);
  const atMs = Date.now();
  const delivery = await stage.slack.submit(alice, modal, {
    [actionIds.grantCalls]: '5',
    [actionIds.grantFor]: '300000',
  });
  assert.equal(delivery.acknowledged, true);
  assert.equal((await settled(callId)).state, 'counted');
  const request = stage.workflow.requests.find((one) => one.callId === callId);
  assert.equal(request?.decision, 'approve');
  const { untilMs = 0, ...rest } = request?.grant ?? {};
  assert.deepEqual(rest, { calls: 5, sessionId: `session-of-${callId}`, where: grantOffer.where });
  assert.ok(untilMs >= atMs + 300_000 && untilMs <= Date.now() + 300_000);
});

it('the narrowest choice is what stands there, and a choice that policy does not offer is refused', async () => {
  const { callId, card } = await announced();
  await stage.slack.click(alice, card, actionIds.grant);
  const modal = await stage.slack.waitForModal(alice);
  const wider = await stage.slack.submit(alice, modal, { [actionIds.grantCalls]: '500' });
  assert.match(JSON.stringify(wider.response), /more than policy offers/);
  assert.deepEqual(
    (await db.pool.query('select from slack_decisions where call_id = $1', [callId])).rowCount,
    0,
  );
  await stage.slack.submit(alice, modal, {});
  await settled(callId);
  const request = stage.workflow.requests.find((one) => one.callId === callId);
  assert.equal(request?.grant?.calls, 1);
});

it('a plain approval grants nothing, and a rule that offers nothing has no such button', async () => {
  const { callId, card } = await announced();
  await stage.slack.click(alice, card, actionIds.approve);
  await settled(callId);
  assert.equal(stage.workflow.requests.find((one) => one.callId === callId)?.grant, null);
  const plain = await heldCall(db.pool, { people: ['alice@example.com'] });
  await stage.cards.announce(plain);
  const { blocks } = await stage.slack.waitForMessage('C0DBA', (message) =>
    JSON.stringify(message.metadata).includes(`"${plain}"`),
  );
  assert.doesNotMatch(JSON.stringify(blocks), /allow more/);
});

it('the card counts each use, and one tap of an approver ends the grant; the button is gone then', async () => {
  const { callId, card } = await announced();
  const grantId = await given(callId);
  await refresh();
  assert.match(cardText(callId), /Grant: 0 of 3 further calls used/);
  for (let use = 1; use <= 2; use++) {
    const under = await heldCall(db.pool);
    assert.equal(await takeUse(db.pool, grantId, under), use);
  }
  await refresh();
  assert.match(cardText(callId), /Grant: 2 of 3 further calls used/);

  const mallory = stage.slack.addUser({ name: 'Mallory', email: 'mallory@example.com' });
  await stage.slack.click(mallory, card, actionIds.revoke);
  await stage.slack.waitForEphemeral(mallory, (text) => /not yours to revoke/.test(text));
  assert.equal((await shownGrant(db.pool, grantId))?.open, true);
  await stage.slack.click(alice, card, actionIds.revoke);
  await stage.slack.waitForEphemeral(alice, (text) => /Revoked/.test(text));
  await refresh();
  assert.match(cardText(callId), /Grant revoked by Alice/);
  assert.ok(!cardText(callId).includes(actionIds.revoke));
  const again = await heldCall(db.pool);
  assert.equal(await takeUse(db.pool, grantId, again), null);
});

it('a grant whose time is over says so on its card without anybody doing anything', async () => {
  const { callId } = await announced();
  await given(callId, 3, 2000);
  await refresh();
  assert.match(cardText(callId), /Grant: 0 of 3/);
  await until('the card says so', async () => {
    await refresh();
    return /Grant over/.test(cardText(callId));
  });
});

it('/holdpoint grants and the App Home list open grants for those who may revoke them, and nobody else', async () => {
  await db.pool.query('truncate approval_grants cascade');
  const { callId } = await announced();
  const grantId = await given(callId);
  const listed = await stage.slack.command(alice, 'grants');
  assert.match(JSON.stringify(listed.response), /1 open grant.*query on postgres/);
  const eve = stage.slack.addUser({ name: 'Eve', email: 'eve@example.com' });
  assert.match(JSON.stringify((await stage.slack.command(eve, 'grants')).response), /No grant/);
  assert.match(JSON.stringify((await stage.slack.command(eve, `revoke ${grantId}`)).response), /not yours/);
  await stage.slack.openHome(alice);
  for (
    let tries = 0;
    tries < 200 && !JSON.stringify(stage.slack.home(alice) ?? {}).includes(grantId);
    tries++
  )
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.match(JSON.stringify(stage.slack.home(alice)), /Open grants/);
  assert.match(JSON.stringify((await stage.slack.command(alice, `revoke ${grantId}`)).response), /Revoked/);
  assert.match(
    JSON.stringify((await stage.slack.command(alice, `revoke ${grantId}`)).response),
    /Alice has revoked/,
  );
});

it('a denial may name bounds, which go with the vote and stand on the card', async () => {
  const { callId, card } = await announced();
  await stage.slack.click(alice, card, actionIds.deny);
  const modal = await stage.slack.waitForModal(alice);
  await stage.slack.submit(alice, modal, {
    [actionIds.reason]: 'Too many rows.',
    [actionIds.bounds]: 'at most 100 rows, hunter2',
  });
  await settled(callId);
  const request = stage.workflow.requests.find((one) => one.callId === callId);
  assert.equal(request?.bounds, 'at most 100 rows, [masked:secret]');
});

it('Slack that asks for patience is left alone, and no wish is lost', async () => {
  const { callId } = await announced();
  const grantId = await given(callId);
  await refresh();
  await takeUse(db.pool, grantId, await heldCall(db.pool));
  stage.slack.rateLimit('chat.update', 1, 1);
  assert.ok((await refresh()) >= 1000);
  assert.match(cardText(callId), /Grant: 0 of 3/);
  await db.pool.query('update slack_refreshes set due_at = now()');
  assert.equal(await refresh(), 0);
  assert.match(cardText(callId), /Grant: 1 of 3/);
});
