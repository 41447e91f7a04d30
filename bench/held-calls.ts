import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BenchSettings, Usage } from './hold-gateway.ts';

/** A process of `bench/hold-gateway.ts`. */
export interface Target {
  readonly ready: string;
  readonly process: ChildProcess;
  readonly lines: Interface;
}

export async function start(role: string, settings: BenchSettings): Promise<Target> {
  const program = fileURLToPath(new URL('./hold-gateway.ts', import.meta.url));
  const args = ['--expose-gc', program, role, JSON.stringify(settings)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  const ready = await nextLine(lines);
  return { ready, process: child, lines };
}

function nextLine(lines: Interface): Promise<string> {
  return new Promise((resolve) => lines.once('line', resolve));
}

export async function usageOf({ process: child, lines }: Target): Promise<Usage> {
  child.stdin?.write('usage\n');
  return JSON.parse(await nextLine(lines)) as Usage;
}

/** An upstream that notes when each call arrived, by the number in its arguments. */
export async function startUpstream(): Promise<{
  url: string;
  arrivals: Map<number, number>;
  stop: () => void;
}> {
  const arrivals = new Map<number, number>();
  const server = createServer((request, reply) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      if (request.method !== 'POST') return reply.writeHead(405).end();
      const { id, method, params } = JSON.parse(body) as {
        id?: unknown;
        method: string;
        params: { arguments?: { n: number } };
      };
      if (method === 'tools/call') arrivals.set(params.arguments?.n ?? -1, performance.now());
      if (id === undefined) return reply.writeHead(202).end();
      const result =
        method === 'initialize'
          ? {
              protocolVersion: '2025-11-25',
              capabilities: { tools: {} },
              serverInfo: { name: 'b', version: '1' },
            }
          : { content: [{ type: 'text', text: 'done' }] };
      reply.writeHead(200, { 'content-type': 'application/json' });
      return reply.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
  return { url, arrivals, stop: () => server.close() };
}

export const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2025-11-25',
};

export async function initialize(url: string): Promise<string> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' },
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
  const reply = await fetch(url, { method: 'POST', headers, body });
  await reply.text();
  return reply.headers.get('mcp-session-id') ?? '';
}

export function callOf(n: number): string {
  const text = 'the order of 14 March was shipped to the warehouse in Rotterdam';
  const params = { name: 'echo', arguments: { n, text }, _meta: { progressToken: n } };
  return JSON.stringify({ jsonrpc: '2.0', id: n, method: 'tools/call', params });
}
