import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Pool } from 'undici';
import { startTestPostgres } from '../test/support/postgres.ts';
import { httpConnection, testGateway } from '../test/support/gateway.ts';
import { toolRows } from './masking-reply.ts';

/**
 * The processes that `bench/proxy.ts` and `bench/loop.ts` measure: `upstream` (answers a tool call with its own text, or
 * with rows of so many bytes), `bare-proxy URL` (undici and nothing else), `gateway URL`. Says its URL; then, for every
 * line it reads, its CPU time, that of its event loop's thread, and how late the loop was at most since the last line, in ms
 * (0 before the first line `loop`).
 */

async function main(name: string, upstream: string): Promise<void> {
  const url = await started(name, upstream);
  console.log(url);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  process.stdin.on('data', (line: Buffer) => {
    // From the first `loop` on, since its timer wakes the loop a thousand times a second.
    if (line.toString() === 'loop\n') delay.enable();
    const all = process.cpuUsage();
    const loop = process.threadCpuUsage();
    const late = Math.max(0, delay.max / 1e6 - 1);
    delay.reset();
    console.log([all, loop].map(({ user, system }) => (user + system) / 1000).join(' '), late);
  });
  process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'));
}

async function started(name: string, upstream: string): Promise<string> {
  if (name === 'upstream') return listen(answer);
  if (name === 'bare-proxy') return listen(bareProxy(new URL(upstream)));
  // PostgreSQL as it is in production: every commit reaches the disk.
  const database = await startTestPostgres(['fsync=on']);
  process.env['HOLDPOINT_TEST_POSTGRES'] = database.url;
  const gateway = await testGateway({
    connections: { bench: httpConnection(upstream) },
    policy: benchPolicy,
    logLevel: 'warn',
  });
  const stop = async (): Promise<void> => {
    await gateway[Symbol.asyncDispose]();
    await database.stop();
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop());
  return gateway.url('bench');
}

/** A policy of ordinary size: what passes has been looked at by several rules, one of them in CEL. */
const benchPolicy = `
default: deny
rules:
  - { name: drops, match: { tool: "drop_*" }, then: deny }
  - { name: moves, match: { tool: move_file }, then: deny }
  - name: big
    when: call.tool == "echo" && call.args.text.size() > 1000000
    then: deny
  - { name: rest, match: { connection: bench }, then: pass }
`;

type Listener = (request: IncomingMessage, reply: ServerResponse) => void;

async function listen(listener: Listener): Promise<string> {
  const server = createServer({ keepAliveTimeout: 60_000 }, listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  process.once('SIGTERM', () => process.exit(0));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

function answer(request: IncomingMessage, reply: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    if (request.method !== 'POST') return reply.writeHead(405).end();
    const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString()) as Asked;
    const body = JSON.stringify({ jsonrpc: '2.0', id, result: resultOf(method, params) });
    return reply
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body);
  });
}

interface Asked {
  readonly id: unknown;
  readonly method: string;
  readonly params: { readonly arguments: { readonly text: string; readonly rows?: number } };
}

function resultOf(method: string, params: Asked['params']): object {
  if (method === 'initialize')
    return {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'bench', version: '1' },
    };
  if (method === 'tools/list') return { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] };
  const { text, rows } = params.arguments;
  return { content: [{ type: 'text', text: rows === undefined ? text : rowsOf(rows) }] };
}

const madeRows = new Map<number, string>();

/** Rows as a database's tool gives them, made once. */
function rowsOf(bytes: number): string {
  const made = madeRows.get(bytes) ?? toolRows(bytes);
  madeRows.set(bytes, made);
  return made;
}

function bareProxy(upstream: URL): Listener {
  const pool = new Pool(upstream.origin);
  return (request, reply) => {
    pool.dispatch(
      {
        method: 'POST',
        path: upstream.pathname,
        headers: {
          'content-type': 'application/json',
          accept: request.headers.accept ?? '',
          'content-length': request.headers['content-length'] ?? '',
        },
        body: request,
      },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          const { 'content-type': type = '', 'content-length': length = '' } = headers;
          reply.writeHead(status, { 'content-type': String(type), 'content-length': String(length) });
        },
        onResponseData(_controller, chunk) {
          reply.write(chunk);
        },
        onResponseEnd() {
          reply.end();
        },
        onResponseError(_controller, error) {
          reply.destroy(error);
        },
      },
    );
  };
}

await main(process.argv[2] ?? '', process.argv[3] ?? '');
