import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecordAct } from '../../console/acts.ts';
import { createRecordReader } from '../../db/records-read.ts';
import type { Pool } from '../../db/pool.ts';
import { facts, keyRing, message, readAll, recorderOn } from '../recording/support.ts';
import { accessibilityProblems, noBrowser, testBrowser } from '../support/browser.ts';
import { reportParts } from '../support/mask-reports.ts';
import { testDatabase } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { fieldsOf, signedIn, testConsole } from './support.ts';

const before = 'default: pass\nmasking:\n  default: { except: [email] }\n';
const changed = 'default: pass\nmasking:\n  default: { except: [phone], operators: { ip: drop } }\n';
const day = (ago: number): string => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);

/** A console with recordings of yesterday and today, and what it records of itself. */
async function withTraffic(pool: Pool) {
  const { engine, ...parts } = reportParts(pool, keyRing, before);
  const recorder = recorderOn(pool);
  const said = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    result: {
      content: [{ type: 'text', text: 'mail canary.alice@corp.example, call +49 171 1234567, at 10.1.2.3' }],
    },
  });
  for (let at = 0; at < 3; at += 1)
    await recorder.append(
      facts(`crm-${at}`, { connection: 'crm' }),
      message('', { bytes: engine.masker('default').message(said).text, tool: 'read', rule: null }),
    );
  const recordAct = createRecordAct({ recorder, masker: engine.masker('default') });
  return {
    recorder,
    [Symbol.asyncDispose]: () => recorder.close(),
    deps: {
      ...parts,
      recordings: { reader: createRecordReader(pool), keyRing, recordAct },
    },
  };
}

test('whoever may read recordings compares them with a changed policy on the console; it is recorded first, and shows no value', async () => {
  await using db = await testDatabase();
  await using traffic = await withTraffic(db.pool);
  await using console = await testConsole(db.pool, traffic.deps);
  const person = await signedIn(console.address);
  const { csrf } = fieldsOf(await (await person.get('/masking/report')).text());
  const asked = { csrf, from: day(1), to: day(-1), policy: changed };
  assert.equal((await person.post('/masking/report', { ...asked, csrf: '' })).status, 403);

  const wrong = await person.post('/masking/report', {
    ...asked,
    policy: 'default: pass\nmasking: { default: { detect: [nothing] } }',
  });
  assert.equal(wrong.status, 422);
  assert.match(await wrong.text(), /Nothing was compared.*line 2/s);
  const stolen = await person.post('/masking/report', {
    ...asked,
    policy: 'default: pass\nmasking: { ruleFiles: [/etc/passwd] }',
  });
  assert.equal(stolen.status, 422, 'files of the machine are not read for whoever writes a policy here');
  assert.match(await stolen.text(), /cannot be read/);
  assert.equal((await person.post('/masking/report', { ...asked, to: day(2) })).status, 422);
  assert.equal((await person.post('/masking/report', { ...asked, profile: 'none' })).status, 422);

  const started = await person.post('/masking/report', asked);
  assert.equal(started.status, 303);
  const address = started.headers.get('location') ?? '';
  const page = await until('the report is done', async () => {
    const shown = await person.get(address);
    const text = await shown.text();
    assert.equal(shown.headers.get('refresh'), text.includes('Under way') ? '2' : null);
    return text.includes('Under way') ? null : text;
  });
  assert.match(page, /3 messages of 3 sessions were read/);
  assert.match(page, /masked in addition.*email<\/code><\/td><td>3<.*crm.*read.*redact.*result\.content/s);
  assert.match(page, /no longer be masked.*phone<\/code><\/td><td>3<.*itself/s);
  assert.match(page, /in another way.*ip<\/code><\/td><td>3<.*drop/s);
  assert.doesNotMatch(page, /canary|171 1234567/);
  assert.match(await (await person.get('/masking/report')).text(), /Your reports.*changed.*done/s);
  assert.equal((await person.get('/masking/report/report_0')).status, 404);
  assert.equal((await person.post(`${address}/delete`, { csrf: '' })).status, 403);
  assert.equal((await person.post(`${address}/delete`, { csrf })).status, 303);
  assert.equal((await person.get(address)).status, 404);

  await traffic.recorder.close();
  const acts = (await readAll(db.pool, `admin/${day(0)}`)).map(({ bytes }) =>
    JSON.parse(bytes?.toString() ?? '{}'),
  );
  assert.deepEqual(
    acts
      .filter(({ act }) => act === 'masking.report')
      .map(({ report, via }) => [`/masking/report/${report}`, via]),
    [[address, 'console']],
  );
});

test('people who may not read recordings are shown no report, and without a policy there is none', async () => {
  await using db = await testDatabase();
  await using traffic = await withTraffic(db.pool);
  await using bare = await testConsole(db.pool, { ...traffic.deps, maskReport: null });
  assert.equal((await (await signedIn(bare.address)).get('/masking/report')).status, 503);
  await using keyless = await testConsole(db.pool, { ...traffic.deps, recordings: null });
  assert.equal((await (await signedIn(keyless.address)).get('/masking/report')).status, 503);
});

test('in a browser: axe finds nothing on the form and on a report', { skip: noBrowser }, async () => {
  await using db = await testDatabase();
  await using traffic = await withTraffic(db.pool);
  await using console = await testConsole(db.pool, traffic.deps);
  await using browser = await testBrowser();
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.page({ colorScheme });
    await page.goto(console.running.loginLink() ?? '');
    await page.getByRole('button', { name: 'Sign in as local-approver' }).click();
    await page.getByRole('link', { name: 'Policy' }).click();
    await page.getByRole('link', { name: /Compare recorded traffic/ }).click();
    await page.getByRole('textbox', { name: 'Changed policy' }).fill(changed);
    await page.getByLabel('Before (UTC)').fill(day(-1));
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('heading', { name: 'Would be masked in addition' }).waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    if (process.env['MASK_REPORT_SHOTS'])
      await page.screenshot({
        path: `${process.env['MASK_REPORT_SHOTS']}-${colorScheme}.png`,
        fullPage: true,
      });
  }
});
