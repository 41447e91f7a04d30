import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const extension = 'io.modelcontextprotocol/tasks';
type Json = Record<string, unknown>;

interface Task {
  readonly taskId: string;
  status: 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';
  inputRequests: Json;
  answers: Json;
  result?: Json;
  error?: Json;
  readonly createdAt: string;
  lastUpdatedAt: string;
  /** What comes of the task once all inputs are there. */
  readonly finish: (answers: Json) => Json;
}

interface Call {
  readonly name: string;
  readonly args: Json;
  readonly params: Json;
  readonly declares: boolean;
}

/** A refusal with its JSON-RPC code and HTTP status. */
class Refusal extends Error {
  readonly code: number;
  readonly status: number;
  readonly data: unknown;
  constructor(code: number, status: number, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.status = status;
    this.data = data;
  }
}

/**
 * A 2026-07-28 server with the fixtures of the tasks-extension scenarios, written on bare HTTP since no published SDK
 * has a runtime for that extension.
 */
export async function startTasksServer(): Promise<
  AsyncDisposable & { readonly url: string; readonly seen: string[]; readonly bodies: string[] }
> {
  const tasks = new Map<string, Task>();
  const seen: string[] = [];
  const bodies: string[] = [];
  const server = createServer((request, reply) => {
    void (async () => {
      const body = await bodyOf(request);
      bodies.push(body);
      const message = JSON.parse(body) as { id?: unknown; method: string; params?: Json };
      seen.push(message.method);
      const answer = { jsonrpc: '2.0', id: message.id ?? null };
      try {
        refuseMismatch(request, message.method, message.params ?? {});
        if (message.method === 'subscriptions/listen' && listen(tasks, message, reply)) return;
        const result = answerTo(tasks, message.method, message.params ?? {});
        reply.writeHead(200, { 'content-type': 'application/json' });
        reply.end(JSON.stringify({ ...answer, result }));
      } catch (error) {
        const { code, status, data, message: words } = error as Refusal;
        reply.writeHead(status, { 'content-type': 'application/json' });
        reply.end(
          JSON.stringify({ ...answer, error: { code, message: words, ...(data !== undefined && { data }) } }),
        );
      }
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/mcp`,
    seen,
    bodies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

function refuseMismatch({ headers }: IncomingMessage, method: string, params: Json): void {
  const name = /^tasks\/(?:get|update|cancel)$/.test(method)
    ? params['taskId']
    : method === 'tools/call'
      ? params['name']
      : undefined;
  if (headers['mcp-method'] !== method || (name !== undefined && headers['mcp-name'] !== name))
    throw new Refusal(-32020, 400, 'header mismatch');
}

/** Tells everybody who wants to hear of tools of all tasks, too, as a careless server would. @returns false without that */
function listen(
  tasks: ReadonlyMap<string, Task>,
  message: { readonly id?: unknown; readonly params?: Json },
  reply: ServerResponse,
): boolean {
  const { toolsListChanged } = (message.params?.['notifications'] ?? {}) as Json;
  if (toolsListChanged !== true) return false;
  const meta = { 'io.modelcontextprotocol/subscriptionId': message.id };
  const tell = (method: string, params: Json): void => {
    const json = JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, _meta: meta } });
    reply.write(`event: message\ndata: ${json}\n\n`);
  };
  reply.writeHead(200, { 'content-type': 'text/event-stream' });
  const taskIds = [...tasks.keys()];
  tell('notifications/subscriptions/acknowledged', { notifications: { toolsListChanged, taskIds } });
  for (const task of tasks.values()) tell('notifications/tasks', told(task));
  tell('notifications/tools/list_changed', {});
  return true;
}

function declares(params: Json): boolean {
  const meta = params['_meta'] as Record<string, Json> | undefined;
  return (
    extension in
    ((meta?.['io.modelcontextprotocol/clientCapabilities']?.['extensions'] as Json | undefined) ?? {})
  );
}

function answerTo(tasks: Map<string, Task>, method: string, params: Json): Json {
  switch (method) {
    case 'server/discover':
      return {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {}, extensions: { [extension]: {} } },
        ttlMs: 0,
        cacheScope: 'public',
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'tasks', version: '1' } },
      };
    case 'tools/list':
      return { resultType: 'complete', tools: names.map(toolOf), ttlMs: 0, cacheScope: 'public' };
    case 'tools/call':
      return call(tasks, {
        name: String(params['name']),
        args: (params['arguments'] ?? {}) as Json,
        params,
        declares: declares(params),
      });
    case 'tasks/get':
    case 'tasks/update':
    case 'tasks/cancel':
      return about(tasks, method, params);
    default:
      throw new Refusal(-32601, 404, `no method ${method}`);
  }
}

const names = [
  'greet',
  'slow_compute',
  'failing_job',
  'protocol_error_job',
  'confirm_delete',
  'multi_input',
  'test_tool_with_task',
];
const toolOf = (name: string): Json => ({ name, inputSchema: { type: 'object' } });
const complete = (text: string, more: Json = {}): Json => ({
  resultType: 'complete',
  content: [{ type: 'text', text }],
  ...more,
});
const elicit = (message: string): Json => ({
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message,
    requestedSchema: { type: 'object', properties: { answer: { type: 'string' } } },
  },
});

function call(tasks: Map<string, Task>, { name, args, params, declares: may }: Call): Json {
  const answers = params['inputResponses'] as Json | undefined;
  switch (name) {
    case 'greet':
      return complete(`Hello, ${String(args['name'])}!`);
    case 'slow_compute': {
      const done = complete(`computed ${String(args['label'])}`);
      return may ? begin(tasks, { finish: () => done, afterMs: Number(args['seconds']) * 1000 }) : done;
    }
    case 'failing_job':
      mustDeclare(may);
      return begin(tasks, { finish: () => complete('it failed', { isError: true }), afterMs: 300 });
    case 'protocol_error_job':
      return begin(tasks, { finish: () => ({ error: { code: -32603, message: 'panic' } }), afterMs: 300 });
    case 'confirm_delete':
      return begin(tasks, { finish: () => complete('deleted'), inputs: { confirm: elicit('Delete?') } });
    case 'multi_input':
      return begin(tasks, { finish: () => complete('both'), inputs: { a: elicit('a?'), b: elicit('b?') } });
    case 'test_tool_with_task': {
      if (!answers)
        return {
          resultType: 'input_required',
          inputRequests: { user_name: elicit('Who?') },
          requestState: 'ask-1',
        };
      if (params['requestState'] !== 'ask-1') throw new Refusal(-32602, 400, 'that state was not given');
      mustDeclare(may);
      return begin(tasks, { finish: () => complete(`Hello ${JSON.stringify(answers)}`), afterMs: 100 });
    }
    default:
      throw new Refusal(-32602, 400, 'no such tool');
  }
}

function mustDeclare(may: boolean): void {
  if (!may)
    throw new Refusal(-32021, 400, 'Missing required client capability', {
      requiredCapabilities: { extensions: { [extension]: {} } },
    });
}

function begin(
  tasks: Map<string, Task>,
  { finish, afterMs, inputs = {} }: { finish: Task['finish']; afterMs?: number; inputs?: Json },
): Json {
  const now = new Date().toISOString();
  const task: Task = {
    taskId: randomUUID(),
    status: 'working',
    inputRequests: inputs,
    answers: {},
    createdAt: now,
    lastUpdatedAt: now,
    finish,
  };
  tasks.set(task.taskId, task);
  if (afterMs === undefined) setTimeout(() => (task.status = 'input_required'), 50).unref();
  else setTimeout(() => settle(task), afterMs).unref();
  return { resultType: 'task', ...told(task), status: 'working' };
}

function settle(task: Task): void {
  if (task.status === 'cancelled') return;
  const { error, ...result } = task.finish(task.answers) as { error?: Json };
  Object.assign(task, error ? { status: 'failed', error } : { status: 'completed', result });
  task.lastUpdatedAt = new Date().toISOString();
}

function told({ taskId, status, createdAt, lastUpdatedAt }: Task): Json {
  return { taskId, status, createdAt, lastUpdatedAt, ttlMs: 3_600_000, pollIntervalMs: 100 };
}

function about(tasks: Map<string, Task>, method: string, params: Json): Json {
  mustDeclare(declares(params));
  const task = tasks.get(String(params['taskId']));
  if (!task) throw new Refusal(-32602, 400, 'Task not found');
  const ended = ['completed', 'failed', 'cancelled'].includes(task.status);
  if (method === 'tasks/cancel') {
    if (!ended) task.status = 'cancelled';
    return { resultType: 'complete' };
  }
  if (method === 'tasks/update') {
    for (const [key, answer] of Object.entries((params['inputResponses'] ?? {}) as Json))
      if (key in task.inputRequests) {
        task.answers[key] = answer;
        delete task.inputRequests[key];
      }
    if (task.status === 'input_required' && Object.keys(task.inputRequests).length === 0) settle(task);
    return { resultType: 'complete' };
  }
  const { status, inputRequests, result, error } = task;
  return {
    resultType: 'complete',
    ...told(task),
    ...(status === 'input_required' && { inputRequests }),
    ...(status === 'completed' && { result }),
    ...(status === 'failed' && { error }),
  };
}
