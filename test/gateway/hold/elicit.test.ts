import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startConformanceServer } from '../../support/conformance/server.ts';
import { type HoldingGateway, holdingScene, policy, type Scene } from '../tasks/scene.ts';
import { wire, type WireReply } from '../wire.ts';

let upstream: Awaited<ReturnType<typeof startConformanceServer>>;
let scene: Scene;
let page: HoldingGateway;
let waits: HoldingGateway;
let opened = 0;
let ids = 1;

before(async () => {
  upstream = await startConformanceServer();
  scene = await holdingScene(upstream.url, policy);
  const all = { connections: ['db'], subjects: null, credentials: null };
  const start = (elicit: 'page' | 'wait'): Promise<HoldingGateway> =>
    scene.start(elicit, { settings: { replyBudgetMs: 1000, clients: [{ ...all, elicit }] } });
  page = await start('page');
  waits = await start('wait');
});
after(async () => {
  await waits[Symbol.asyncDispose]();
  await page[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function begin(
  url: string,
  protocolVersion: string,
  capabilities: object,
): Promise<Record<string, string>> {
  const params = { protocolVersion, capabilities, clientInfo: { name: 'wire', version: '1' } };
  const reply = await wire(url, JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }));
  return {
    'mcp-session-id': String(reply.headers['mcp-session-id']),
    'mcp-protocol-version': protocolVersion,
  };
}

const call = (url: string, session: Record<string, string>, args: object, id = ids++): Promise<WireReply> =>
  wire(
    url,
    JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'test_simple_text', arguments: args },
    }),
    session,
  );

async function waiterOf(at: HoldingGateway, callId: string): Promise<void> {
  while (at.replica.deps.waiters.of(callId).length === 0) await sleep(20);
}

test('2025-11-25: a client whose user can visit pages is sent to the request’s, comes back, and gets the result', async () => {
  const session = await begin(page.url, '2025-11-25', { elicitation: { url: {} } });
  const sent = await call(page.url, session, { n: 1 });
  const input = await scene.approvals.next(++opened);
  assert.equal(sent.json?.error?.code, -32042);
  const data = sent.json.error.data as { elicitations?: Record<string, string>[] } | undefined;
  const asked = data?.elicitations?.[0];
  assert.equal(asked?.['mode'], 'url');
  assert.equal(asked?.['elicitationId'], input.callId);
  assert.equal(asked?.['url'], `http://127.0.0.1:8471/approvals/${input.callId}`);
  const again = call(page.url, session, { n: 1 });
  await waiterOf(page, input.callId);
  assert.equal(await page.approve(input), 'succeeded');
  const { text } = await again;
  assert.match(
    text,
    new RegExp(`"method":"notifications/elicitation/complete","params":{"elicitationId":"${input.callId}"`),
  );
  assert.match(text, /This is a simple text response/);
  assert.equal(scene.approvals.opened.length, opened);
});

test('2026-07-28: the page is asked for in the first leg, and what the client says of it approves nothing', async () => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } },
  };
  const leg = (more: object): Promise<WireReply> =>
    wire(
      page.url,
      JSON.stringify({
        jsonrpc: '2.0',
        id: ids++,
        method: 'tools/call',
        params: { name: 'test_simple_text', arguments: { n: 2 }, _meta: meta, ...more },
      }),
      { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'test_simple_text' },
    );
  const first = (await leg({})).json?.result;
  const input = await scene.approvals.next(++opened);
  assert.equal(first?.['resultType'], 'input_required');
  const { approval } = first['inputRequests'] as Record<
    string,
    { method: string; params: Record<string, string> }
  >;
  assert.equal(approval?.method, 'elicitation/create');
  assert.equal(approval.params['mode'], 'url');
  const inputResponses = { approval: { action: 'accept' } };
  const second = leg({ requestState: first['requestState'], inputResponses });
  await waiterOf(page, input.callId);
  const { rows } = await scene.db.pool.query('select state from held_calls where call_id = $1', [
    input.callId,
  ]);
  assert.deepEqual(rows, [{ state: 'pending' }]);
  assert.equal(await page.approve(input), 'succeeded');
  assert.match((await second).text, /This is a simple text response/);
  assert.equal(scene.approvals.opened.length, opened);
});

test('a client whose clock stands still while it is asked something is kept for longer than its budget, by a question', async () => {
  const session = await begin(waits.url, '2025-06-18', { elicitation: {} });
  const waiting = call(waits.url, session, { n: 3 });
  const input = await scene.approvals.next(++opened);
  await waiterOf(waits, input.callId);
  // One that is asked nothing began later: when its time is up, so would this one's be.
  const plain = call(waits.url, await begin(waits.url, '2025-06-18', {}), { n: 30 });
  const other = await scene.approvals.next(++opened);
  assert.match((await plain).text, new RegExp(`PENDING_APPROVAL ${other.callId}`));
  assert.equal(waits.replica.deps.waiters.of(input.callId).length, 1);
  assert.equal(await waits.approve(input), 'succeeded');
  const { text } = await waiting;
  const question = /"id":"(holdpoint-hp_[^"]+)".*"method":"elicitation\/create"/.exec(text)?.[1];
  assert.ok(question?.includes(input.callId), text);
  assert.match(text, new RegExp(`"method":"notifications/cancelled"`));
  assert.match(text, /This is a simple text response/);
});

test('answering that question approves nothing and never reaches upstream: the call is answered as pending', async () => {
  const session = await begin(waits.url, '2025-06-18', { elicitation: {} });
  const waiting = call(waits.url, session, { n: 4 });
  const input = await scene.approvals.next(++opened);
  await waiterOf(waits, input.callId);
  const answer = {
    jsonrpc: '2.0',
    id: `holdpoint-${input.callId}.x`,
    result: { action: 'accept', content: {} },
  };
  assert.equal((await wire(waits.url, JSON.stringify(answer), session)).status, 202);
  assert.match((await waiting).text, new RegExp(`PENDING_APPROVAL ${input.callId}`));
  const { rows } = await scene.db.pool.query('select state from held_calls where call_id = $1', [
    input.callId,
  ]);
  assert.deepEqual(rows, [{ state: 'pending' }]);
});

test('a client that did not say so is asked nothing', async () => {
  for (const at of [page, waits]) {
    const session = await begin(at.url, '2025-11-25', {});
    const { text } = await call(at.url, session, { n: 5 });
    assert.match(text, /PENDING_APPROVAL hp_/);
    assert.ok(!text.includes('elicitation'));
  }
});
