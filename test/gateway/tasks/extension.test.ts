import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTasksServer } from '../../support/conformance/tasks-server.ts';
import { wire, type WireReply } from '../wire.ts';
import { type HoldingGateway, holdingScene, type Scene, strangers } from './scene.ts';

let upstream: Awaited<ReturnType<typeof startTasksServer>>;
let scene: Scene;
let one: HoldingGateway;
let two: HoldingGateway;
let opened = 0;
let ids = 1;

before(async () => {
  upstream = await startTasksServer();
  scene = await holdingScene(
    upstream.url,
    `
default: pass
approvers: { dba: { people: [ann@example.com] } }
rules:
  - { name: writes, match: { tool: [greet, failing_job, test_tool_with_task] }, then: hold, approvers: [dba] }
`,
  );
  one = await scene.start('one', { settings: { replyBudgetMs: 1000 } });
  two = await scene.start('two');
});
after(async () => {
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Answer extends NonNullable<WireReply['json']> {
  readonly status: number;
}

/** A request of 2026-07-28; its client knows tasks unless told otherwise. */
async function ask(
  method: string,
  params: Record<string, unknown>,
  { url = one.url, declares = true }: { url?: string; declares?: boolean } = {},
): Promise<Answer> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': declares
      ? { extensions: { 'io.modelcontextprotocol/tasks': {} } }
      : {},
  };
  const name = params['taskId'] ?? params['name'];
  const reply = await wire(
    url,
    JSON.stringify({ jsonrpc: '2.0', id: ids++, method, params: { ...params, _meta: meta } }),
    {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': name }),
    },
  );
  assert.ok(reply.json, reply.text);
  return { ...reply.json, status: reply.status };
}

const call = (name: string, args: object, at: Parameters<typeof ask>[2] = {}): Promise<Answer> =>
  ask('tools/call', { name, arguments: args }, at);

async function taskOf(answer: Promise<Answer>): Promise<string> {
  const { result } = await answer;
  assert.equal(result?.['resultType'], 'task', JSON.stringify(result));
  assert.match(String(result['taskId']), /^tk_/);
  return String(result['taskId']);
}

async function ended(taskId: string, url = one.url): Promise<Record<string, unknown>> {
  for (;;) {
    const { result } = await ask('tasks/get', { taskId }, { url });
    assert.ok(result);
    if (result['status'] !== 'working') return result;
    await sleep(50);
  }
}

test('discovery says that held calls can be followed as tasks', async () => {
  const { result } = await ask('server/discover', {});
  const capabilities = result?.['capabilities'] as { extensions: object } | undefined;
  assert.deepEqual(capabilities?.extensions, { 'io.modelcontextprotocol/tasks': {} });
});

test('a held call is a task at once, and its result is in it, on any replica', async () => {
  const taskId = await taskOf(call('greet', { name: 'Ann' }));
  const input = await scene.approvals.next(++opened);
  const { result: working } = await ask('tasks/get', { taskId }, { url: two.url });
  assert.equal(working?.['resultType'], 'complete');
  assert.match(String(working?.['statusMessage']), /Waiting for dba/);
  assert.equal(await one.approve(input), 'succeeded');
  for (const url of [one.url, two.url]) {
    const done = await ended(taskId, url);
    assert.equal(done['status'], 'completed');
    assert.deepEqual((done['result'] as { content: unknown }).content, [
      { type: 'text', text: 'Hello, Ann!' },
    ]);
  }
});

test('a client that does not declare the extension is never given a task', async () => {
  const { result } = await call('greet', { name: 'Bob' }, { declares: false });
  await scene.approvals.next(++opened);
  assert.equal(result?.['resultType'], 'input_required');
  const { error, status } = await ask('tasks/get', { taskId: 'tk_x' }, { declares: false });
  assert.equal(error?.code, -32021);
  assert.equal(status, 400);
  assert.deepEqual(error.data?.['requiredCapabilities'], {
    extensions: { 'io.modelcontextprotocol/tasks': {} },
  });
});

test('what upstream makes a task of after approval is followed through the same task', async () => {
  const taskId = await taskOf(call('failing_job', {}));
  const input = await scene.approvals.next(++opened);
  assert.equal(await one.approve(input), 'succeeded');
  const done = await ended(taskId, two.url);
  assert.equal(done['taskId'], taskId);
  assert.equal(done['status'], 'completed');
  assert.equal((done['result'] as { isError: boolean }).isError, true);
});

test('upstream’s own task ids are never shown, and reach nothing when they are guessed', async () => {
  const taskId = await taskOf(call('slow_compute', { seconds: 0.2, label: 'x' }));
  const { result } = await ask('tasks/get', { taskId }, { url: two.url });
  assert.equal(result?.['taskId'], taskId);
  assert.equal((await ended(taskId))['status'], 'completed');
  const asked = upstream.seen.filter((method) => method === 'tasks/get').length;
  for (const guess of ['5a7f1f0e-7d0c-4b7e-9d6e-0f4f6a6d1b11', `${taskId.slice(0, -1)}_`])
    assert.equal((await ask('tasks/get', { taskId: guess })).error?.code, -32602);
  assert.equal(upstream.seen.filter((method) => method === 'tasks/get').length, asked);
});

test('cancelling a held task withdraws its request; cancelling it again is acknowledged', async () => {
  const taskId = await taskOf(call('greet', { name: 'Cyd' }));
  await scene.approvals.next(++opened);
  for (const url of [two.url, one.url])
    assert.deepEqual((await ask('tasks/cancel', { taskId }, { url })).result, { resultType: 'complete' });
  const over = await ended(taskId);
  assert.equal(over['status'], 'cancelled', JSON.stringify(over));
  while (!scene.approvals.log.some((line) => line.includes('cancelled'))) await sleep(50);
});

/** Calls the tool that asks first, as a client without tasks, and approves it. @returns what it asks */
async function asked(tag: number): Promise<{ state: string; answer: Record<string, unknown> }> {
  const params = { name: 'test_tool_with_task', arguments: { tag } };
  const answered = ask('tools/call', params, { declares: false });
  assert.equal(await one.approve(await scene.approvals.next(++opened)), 'succeeded');
  const { result } = await answered;
  assert.equal(result?.['resultType'], 'input_required');
  const state = String(result['requestState']);
  assert.ok(!state.includes('ask-1'), 'upstream’s own state is not shown');
  const inputResponses = { user_name: { action: 'accept', content: { answer: 'Ann' } } };
  return { state, answer: { ...params, inputResponses, requestState: state } };
}

test('the answer to what upstream asks in the middle of an approved call needs no second approval, and goes once', async () => {
  const { answer } = await asked(1);
  // This one says that it needs tasks, which only upstream can know: the answer has reached it, with its own state.
  const first = await ask('tools/call', answer, { declares: false, url: two.url });
  assert.equal(first.error?.code, -32021, JSON.stringify(first));
  const again = await ask('tools/call', answer, { declares: false });
  assert.equal(again.error?.code, -32602);
  assert.match(again.error.message, /was answered before; nothing was sent/);
  assert.equal(scene.approvals.opened.length, opened);
});

test('a state that was changed, or belongs to another call or caller, reaches nothing', async () => {
  const { state, answer } = await asked(2);
  await using stranger = await scene.start('stranger', { identifier: strangers });
  const callsSeen = (): number => upstream.seen.filter((method) => method === 'tools/call').length;
  const calls = callsSeen();
  const changed = `${state.slice(0, -3)}${state.endsWith('AAA') ? 'BBB' : 'AAA'}`;
  for (const forged of [
    { ...answer, requestState: changed },
    { ...answer, arguments: { tag: 3 } },
    { ...answer, name: 'greet' },
  ]) {
    const { error } = await ask('tools/call', forged, { declares: false });
    assert.equal(error?.code, -32602, JSON.stringify(forged));
  }
  const stolen = await ask('tools/call', answer, { declares: false, url: stranger.url });
  assert.equal(stolen.error?.code, -32602);
  assert.match(stolen.error.message, /is not one that was given for this request; nothing was sent/);
  assert.equal(callsSeen(), calls);
  assert.equal(scene.approvals.opened.length, opened);
  // It was only another's hands: the caller who was asked still can answer.
  const own = await ask('tools/call', answer, { declares: false });
  assert.equal(own.error?.code, -32021, JSON.stringify(own));
});

test('a task whose server asks something is answered by tasks/update, on any replica, and goes on to its end', async () => {
  const taskId = await taskOf(call('test_tool_with_task', { tag: 4 }));
  assert.equal(await one.approve(await scene.approvals.next(++opened)), 'succeeded');
  const asking = await ended(taskId, two.url);
  assert.equal(asking['status'], 'input_required');
  assert.deepEqual(Object.keys(asking['inputRequests'] as object), ['user_name']);
  const update = (inputResponses: object): Promise<Answer> =>
    ask('tasks/update', { taskId, inputResponses }, { url: two.url });
  assert.deepEqual((await update({ other: { action: 'accept' } })).result, { resultType: 'complete' });
  assert.equal((await ended(taskId))['status'], 'input_required');
  await update({ user_name: { action: 'accept', content: { answer: 'Ann' } } });
  let done = await ended(taskId);
  while (done['status'] === 'input_required') {
    await sleep(100);
    done = await ended(taskId);
  }
  assert.equal(done['status'], 'completed', JSON.stringify(done));
  assert.match(JSON.stringify(done['result']), /Hello .*Ann/);
  assert.equal(scene.approvals.opened.length, opened);
});
