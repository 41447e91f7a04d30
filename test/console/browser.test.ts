import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { accessibilityProblems, noBrowser, testBrowser } from '../support/browser.ts';
import { testDatabase } from '../support/postgres.ts';
import { holdCall, testConsole } from './support.ts';

const hostile =
  '{"sql":"<img src=x onerror=document.title=1><script>document.title=2</script>","note":"safe\\u202egnp.exe\\u200b","<b>key</b>":"\\"><svg onload=alert(1)>"}';

async function signIn(page: Page, link: string | null): Promise<void> {
  await page.goto(link ?? '');
  await page.getByRole('button', { name: 'Sign in as local-approver' }).click();
  await page.getByRole('heading', { name: 'Approvals' }).waitFor();
}

test('in a browser: a person signs in by the printed link, reads the call, and denies it with a reason', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  await using browser = await testBrowser();
  await holdCall(db.pool, { tool: 'query' });
  const page = await browser.page();
  await signIn(page, console.running.loginLink());
  await page.getByRole('link', { name: 'query on postgres' }).click();
  await page.getByRole('group', { name: 'Arguments, whole' }).getByText('12345678901234567890').waitFor();
  const buttons = await page.getByRole('button', { name: /^(Deny|Approve)$/ }).allTextContents();
  assert.deepEqual(buttons, ['Deny', 'Approve']);
  await page.getByRole('textbox', { name: 'Reason to deny' }).fill('Not on a Friday.');
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByRole('status').filter({ hasText: 'Your decision counted' }).waitFor();
  await page.getByText('Not on a Friday.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Approve' }).count(), 0);
});

test('in a browser without scripts: signing in and approving work', { skip: noBrowser }, async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  await using browser = await testBrowser();
  await holdCall(db.pool);
  const page = await browser.page({ javaScriptEnabled: false });
  await signIn(page, console.running.loginLink());
  await page.getByRole('link', { name: 'query on postgres' }).click();
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByRole('status').filter({ hasText: 'Your decision counted' }).waitFor();
});

test('in a browser: markup in arguments stays text, and characters that cannot be seen are shown', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  await using browser = await testBrowser();
  const evil = '<script>document.title="owned"</script>';
  const id = await holdCall(db.pool, {
    shownArgs: hostile,
    subject: evil,
    client: evil,
    rule: evil,
    reason: evil,
    tool: evil,
  });
  const page = await browser.page();
  const dialogs: string[] = [];
  page.on('dialog', (dialog) => {
    dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  await signIn(page, console.running.loginLink());
  await page.goto(`${console.address}/approvals/${id}`);
  await page.getByText('<img src=x onerror=document.title=1>').first().waitFor();
  assert.match(await page.title(), /on postgres: waiting/);
  assert.deepEqual(dialogs, []);
  assert.equal(await page.getByText('U+202E right-to-left override').count(), 1);
  assert.equal(await page.getByText('U+200B zero-width space').count(), 1);
});

test('in a browser: a change by somebody else appears by itself and takes the buttons away', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  await using browser = await testBrowser();
  const id = await holdCall(db.pool);
  const page = await browser.page();
  await signIn(page, console.running.loginLink());
  await page.goto(`${console.address}/approvals/${id}`);
  await page.getByText('Live: changes appear by themselves.').waitFor();
  await page.getByRole('textbox', { name: 'Reason to deny' }).fill('typed before');
  await db.pool.query(`update held_calls set decisions = $2, approvals_needed = 2 where call_id = $1`, [
    id,
    JSON.stringify([
      {
        jws: 'x',
        person: { keys: ['slack:T/U'], name: 'Berta' },
        decision: 'approve',
        reason: null,
        via: 'slack',
        atMs: Date.now(),
      },
    ]),
  ]);
  await page.getByText('It still waits for one more approval.').waitFor();
  assert.equal(await page.getByRole('textbox', { name: 'Reason to deny' }).inputValue(), 'typed before');
  await db.pool.query(
    `update held_calls set state = 'denied', ended_at = now(), ended_because = 'No.' where call_id = $1`,
    [id],
  );
  await page.getByRole('button', { name: 'Approve' }).waitFor({ state: 'detached' });
  await page.getByText('denied', { exact: false }).first().waitFor();
});

test('in a browser: a list that is open gains a new request and loses an ended one', {
  skip: noBrowser,
}, async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  await using browser = await testBrowser();
  const page = await browser.page();
  await signIn(page, console.running.loginLink());
  await page.getByText('Live: changes appear by themselves.').waitFor();
  const id = await holdCall(db.pool, { tool: 'brand_new' });
  await page.getByRole('link', { name: /brand_new on postgres/ }).waitFor();
  await page.keyboard.press('j');
  assert.match((await page.locator(':focus').textContent()) ?? '', /brand_new/);
  await db.pool.query(`update held_calls set state = 'expired', ended_at = now() where call_id = $1`, [id]);
  await page.getByText('Nothing waits for a decision.').waitFor();
});

for (const colorScheme of ['light', 'dark'] as const)
  test(`every page is free of what axe finds, ${colorScheme}`, { skip: noBrowser }, async () => {
    await using db = await testDatabase();
    await using console = await testConsole(db.pool);
    await using browser = await testBrowser();
    const masked =
      '{"sql":"select 1","password":"[masked:field]","list":[1,[],{}],"long":"' + 'x'.repeat(300) + '"}';
    const ids = [
      await holdCall(db.pool, { shownArgs: masked, risk: 'critical' }),
      await holdCall(db.pool, { risk: 'medium', approvalsNeeded: 2 }),
      await holdCall(db.pool, { risk: 'low', seconds: 30 }),
    ];
    for (const state of [
      'denied',
      'expired',
      'cancelled',
      'succeeded',
      'failed',
      'unknown',
      'aborted',
      'executing',
    ])
      await db.pool.query('update held_calls set state = $2, ended_at = now() where call_id = $1', [
        await holdCall(db.pool),
        state,
      ]);
    const page = await browser.page({ colorScheme });
    const problems = async (path: string): Promise<string[]> => {
      await page.goto(console.address + path);
      return (await accessibilityProblems(page)).map((problem) => `${path}: ${problem}`);
    };
    assert.deepEqual(await problems('/login'), []);
    assert.deepEqual(await problems('/login?token=x'), []);
    await signIn(page, console.running.loginLink());
    for (const path of [
      '/',
      '/?state=denied',
      '/?text=nothing',
      '/nowhere',
      '/approvals/none',
      ...ids.map((id) => `/approvals/${id}`),
    ])
      assert.deepEqual(await problems(path), []);
  });
