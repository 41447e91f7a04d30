import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noBrowser, testBrowser } from '../support/browser.ts';
import { agreeUpstream } from '../support/connect-scene.ts';
import { startGuardedUpstream } from '../support/guarded-upstream.ts';
import { createSite } from '../support/site.ts';

test('as it is installed: an agent is told where its person signs in at a server, they do, a call of theirs is held, approved and runs as them', {
  skip: noBrowser,
}, async () => {
  await using upstream = await startGuardedUpstream();
  await using browser = await testBrowser();
  await using site = await createSite({
    connections: { box: { url: upstream.url, credentials: { authorizationCode: {} } } },
    policy: {
      default: { then: 'hold', approvers: ['team'], timeout: '10m' },
      approvers: { team: { people: ['somebody@example.com'] } },
    },
  });
  const [, , console] = await Promise.all([
    site.start('worker'),
    site.start('gateway'),
    site.start('console'),
  ]);
  const agent = await site.agent('box');
  const textOf = (result: unknown): string =>
    (result as { content: { text: string }[] }).content.map(({ text }) => text).join('\n');
  const asked = textOf(await agent.callTool({ name: 'whoami' }));
  const link = /http:\S+\?ask=\S+/.exec(asked)?.[0] ?? assert.fail(asked);
  assert.ok(link.startsWith(`${site.consoleUrl}/connections/box`));
  const { rows } = await site.pool.query('select 1 from held_calls');
  assert.equal(rows.length, 0, 'nobody is asked to approve what could not be called');

  const page = await browser.page();
  await page.goto(/http:\S+\/login\?\S+/.exec(console.output())?.[0] ?? assert.fail(console.output()));
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.getByRole('heading', { name: 'Approvals' }).waitFor();
  await page.goto(link);
  await page.getByRole('button', { name: 'Connect box' }).click();
  await agreeUpstream(page, 'me-upstream');
  await page.getByText('since').waitFor();

  const calling = agent.callTool({ name: 'whoami' });
  const { callId } = await site.heldCall('whoami');
  const approved = await site.command('approvals', 'approve', callId);
  assert.equal(approved.code, 0, approved.err);
  assert.equal(textOf(await calling), 'you are me-upstream');
  assert.deepEqual(upstream.calls, [{ tool: 'whoami', by: 'me-upstream' }]);

  // Its person, or the server, ends the sign-in while the next call waits: refused at the door, so nothing ran.
  const again = agent.callTool({ name: 'whoami' });
  const next = await site.heldCall('whoami');
  await upstream.endAllGrants();
  assert.equal((await site.command('approvals', 'approve', next.callId)).code, 0);
  assert.match(textOf(await again), /not sent.*sign in yourself.*Nothing ran/s);
  const { rows: ended } = await site.pool.query('select state from held_calls where call_id = $1', [
    next.callId,
  ]);
  assert.deepEqual(ended, [{ state: 'failed' }]);
  assert.equal(upstream.calls.length, 1);
  assert.match(textOf(await agent.callTool({ name: 'whoami' })), /SIGN_IN_NEEDED/);
  for (const token of upstream.tokens) assert.ok(!site.outputs().includes(token));
});
