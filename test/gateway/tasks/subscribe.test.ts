import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTasksServer } from '../../support/conformance/tasks-server.ts';
import { wire, type WireReply } from '../wire.ts';
import { type HoldingGateway, holdingScene, type Scene, strangers } from './scene.ts';

let upstream: Awaited<ReturnType<typeof startTasksServer>>;
let scene: Scene;
let one: HoldingGateway;
let two: HoldingGateway;
let stranger: HoldingGateway;
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
  - { name: writes, match: { tool: [greet, failing_job] }, then: hold, approvers: [dba] }
`,
  );
  one = await scene.start('one');
  two = await scene.start('two');
  stranger = await scene.start('stranger', { identifier: strangers });
});
after(async () => {
  await stranger[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

type Json = Record<string, unknown>;

function metaOf(declares: boolean): Json {
  const extensions = declares ? { 'io.modelcontextprotocol/tasks': {} } : {};
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { extensions },
  };
}

const headersOf = (method: string, params: Json): Record<string, string> => {
  const name = params['taskId'] ?? params['name'];
  return {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': method,
    ...(typeof name === 'string' && { 'mcp-name': name }),
  };
};

function ask(method: string, params: Json, url = one.url, declares = true): Promise<WireReply> {
  const body = { jsonrpc: '2.0', id: ids++, method, params: { ...params, _meta: metaOf(declares) } };
  return wire(url, JSON.stringify(body), headersOf(method, params));
}

async function taskOf(name: string, args: Json, url = one.url): Promise<string> {
  const { json, text } = await ask('tools/call', { name, arguments: args }, url);
  assert.equal(json?.result?.['resultType'], 'task', text);
  return String(json.result['taskId']);
}

interface Heard {
  readonly method: string;
  readonly params: Json & {
    readonly notifications?: Json;
    readonly taskId?: string;
    readonly status?: string;
  };
}

/** Opens a stream, and closes it once what was heard is enough. @returns all that was heard */
async function hear(
  notifications: Json,
  enough: (heard: readonly Heard[]) => boolean | Promise<boolean>,
  url = one.url,
): Promise<Heard[]> {
  const method = 'subscriptions/listen';
  const params = { notifications, _meta: metaOf(true) };
  const reply = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headersOf(method, {}),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 'sub', method, params }),
    signal: AbortSignal.timeout(30_000),
  });
  let text = '';
  for await (const chunk of reply.body ?? []) {
    text += Buffer.from(chunk).toString();
    const heard = [...text.matchAll(/^data: (\{.*\})$/gm)].map(
      (event) => JSON.parse(event[1] ?? '') as Heard,
    );
    // Leaving the loop closes the connection.
    if (await enough(heard)) return heard;
  }
  throw new Error(`the stream ended: ${reply.status} ${text}`);
}

const taskNews = (heard: readonly Heard[]): Heard[] =>
  heard.filter(({ method }) => method === 'notifications/tasks');
const acknowledgedIn = (heard: readonly Heard[]): Json | undefined =>
  heard.find(({ method }) => method === 'notifications/subscriptions/acknowledged')?.params.notifications;

test('a client that listens is told how its held task goes, with the result, by whichever replica it listens to', async () => {
  for (const at of [one, two]) {
    const taskId = await taskOf('greet', { name: at.name });
    const input = await scene.approvals.next(++opened);
    let approved = false;
    const heard = await hear(
      { taskIds: [taskId] },
      async (sofar) => {
        const news = taskNews(sofar);
        // What it is now is told first, so that nothing is missed between the call and the listening.
        if (news.length > 0 && !approved) {
          approved = true;
          assert.equal(news[0]?.params.status, 'working');
          assert.equal(await one.approve(input), 'succeeded');
        }
        return news.some(({ params }) => params.status === 'completed');
      },
      at.url,
    );
    assert.deepEqual(acknowledgedIn(heard), { taskIds: [taskId] });
    assert.equal(heard[0]?.method, 'notifications/subscriptions/acknowledged');
    const { params } = taskNews(heard).at(-1) as Heard;
    assert.deepEqual(params['_meta'], { 'io.modelcontextprotocol/subscriptionId': 'sub' });
    assert.match(JSON.stringify(params['result']), new RegExp(`Hello, ${at.name}!`));
    const { result } = (await ask('tasks/get', { taskId })).json ?? {};
    assert.deepEqual({ ...params, _meta: 0 }, { ...withoutType(result), _meta: 0 });
  }
});

const withoutType = (result: Json | undefined): Json => {
  const { resultType, ...rest } = result ?? {};
  assert.equal(resultType, 'complete');
  return rest;
};

test('tasks that upstream works at are told of by the client’s own ids, also those that go over to it', async () => {
  const passed = await taskOf('slow_compute', { seconds: 1.5, label: 'x' });
  const held = await taskOf('failing_job', {});
  const input = await scene.approvals.next(++opened);
  const approving = one.approve(input);
  const heard = await hear({ taskIds: [passed, held] }, (sofar) =>
    [passed, held].every((id) =>
      taskNews(sofar).some(({ params }) => params.taskId === id && params.status === 'completed'),
    ),
  );
  assert.equal(await approving, 'succeeded');
  for (const { params } of taskNews(heard)) assert.ok([passed, held].includes(String(params.taskId)));
});

test('no task id goes upstream by which a client listens, and none of upstream’s comes back', async () => {
  const taskId = await taskOf('slow_compute', { seconds: 0.1, label: 'y' });
  const raw = '5a7f1f0e-7d0c-4b7e-9d6e-0f4f6a6d1b11';
  upstream.bodies.length = 0;
  const heard = await hear(
    { toolsListChanged: true, taskIds: [taskId, raw] },
    (sofar) =>
      sofar.some(({ method }) => method === 'notifications/tools/list_changed') && taskNews(sofar).length > 0,
  );
  assert.deepEqual(acknowledgedIn(heard), { toolsListChanged: true, taskIds: [taskId] });
  for (const { params } of taskNews(heard)) assert.equal(params.taskId, taskId);
  const listens = upstream.bodies.filter((body) => body.includes('subscriptions/listen'));
  assert.equal(listens.length, 1);
  assert.ok(!listens[0]?.includes('taskIds') && !upstream.bodies.some((body) => body.includes(raw)));
  const plain = await hear({ toolsListChanged: true }, (sofar) =>
    sofar.some(({ method }) => method === 'notifications/tools/list_changed'),
  );
  assert.deepEqual(acknowledgedIn(plain), { toolsListChanged: true });
  assert.deepEqual(taskNews(plain), []);
});

test('another caller’s task is no task: it is not acknowledged, and nothing is told of it', async () => {
  const mine = await taskOf('slow_compute', { seconds: 0.1, label: 'mine' });
  const theirs = await taskOf('slow_compute', { seconds: 0.1, label: 'theirs' }, stranger.url);
  const heard = await hear(
    { taskIds: [mine, theirs] },
    (sofar) => taskNews(sofar).some(({ params }) => params.status === 'completed'),
    stranger.url,
  );
  assert.deepEqual(acknowledgedIn(heard), { taskIds: [theirs] });
  for (const { params } of taskNews(heard)) assert.equal(params.taskId, theirs);
});

test('a client that does not declare the extension, or names tasks by no ids, is refused', async () => {
  const listen = (taskIds: unknown, declares: boolean): Promise<WireReply> =>
    ask('subscriptions/listen', { notifications: { taskIds } }, one.url, declares);
  const undeclared = await listen(['tk_x'], false);
  assert.equal(undeclared.status, 400);
  assert.equal(undeclared.json?.error?.code, -32021);
  for (const wrong of ['tk_x', [7], [null], Array.from({ length: 1001 }, () => 'x')])
    assert.equal((await listen(wrong, true)).json?.error?.code, -32602);
});
