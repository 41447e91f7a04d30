import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyInForce } from '../../console/deps.ts';
import { loadMaskingConfig } from '../../masking/check-config.ts';
import { profileNames } from '../../masking/config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { compilePolicy } from '../../policy/compile.ts';
import { accessibilityProblems, noBrowser, testBrowser } from '../support/browser.ts';
import { testDatabase } from '../support/postgres.ts';
import { fieldsOf, signedIn, testConsole } from './support.ts';

const text = `
default: { then: hold, approvers: [dba] }
approvers:
  dba: { people: [alice@example.com], groups: [database-admins] }
rules:
  - name: no-drop
    match: { connection: postgres, tool: drop_table }
    then: deny
    reason: Dropping tables goes through a migration.
  - name: writes
    match: { connection: postgres, tool: query }
    then: hold
    risk: high
    approvers: [dba]
    approvals: 2
    timeout: 30m
`;

function rules(): PolicyInForce {
  const compiled = compilePolicy(text, {
    file: 'policy.yaml',
    connections: null,
    slackConfigured: true,
    checkMasking: () => [],
  });
  if ('errors' in compiled) throw new Error(JSON.stringify(compiled.errors));
  const { policy } = compiled;
  const engine = createMaskingEngine(loadMaskingConfig(policy.masking));
  return { policy: () => policy, masking: () => engine, profiles: () => profileNames(policy.masking) };
}

test('the policy page shows rules in order, what follows from them, and who may approve', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool, { rules: rules() });
  const page = await (await (await signedIn(console.address)).get('/policy')).text();
  assert.match(
    page,
    /no-drop.*deny.*Dropping tables goes.*writes.*hold.*2 from dba.*30 min.*no rule matches/s,
  );
  assert.match(page, /alice@example\.com.*database-admins/s);
  assert.match(page, /sha256:[0-9a-f]{64}/);
});

test('what is pasted to try out masking comes back only as masking leaves it', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool, { rules: rules() });
  const person = await signedIn(console.address);
  const { csrf } = fieldsOf(await (await person.get('/masking')).text());
  const secret = 'hunter2-correct-horse';
  const pasted = JSON.stringify({
    password: secret,
    note: 'mail carol@example.com',
    n: 12345678901234567890n.toString(),
  });
  const page = await (await person.post('/masking', { csrf, text: pasted, profile: 'default' })).text();
  assert.doesNotMatch(page, /hunter2|carol@example/);
  assert.match(page, /\[masked:email\]/);
  assert.match(page, /2 spans were taken out/);
  assert.equal((await person.post('/masking', { csrf: '', text: pasted })).status, 403);
});

test('without a policy the console says why there is none to show', async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool);
  assert.equal((await (await signedIn(console.address)).get('/policy')).status, 503);
});

test('in a browser: axe finds nothing on the pages of policy and masking', { skip: noBrowser }, async () => {
  await using db = await testDatabase();
  await using console = await testConsole(db.pool, { rules: rules() });
  await using browser = await testBrowser();
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.page({ colorScheme });
    await page.goto(console.running.loginLink() ?? '');
    await page.getByRole('button', { name: 'Sign in as local-approver' }).click();
    await page.getByRole('link', { name: 'Policy' }).click();
    await page.getByRole('heading', { name: 'Rules, in order' }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.getByRole('link', { name: /Try out/ }).click();
    await page.getByRole('textbox', { name: 'Text or JSON' }).fill('{"password":"hunter2-correct-horse"}');
    await page.getByRole('button', { name: 'Mask it' }).click();
    await page.getByText('1 span was taken out').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
  }
});
