import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../support/postgres.ts';
import { fieldsOf, holdCall, signedIn, testConsole } from './support.ts';

/** The ticks of the form, as the page has them. */
function ticksOf(page: string): Record<string, string> {
  const found = page.matchAll(
    /<input type="checkbox" id="[^"]+" name="(call-[^"]+)" value="([^"]+)" checked>/g,
  );
  return Object.fromEntries([...found].map(([, name = '', value = '']) => [name, value]));
}

async function scene(count: number, facts: Parameters<typeof holdCall>[1] = {}) {
  const db = await testDatabase();
  const console = await testConsole(db.pool);
  const ids: string[] = [];
  for (let nth = 1; nth <= count; nth++)
    ids.push(
      await holdCall(db.pool, {
        sessionId: 's1',
        shownArgs: `{"sql":"delete from t where id = ${nth}"}`,
        seconds: 1800 + nth,
        ...facts,
      }),
    );
  const person = await signedIn(console.address);
  const open = async () => (await person.get(`/together/${ids[0]}`)).text();
  const stateOf = async (id = ''): Promise<string> =>
    (await db.pool.query('select state from held_calls where call_id = $1', [id])).rows[0]?.state;
  return {
    db,
    console,
    ids,
    person,
    open,
    stateOf,
    async [Symbol.asyncDispose]() {
      await console[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

test('similar calls of one session stand together in the list, others by themselves', async () => {
  await using at = await scene(3);
  const other = await holdCall(at.db.pool, { sessionId: 's2' });
  const riskier = await holdCall(at.db.pool, { sessionId: 's1', risk: 'medium' });
  const page = await (await at.person.get('/')).text();
  assert.match(page, /3 calls alike/);
  assert.ok(page.includes(`href="/together/${at.ids[0]}"`));
  for (const id of [...at.ids, other, riskier]) assert.ok(page.includes(`href="/approvals/${id}"`), id);
  assert.equal(page.match(/\/together\//g)?.length, 1);
});

test('without scripts: all are shown whole, and those that are ticked are approved, each by a vote of its own', async () => {
  await using at = await scene(3);
  const page = await at.open();
  for (let nth = 1; nth <= 3; nth++) assert.match(page, new RegExp(`delete from t where id = ${nth}`));
  const ticks = ticksOf(page);
  assert.deepEqual(Object.keys(ticks).toSorted(), at.ids.map((id) => `call-${id}`).toSorted());
  delete ticks[`call-${at.ids[1]}`];
  const answer = await at.person.post(`/together/${at.ids[0]}`, {
    csrf: fieldsOf(page).csrf,
    ...ticks,
    decision: 'approve',
  });
  assert.equal(answer.status, 200);
  const told = await answer.text();
  assert.match(told, /counted for 2 of 2 calls/);
  assert.match(told, /One call waits/);
  assert.deepEqual(await Promise.all(at.ids.map(at.stateOf)), ['succeeded', 'pending', 'succeeded']);
  assert.equal(new Set(at.console.acts.map(({ digest }) => digest)).size, 2);
  assert.equal(new Set(at.console.acts.map(({ updateId }) => updateId)).size, 2);
});

test('a call that came after the page was made is not decided on by it', async () => {
  await using at = await scene(2);
  const page = await at.open();
  const late = await holdCall(at.db.pool, { sessionId: 's1' });
  await at.person.post(`/together/${at.ids[0]}`, {
    csrf: fieldsOf(page).csrf,
    ...ticksOf(page),
    decision: 'deny',
    reason: 'too many',
  });
  assert.equal(await at.stateOf(late), 'pending');
  assert.deepEqual(await Promise.all(at.ids.map(at.stateOf)), ['denied', 'denied']);
  assert.deepEqual([...new Set(at.console.acts.map(({ reason }) => reason))], ['too many']);
});

test('a tick with another digest, a form without a token, no tick, no reason: nothing is decided', async () => {
  await using at = await scene(2);
  const page = await at.open();
  const csrf = fieldsOf(page).csrf;
  const ticks = ticksOf(page);
  const swapped = Object.fromEntries(Object.keys(ticks).map((name) => [name, 'sha256:00']));
  const path = `/together/${at.ids[0]}`;
  const said = async (form: Record<string, string>): Promise<[number, string]> => {
    const answer = await at.person.post(path, form);
    return [answer.status, await answer.text()];
  };
  const [status, text] = await said({ csrf, ...swapped, decision: 'approve' });
  assert.equal(status, 409);
  assert.match(text, /counted for 0 of 2 calls.*other content than this request has/s);
  assert.equal((await said({ ...ticks, decision: 'approve' }))[0], 403);
  assert.match((await said({ csrf, decision: 'approve' }))[1], /Tick the calls/);
  assert.match((await said({ csrf, ...ticks, decision: 'deny', reason: ' ' }))[1], /Say why you deny/);
  assert.equal((await said({ csrf, ...ticks, decision: 'maybe' }))[0], 422);
  assert.equal(at.console.acts.length, 0);
});

test('critical calls need the name of their tool, also those that were slipped into the form of others', async () => {
  await using at = await scene(2, { risk: 'critical', tool: 'drop_table' });
  const page = await at.open();
  const form = { csrf: fieldsOf(page).csrf, ...ticksOf(page), decision: 'approve' };
  assert.equal((await at.person.post(`/together/${at.ids[0]}`, { ...form, tool: 'drop' })).status, 422);
  const harmless = await holdCall(at.db.pool, { tool: 'drop_table' });
  const slipped = await at.person.post(`/together/${harmless}`, form);
  assert.match(await slipped.text(), /critical: approving it needs the exact name of its tool/);
  assert.equal(at.console.acts.length, 0);
  assert.equal((await at.person.post(`/together/${at.ids[0]}`, { ...form, tool: 'drop_table' })).status, 200);
  assert.equal(at.console.acts.length, 2);
});

test('the address of a group leads to those that still wait when its first call is decided', async () => {
  await using at = await scene(3);
  await at.db.pool.query(`update held_calls set state = 'denied', ended_at = now() where call_id = $1`, [
    at.ids[0],
  ]);
  assert.match(await at.open(), /2 calls wait/);
});
