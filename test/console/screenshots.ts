/**
 * Takes the screenshots of the console that the documentation shows: `node test/console/screenshots.ts`.
 * Look at them before committing: what reads badly here reads badly to an approver.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createRecordReader } from '../../db/records-read.ts';
import type { Pool } from '../../db/pool.ts';
import type { RecordEvent } from '../../recording/event.ts';
import { facts, keyRing, message, recorderOn } from '../recording/support.ts';
import { testBrowser } from '../support/browser.ts';
import { testDatabase } from '../support/postgres.ts';
import { holdCall, testConsole } from './support.ts';

const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const sql =
  "update accounts\nset plan = 'pro', note = 'as agreed'\nwhere id in (select account_id from invoices where paid and total > 100);";

await using db = await testDatabase();
const request = await fillRequests(db.pool);
await fillSession(db.pool);
const recordings = { reader: createRecordReader(db.pool), keyRing, recordAct: async () => {} };
await using console = await testConsole(db.pool, { recordings });
await using browser = await testBrowser();
await mkdir(folder, { recursive: true });
for (const colorScheme of ['light', 'dark'] as const) {
  const page = await browser.page({ colorScheme, viewport: { width: 1400, height: 1150 } });
  const shoot = async (path: string, name: string): Promise<void> => {
    await page.goto(console.address + path);
    await page.getByText('Live: changes appear by themselves.').waitFor();
    await page.screenshot({
      path: `${folder}console-${name}-${colorScheme}.png`,
      fullPage: name === 'request',
    });
  };
  await page.goto(console.running.loginLink() ?? '');
  await page.getByRole('button', { name: 'Sign in as local-approver' }).click();
  await shoot('/', 'approvals');
  await shoot(`/approvals/${request}`, 'request');
  await shoot('/sessions/session-1#event=10', 'replay');
}

async function fillRequests(pool: Pool): Promise<string> {
  const vote = (decision: string, reason: string | null) => ({
    jws: 'x',
    person: { keys: ['slack:T/U'], name: 'Berta Example' },
    decision,
    reason,
    via: 'slack',
    atMs: Date.now() - 60_000,
  });
  const shownArgs = JSON.stringify({ sql, password: '[masked:field]', limit: 1000, dry_run: false });
  const request = await holdCall(pool, {
    risk: 'critical',
    subject: 'carol@example.com',
    approvalsNeeded: 2,
    shownArgs,
  });
  await pool.query('update held_calls set decisions = $2 where call_id = $1', [
    request,
    JSON.stringify([vote('approve', 'Checked with billing.')]),
  ]);
  await holdCall(pool, {
    tool: 'write_file',
    connection: 'files',
    risk: 'medium',
    seconds: 95,
    rule: 'files-write',
  });
  await holdCall(pool, {
    tool: 'create_issue',
    connection: 'github',
    risk: 'low',
    seconds: 7000,
    rule: 'github-writes',
    client: 'mcp:cursor',
  });
  for (const state of ['succeeded', 'denied', 'unknown', 'expired']) {
    const votes =
      state === 'expired'
        ? []
        : [vote(state === 'denied' ? 'deny' : 'approve', 'Use the migration instead.')];
    await pool.query(
      'update held_calls set state = $2, decisions = $3, ended_at = now() where call_id = $1',
      [await holdCall(pool), state, JSON.stringify(votes)],
    );
  }
  return request;
}

async function fillSession(pool: Pool): Promise<void> {
  let atMs = Date.now() - 3_600_000;
  const clock = { wallMicros: () => (atMs += 7) * 1000 + 123, steadyMicros: () => atMs * 1000 };
  const recorder = recorderOn(pool, { clock });
  const session = facts('session-1');
  const own = (kind: RecordEvent['kind'], json: object): RecordEvent =>
    message(JSON.stringify(json), {
      kind,
      direction: 'none',
      method: null,
      verdict: null,
      rule: null,
      callId: 'c9',
    });
  for (let id = 0; id < 4; id++) {
    const call = { callId: `c${id}`, tool: 'list_tables' };
    const asked = {
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'list_tables', arguments: { schema: 'public' } },
    };
    const reply = {
      jsonrpc: '2.0',
      id,
      result: { content: [{ type: 'text', text: 'accounts\ninvoices\nowner [masked:email]' }] },
    };
    await recorder.append(session, message(JSON.stringify(asked), call));
    await recorder.append(
      session,
      message(JSON.stringify(reply), { ...call, direction: 'upstream-to-client', method: null }),
    );
    atMs += 800;
  }
  const asked = {
    jsonrpc: '2.0',
    id: 9,
    method: 'tools/call',
    params: { name: 'query', arguments: { sql } },
  };
  await recorder.append(
    session,
    message(JSON.stringify(asked), { callId: 'c9', verdict: 'hold', rule: 'writes' }),
  );
  await recorder.append(session, own('hold', { approvers: ['dba'], arguments: { sql } }));
  atMs += 4 * 60_000;
  await recorder.append(
    session,
    own('decision', { decision: 'approve', person: 'Berta Example', via: 'slack' }),
  );
  await recorder.append(session, own('claim', { digest: 'sha256:ab12' }));
  await recorder.append(session, own('outcome', { outcome: 'approved', execution: 'succeeded' }));
  const reply = { jsonrpc: '2.0', id: 9, result: { content: [{ type: 'text', text: 'UPDATE 12' }] } };
  await recorder.append(
    session,
    message(JSON.stringify(reply), {
      callId: 'c9',
      verdict: 'hold',
      rule: 'writes',
      direction: 'upstream-to-client',
      method: null,
    }),
  );
  await recorder.close();
}
