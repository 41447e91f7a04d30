import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { handshake, wire, type WireReply } from '../wire.ts';
import { type HoldingGateway, holdingScene, type Scene } from './scene.ts';

interface Message {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: Record<string, unknown>;
}

/** A 2025-11-25 server whose tools must be called as tasks; it works at one until it is told to end. */
interface TaskingServer extends AsyncDisposable {
  readonly url: string;
  readonly got: Message[];
  readonly waiting: Map<string, { end(): void }>;
}

const serverId = 'task-of-the-server-1';
/** What no client gets, and nothing stores. */
const secret = `ghp_${'cAnary8x'.padEnd(36, 'q7X4vK9z2Jw8Mt5PhB3n')}`;

async function startTaskingServer(): Promise<TaskingServer> {
  const got: Message[] = [];
  const waiting = new Map<string, { end(): void }>();
  let made = 0;
  const answer = (reply: ServerResponse, { id }: Message, result: object): void => {
    reply.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' });
    reply.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  };
  const tool = (name: string): object => ({
    name,
    inputSchema: { type: 'object' },
    execution: { taskSupport: 'required' },
  });
  const handle = (message: Message, reply: ServerResponse): void => {
    got.push(message);
    const taskId = String(message.params?.['taskId']);
    const now = new Date().toISOString();
    switch (message.method) {
      case 'initialize':
        return answer(reply, message, {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {}, tasks: { cancel: {}, requests: { tools: { call: {} } } } },
          serverInfo: { name: 'tasking', version: '1' },
        });
      case 'tools/list':
        return answer(reply, message, { tools: [tool('held'), tool('passed'), tool(secret)] });
      case 'tools/call': {
        const shown = { createdAt: now, lastUpdatedAt: now, ttl: 60_000, pollInterval: 100 };
        const task = { taskId: `${serverId}.${++made}`, status: 'working', ...shown };
        return answer(reply, message, message.params?.['task'] ? { task } : { content: [] });
      }
      case 'tasks/result': {
        const status = { method: 'notifications/tasks/status', params: { taskId, status: 'working' } };
        reply.writeHead(200, { 'content-type': 'text/event-stream' });
        reply.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...status })}\n\n`);
        waiting.set(taskId, {
          end() {
            const result = { content: [{ type: 'text', text: `made by a task with ${secret}` }] };
            reply.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id: message.id, result })}\n\n`);
          },
        });
        return;
      }
      case 'tasks/cancel':
        return answer(reply, message, { taskId, status: 'cancelled' });
      default:
        reply.writeHead(202).end();
    }
  };
  const server = createServer((request, reply) => {
    if (request.method !== 'POST') {
      reply.writeHead(405).end();
      return;
    }
    void (async () => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      handle(JSON.parse(body) as Message, reply);
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/mcp`,
    got,
    waiting,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

let upstream: TaskingServer;
let scene: Scene;
let one: HoldingGateway;
let session: Record<string, string>;
let ids = 1;

before(async () => {
  upstream = await startTaskingServer();
  const policy =
    'default: pass\napprovers: { dba: { people: [ann@example.com] } }\n' +
    'rules: [{ name: writes, match: { tool: held }, then: hold, approvers: [dba] }]\n';
  scene = await holdingScene(upstream.url, policy);
  one = await scene.start('one', { metrics: true });
  session = await handshake(one.url);
  // What a tool wants is known once the tools were listed.
  await ask('tools/list', {});
});
after(async () => {
  await one[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function ask(
  method: string,
  params: object,
): Promise<NonNullable<WireReply['json']> & { text: string }> {
  const reply = await wire(one.url, JSON.stringify({ jsonrpc: '2.0', id: ids++, method, params }), session);
  assert.ok(reply.json, reply.text);
  return { ...reply.json, text: reply.text };
}

async function begin(name: string): Promise<string> {
  const { result, text } = await ask('tools/call', { name, arguments: {}, task: {} });
  assert.ok(!text.includes(serverId));
  return (result as { task: { taskId: string } }).task.taskId;
}

async function seen(method: string, count = 1): Promise<Message[]> {
  const found = (): Message[] => upstream.got.filter((message) => message.method === method);
  while (found().length < count) await sleep(20);
  return found();
}

async function gauges(): Promise<{ tasks: number; waiting: number }> {
  const port = one.gateway.gateway.metricsAddress?.port;
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const tasks = /^holdpoint_gateway_tasks (\d+)$/m.exec(text)?.[1];
  const waiting = /^holdpoint_gateway_held_waiting\{connection="db"\} (\d+)$/m.exec(text)?.[1] ?? 0;
  return { tasks: Number(tasks), waiting: Number(waiting) };
}

async function gaugesAre(expected: { tasks: number; waiting: number }): Promise<void> {
  for (let tries = 0; ; tries++) {
    const now = await gauges();
    if (JSON.stringify(now) === JSON.stringify(expected)) return;
    assert.ok(tries < 100, `${JSON.stringify(now)} is not ${JSON.stringify(expected)}`);
    await sleep(50);
  }
}

test('a tool that requires a task gets one, which is followed to its end for the client; its id stays upstream', async () => {
  const calls = upstream.got.length;
  const taskId = await begin('held');
  const input = await scene.approvals.next();
  assert.ok(!upstream.got.slice(calls).some(({ method }) => method === 'tools/call'));
  const approving = one.approve(input);
  const [asked] = await seen('tasks/result');
  const upstreamId = String(asked?.params?.['taskId']);
  assert.ok(upstreamId.startsWith(serverId));
  assert.equal((await ask('tasks/get', { taskId })).result?.['status'], 'working');
  const waiting = ask('tasks/result', { taskId });
  upstream.waiting.get(upstreamId)?.end();
  assert.equal(await approving, 'succeeded');
  const { result, text } = await waiting;
  assert.match(JSON.stringify(result), /made by a task with \[masked:github-token\]/);
  assert.ok(!text.includes(serverId) && !text.includes(secret), text);
  const sent = (await seen('tools/call')).filter(({ params }) => params?.['name'] === 'held');
  assert.equal(sent.length, 1);
  assert.deepEqual(sent[0]?.params?.['task'], {});
});

test('cancelling a task of a call that policy let pass cancels it upstream', async () => {
  const before = (await seen('tasks/result')).length;
  const taskId = await begin('passed');
  const upstreamId = (await seen('tasks/result', before + 1)).at(-1)?.params?.['taskId'];
  const { result } = await ask('tasks/cancel', { taskId });
  assert.equal(result?.['status'], 'cancelled');
  const [cancelled] = await seen('tasks/cancel');
  assert.equal(cancelled?.params?.['taskId'], upstreamId);
  assert.match(
    (await ask('tasks/result', { taskId })).text,
    /CANCELLED .* under way\. It may have taken effect/,
  );
});

test('of a task that is called by a secret, and brings one, neither is stored or given to the client', async () => {
  const before = (await seen('tasks/result')).length;
  const taskId = await begin(secret);
  const [asked] = (await seen('tasks/result', before + 1)).slice(before);
  const waiting = ask('tasks/result', { taskId });
  upstream.waiting.get(String(asked?.params?.['taskId']))?.end();
  const { text } = await waiting;
  assert.match(text, /made by a task with \[masked:github-token\]/);
  const { rows } = await scene.db.pool.query<{ line: string }>(
    'select t::text as line from mcp_tasks t union all select m::text from mcp_task_messages m',
  );
  assert.ok(rows.some(({ line }) => line.includes('[masked:github-token]')));
  for (const { line } of rows) assert.ok(!line.includes(secret), line);
});

test('the gauges of held calls and of tasks rise with them, and fall when they are over', async () => {
  await gaugesAre({ tasks: 0, waiting: 0 });
  const taskId = await begin('held');
  const input = await scene.approvals.next(2);
  await gaugesAre({ tasks: 1, waiting: 1 });
  const before = (await seen('tasks/result')).length;
  const approving = one.approve(input);
  const upstreamId = String((await seen('tasks/result', before + 1)).at(-1)?.params?.['taskId']);
  upstream.waiting.get(upstreamId)?.end();
  assert.equal(await approving, 'succeeded');
  assert.match((await ask('tasks/result', { taskId })).text, /made by a task/);
  await gaugesAre({ tasks: 0, waiting: 0 });
});
