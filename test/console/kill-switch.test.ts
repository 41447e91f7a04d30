import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Masked } from '../../masking/masked.ts';
import { freezeInForce } from '../../db/kill-switch.ts';
import { accessibilityProblems, noBrowser, testBrowser } from '../support/browser.ts';
import { testDatabase } from '../support/postgres.ts';
import { fieldsOf, holdCall, signedIn, testConsole } from './support.ts';

test('in a browser: the kill switch is turned on with a reason that stays text, shown on every page, and lifted', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  await using browser = await testBrowser();
  await holdCall(db.pool);
  const page = await browser.page();
  await page.goto(console.running.loginLink() ?? '');
  await page.getByRole('button', { name: 'Sign in as local-approver' }).click();
  await page.getByRole('heading', { name: 'Approvals' }).waitFor();
  await page.goto(new URL('/kill-switch', console.address).toString());
  await page.getByText('Off: calls run as policy and people decide.').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.getByRole('textbox', { name: 'Why' }).fill('<b>agents</b> run wild');
  await page.getByRole('button', { name: 'Freeze all calls' }).click();
  await page.getByRole('alert').filter({ hasText: 'Frozen: nothing goes upstream' }).first().waitFor();
  assert.equal((await freezeInForce(db.pool))?.because, '<b>agents</b> run wild');
  await page.getByText('<b>agents</b> run wild').first().waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto(new URL('/', console.address).toString());
  await page.getByText(/Frozen by local-approver/).waitFor();
  await page.goto(new URL('/kill-switch', console.address).toString());
  await page.getByRole('button', { name: 'Ask to lift the freeze' }).click();
  await page.getByRole('alert').filter({ hasText: 'Lifted, as asked for by local-approver' }).waitFor();
  assert.equal(await freezeInForce(db.pool), null);
});

test('in a browser without scripts: similar calls are read, ticked and decided on together', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  await using browser = await testBrowser();
  const evil = '</script><img src=x onerror=document.title=1>';
  const ids = [];
  for (const nth of [1, 2, 3])
    ids.push(
      await holdCall(db.pool, { sessionId: 's', shownArgs: JSON.stringify({ nth, evil }), intent: evil }),
    );
  const page = await browser.page({ javaScriptEnabled: false });
  await page.goto(console.running.loginLink() ?? '');
  await page.getByRole('button', { name: 'Sign in as local-approver' }).click();
  await page.getByRole('link', { name: /3 calls alike/ }).click();
  await page.getByRole('heading', { name: /3 calls wait/ }).waitFor();
  assert.equal((await page.getByText(evil).count()) >= 3, true);
  await page.getByRole('checkbox', { name: '2 of 3' }).uncheck();
  await page.getByRole('button', { name: 'Approve those that are ticked' }).click();
  await page.getByText('Your decision counted for 2 of 2 calls.').waitFor();
  await page.getByRole('heading', { name: /One call waits/ }).waitFor();
  assert.equal(console.acts.length, 2);
  const scripted = await browser.page();
  await scripted.goto(console.running.loginLink() ?? '');
  await scripted.getByRole('button', { name: 'Sign in as local-approver' }).click();
  await scripted.goto(new URL(`/together/${ids[1]}`, console.address).toString());
  await scripted.getByRole('heading', { name: /One call waits/ }).waitFor();
  assert.deepEqual(await accessibilityProblems(scripted), []);
  await scripted.setViewportSize({ width: 390, height: 800 });
  const wide = await scripted.evaluate<string[]>(
    `[...document.querySelectorAll('body *')].filter((at) => at.getBoundingClientRect().right > 390).map((at) => at.outerHTML.slice(0, 80))`,
  );
  assert.deepEqual(wide, []);
});

test('the kill switch is not turned without the session’s mark', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  const person = await signedIn(console.address);
  const { csrf } = fieldsOf(await (await person.get('/kill-switch')).text());
  assert.equal((await person.post('/kill-switch', { turn: 'on', csrf: 'wrong' })).status, 403);
  assert.equal(await freezeInForce(db.pool), null);
  assert.equal((await person.post('/kill-switch', { turn: 'on', csrf })).status, 200);
  assert.equal((await person.post('/kill-switch', { turn: 'on', csrf })).status, 409);
  assert.notEqual(await freezeInForce(db.pool), null);
});

test('why somebody froze is masked before it is cut, and nobody who stops everything is sent back to be brief', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool, {
    maskText: (text) => text.replaceAll('hunter2', '[masked:password]') as Masked<string>,
  });
  const person = await signedIn(console.address);
  const { csrf } = fieldsOf(await (await person.get('/kill-switch')).text());
  const reason = `${'x'.repeat(994)} hunter2, and more`;
  assert.equal((await person.post('/kill-switch', { turn: 'on', csrf, reason })).status, 200);
  const because = (await freezeInForce(db.pool))?.because ?? '';
  assert.equal(because.length, 1000);
  assert.ok(!because.includes('hunt'), because.slice(-20));
});
