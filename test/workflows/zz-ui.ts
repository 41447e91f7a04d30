import { freePort } from '../../cli/embedded/postgres.ts';
import { startTemporal } from '../../cli/embedded/temporal.ts';
import { searchAttributes, workflowIdOf } from '../../workflows/contract.ts';
import { testBrowser } from '../support/browser.ts';
import { testDatabase } from '../support/postgres.ts';
import { temporalPath } from '../support/temporal.ts';
import { ann, bob, workplace } from './support.ts';

await using db = await testDatabase();
const uiPort = await freePort();
const temporal = await startTemporal({
  binary: await temporalPath(),
  port: await freePort(),
  uiPort,
  namespace: 'default',
  dbFile: null,
  searchAttributes: Object.values(searchAttributes),
});
const place = await workplace(temporal.address, db);
await place.startWorker();
await place.startExecutor();
const a = await place.hold({
  connection: 'orders-db',
  tool: 'query',
  subject: 'ana@example.com',
  rule: 'writes',
  expiresAtMs: Date.now() + 1800000,
});
await place.vote(a, ann, 'approve', { reason: 'checked' });
const b = await place.hold({
  connection: 'orders-db',
  tool: 'query',
  subject: 'ana@example.com',
  rule: 'writes',
  expiresAtMs: Date.now() + 1800000,
});
await place.vote(b, bob, 'deny', {
  reason: 'not on a Friday, please: https://evil.example <img src=x> **bold**',
});
const c = await place.hold({
  connection: 'github',
  tool: 'merge_pull_request',
  subject: 'build-agent',
  risk: 'critical',
  rule: 'merges',
  approvalsNeeded: 2,
  approverGroups: ['dba', 'leads'],
  expiresAtMs: Date.now() + 1800000,
});
await place.vote(c, ann);
await place.hold({
  connection: 'files',
  tool: 'write_file',
  subject: 'local-agent',
  risk: 'medium',
  rule: 'writes-to-samples',
  reason: 'Writing `x` is [looked](http://evil) at.',
  expiresAtMs: Date.now() + 1800000,
});
await new Promise((r) => setTimeout(r, 3000));
await using browser = await testBrowser();
const page = await browser.page({ viewport: { width: 1400, height: 700 } });
await page.goto(`http://127.0.0.1:${uiPort}/namespaces/default/workflows`);
await page.waitForTimeout(3500);
await page.screenshot({ path: '/tmp/wf-ui/list.png' });
for (const [n, x] of [
  ['c', c],
  ['b', b],
] as const) {
  await page.goto(
    `http://127.0.0.1:${uiPort}/namespaces/default/workflows/${encodeURIComponent(workflowIdOf(x))}`,
  );
  await page.waitForTimeout(3500);
  await page.screenshot({ path: `/tmp/wf-ui/detail-${n}.png`, fullPage: true });
}
await place.close();
await temporal.stop();
