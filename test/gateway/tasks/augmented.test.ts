import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startConformanceServer } from '../../support/conformance/server.ts';
import { handshake, wire, type WireReply } from '../wire.ts';
import { type HoldingGateway, holdingScene, policy, type Scene } from './scene.ts';

let upstream: Awaited<ReturnType<typeof startConformanceServer>>;
let scene: Scene;
let one: HoldingGateway;
let two: HoldingGateway;
let session: Record<string, string>;
let opened = 0;
let ids = 100;

before(async () => {
  upstream = await startConformanceServer();
  scene = await holdingScene(upstream.url, policy);
  one = await scene.start('one');
  two = await scene.start('two');
  session = await handshake(one.url);
});
after(async () => {
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

type Result = NonNullable<NonNullable<WireReply['json']>['result']>;

async function ask(
  method: string,
  params: object,
  { url = one.url, headers = session }: { url?: string; headers?: Record<string, string> } = {},
): Promise<NonNullable<WireReply['json']>> {
  const reply = await wire(url, JSON.stringify({ jsonrpc: '2.0', id: ids++, method, params }), headers);
  assert.ok(reply.json, reply.text);
  return reply.json;
}

async function asTask(name: string, args: object = {}, task: object = {}): Promise<string> {
  const { result, error } = await ask('tools/call', { name, arguments: args, task });
  assert.equal(error, undefined, JSON.stringify(error));
  const created = (result as { task: { taskId: string; status: string } }).task;
  assert.equal(created.status, 'working');
  assert.match(created.taskId, /^tk_[\w-]{22}$/);
  return created.taskId;
}

const textOf = (result: Result | undefined): string =>
  (result as { content?: { text: string }[] } | undefined)?.content?.[0]?.text ?? '';
const statusOf = async (taskId: string, url = one.url): Promise<string> =>
  (await ask('tasks/get', { taskId }, { url })).result?.['status'] as string;

test('where calls may be held, the handshake and the tools say that they can be followed as tasks', async () => {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  const { result } = await ask('initialize', params, { headers: {} });
  const capabilities = result?.['capabilities'] as { tasks?: unknown } | undefined;
  assert.deepEqual(capabilities?.tasks, {
    list: {},
    cancel: {},
    requests: { tools: { call: {} } },
  });
  const listed = (await ask('tools/list', {})).result as {
    tools: { name: string; execution?: { taskSupport?: string } }[];
  };
  const support = (name: string): string | undefined =>
    listed.tools.find((tool) => tool.name === name)?.execution?.taskSupport;
  assert.equal(support('test_simple_text'), 'optional');
  assert.notEqual(support('test_error_handling'), 'optional');
  const older = await ask('initialize', { ...params, protocolVersion: '2025-06-18' }, { headers: {} });
  assert.ok(older.result && !JSON.stringify(older.result).includes('"tasks"'));
});

test('a held call that is a task: one card, one execution, and the result from any replica, more than once', async () => {
  const taskId = await asTask('test_simple_text', {}, { ttl: 120_000 });
  const input = await scene.approvals.next(++opened);
  const got = (await ask('tasks/get', { taskId }, { url: two.url })).result as Record<string, unknown>;
  assert.equal(got['status'], 'working');
  assert.match(String(got['statusMessage']), new RegExp(`Waiting for dba to approve ${input.callId}`));
  assert.ok(Number(got['ttl']) >= 120_000 && Number(got['pollInterval']) > 0);
  // The result is asked for where the call is not, and before it is there.
  const waiting = ask('tasks/result', { taskId }, { url: two.url });
  assert.equal(await one.approve(input), 'succeeded');
  for (const { result, id } of [await waiting, await ask('tasks/result', { taskId })]) {
    assert.equal(textOf(result), 'This is a simple text response for testing.');
    assert.deepEqual(result?.['_meta'], { 'io.modelcontextprotocol/related-task': { taskId } });
    assert.equal(typeof id, 'number');
  }
  assert.equal(await statusOf(taskId, two.url), 'completed');
  assert.equal(scene.approvals.opened.length, opened);
});

test('a call that policy lets pass is a task, too, when its client asks for one', async () => {
  const taskId = await asTask('test_error_handling');
  const { result } = await ask('tasks/result', { taskId });
  assert.equal(result?.['isError'], true);
  assert.equal(await statusOf(taskId), 'completed');
});

test('a denial, by policy or by a person, is a completed task whose result the model can read', async () => {
  const denied = await asTask('test_audio_content');
  const byPolicy = (await ask('tasks/result', { taskId: denied })).result;
  assert.match(textOf(byPolicy), /^DENIED by policy rule "never"/);
  assert.equal(await statusOf(denied), 'completed');
  const taskId = await asTask('test_image_content');
  const { callId } = await scene.approvals.next(++opened);
  await scene.db.pool.query(`update held_calls set state = 'denied', decisions = $2 where call_id = $1`, [
    callId,
    JSON.stringify([{ decision: 'deny', person: { name: 'Ann' }, reason: 'no' }]),
  ]);
  const byPerson = (await ask('tasks/result', { taskId })).result;
  assert.match(textOf(byPerson), /^DENIED hp_.* Ann denied it, saying "no"/);
  assert.equal(byPerson?.['isError'], true);
  assert.equal(await statusOf(taskId), 'completed');
});

test('cancelling a task cancels its request, from any replica; what has ended cannot be cancelled', async () => {
  const taskId = await asTask('test_simple_text', { n: 1 });
  const { callId } = await scene.approvals.next(++opened);
  const { result } = await ask('tasks/cancel', { taskId }, { url: two.url });
  assert.equal(result?.['status'], 'cancelled');
  while ((await stateOf(callId)) !== 'cancelled') await sleep(50);
  assert.match(textOf((await ask('tasks/result', { taskId })).result), /^CANCELLED .* nothing ran/);
  const again = await ask('tasks/cancel', { taskId });
  assert.equal(again.error?.code, -32602);
  while ((await taskRow(taskId)).replica !== null) await sleep(50);
});

test('a task id of nobody’s, of another connection’s or of another caller’s reaches nothing', async () => {
  const taskId = await asTask('test_error_handling');
  for (const unknown of ['tk_AAAAAAAAAAAAAAAAAAAAAA', '../x', 7, null]) {
    for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel'])
      assert.equal((await ask(method, { taskId: unknown })).error?.code, -32602);
  }
  await scene.db.pool.query(`update mcp_tasks set caller_key = 'oidc:x#other' where task_id = $1`, [taskId]);
  assert.equal((await ask('tasks/get', { taskId })).error?.code, -32602);
  const { tasks } = (await ask('tasks/list', {})).result as { tasks: { taskId: string }[] };
  assert.ok(!tasks.some((task) => task.taskId === taskId));
});

test('the list of tasks comes in pages, newest first; a cursor of somebody’s own making is refused', async () => {
  const made: string[] = [];
  for (let n = 0; n < 52; n++) made.push(await asTask('test_error_handling', { n }));
  const first = (await ask('tasks/list', {})).result as { tasks: { taskId: string }[]; nextCursor: string };
  assert.equal(first.tasks.length, 50);
  assert.equal(first.tasks[0]?.taskId, made.at(-1));
  const next = (await ask('tasks/list', { cursor: first.nextCursor })).result as {
    tasks: { taskId: string }[];
  };
  assert.ok(made.slice(0, 2).every((id) => next.tasks.some((task) => task.taskId === id)));
  assert.equal((await ask('tasks/list', { cursor: 'bm9uc2Vuc2U' })).error?.code, -32602);
});

test('a task’s server asks its client on the stream that waits for the result, whichever replica has it', async () => {
  const asking = await handshakeThatElicits();
  const created = await ask(
    'tools/call',
    { name: 'test_elicitation', arguments: { message: 'who?' }, task: {} },
    { headers: asking },
  );
  const { taskId } = (created.result as { task: { taskId: string } }).task;
  while ((await statusOf(taskId)) !== 'input_required') await sleep(50);
  const reply = await fetch(two.url, {
    method: 'POST',
    headers: { ...asking, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 'r', method: 'tasks/result', params: { taskId } }),
  });
  let text = '';
  for await (const chunk of reply.body ?? []) {
    text += Buffer.from(chunk).toString();
    const asked = /^data: (\{.*"elicitation\/create".*\})$/m.exec(text)?.[1];
    if (!asked || text.includes('"id":"r"')) continue;
    const { id, params } = JSON.parse(asked) as { id: unknown; params: Record<string, unknown> };
    assert.deepEqual(params['_meta'], { 'io.modelcontextprotocol/related-task': { taskId } });
    const answer = {
      jsonrpc: '2.0',
      id,
      result: { action: 'accept', content: { username: 'ann', email: 'a@b.c' } },
    };
    if (!text.includes('answered')) await wire(one.url, JSON.stringify(answer), asking);
    text = 'answered';
  }
  assert.match(text, /"id":"r"/);
  assert.equal(await statusOf(taskId), 'completed');
});

test('a session that listens is told when its tasks change', async () => {
  const aborter = new AbortController();
  const reply = await fetch(one.url, {
    headers: { ...session, accept: 'text/event-stream' },
    signal: aborter.signal,
  });
  const taskId = await asTask('test_error_handling');
  let text = '';
  for await (const chunk of reply.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (text.includes(taskId) && text.includes('"status":"completed"')) break;
  }
  assert.match(text, /"method":"notifications\/tasks\/status"/);
  aborter.abort();
});

test('a gateway that is gone leaves its tasks to another, which goes on with them', async () => {
  const three = await scene.start('three');
  const theirs = await handshake(three.url);
  const at = { url: three.url, headers: theirs };
  const created = await ask('tools/call', { name: 'test_simple_text', arguments: { gone: 1 }, task: {} }, at);
  const { taskId } = (created.result as { task: { taskId: string } }).task;
  const input = await scene.approvals.next(++opened);
  await three[Symbol.asyncDispose]();
  while (
    (await taskRow(taskId)).replica === null ||
    one.replica.deps.waiters.of(input.callId).length + two.replica.deps.waiters.of(input.callId).length === 0
  )
    await sleep(100);
  const holder = one.replica.deps.waiters.of(input.callId).length > 0 ? one : two;
  assert.equal(await holder.approve(input), 'succeeded');
  const { result } = await ask('tasks/result', { taskId }, { headers: theirs });
  assert.equal(textOf(result), 'This is a simple text response for testing.');
  assert.equal(scene.approvals.opened.length, opened);
});

test('a passed call whose gateway died is told to be of unknown outcome, not lost', async () => {
  const taskId = await asTask('test_error_handling');
  await ask('tasks/result', { taskId });
  // As the row of a gateway looks that was killed in the middle of it.
  await scene.db.pool.query('alter table mcp_tasks disable trigger mcp_tasks_guard');
  await scene.db.pool.query(
    `update mcp_tasks set state = 'working', sealed_response = null, replica = 'dead' where task_id = $1`,
    [taskId],
  );
  await scene.db.pool.query('alter table mcp_tasks enable trigger mcp_tasks_guard');
  const { result } = await ask('tasks/result', { taskId });
  assert.match(textOf(result), /^OUTCOME_UNKNOWN tk_/);
});

async function handshakeThatElicits(): Promise<Record<string, string>> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'wire', version: '1' },
  };
  const reply = await wire(one.url, JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }));
  return { 'mcp-session-id': String(reply.headers['mcp-session-id']), 'mcp-protocol-version': '2025-11-25' };
}

async function stateOf(callId: string): Promise<string | undefined> {
  const { rows } = await scene.db.pool.query<{ state: string }>(
    'select state from held_calls where call_id = $1',
    [callId],
  );
  return rows[0]?.state;
}

async function taskRow(taskId: string): Promise<{ replica: string | null }> {
  const { rows } = await scene.db.pool.query<{ replica: string | null }>(
    'select replica from mcp_tasks where task_id = $1',
    [taskId],
  );
  return rows[0] ?? { replica: null };
}
