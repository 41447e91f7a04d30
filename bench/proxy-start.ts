import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'undici';

/** A running process of `bench/proxy-targets.ts`. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly process: ChildProcess;
}

/** Starts a process of `bench/proxy-targets.ts`, which says its URL on its first line. */
export async function start(name: string, args: readonly string[]): Promise<Target> {
  const program = fileURLToPath(new URL('./proxy-targets.ts', import.meta.url));
  const child = spawn(process.execPath, [program, name, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()));
    child.once('exit', () => reject(new Error(`${name} did not start`)));
  });
  return { name, url, process: child };
}

/** What every message carries. */
export const headers = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-protocol-version': '2025-11-25',
};

/** Opens a session. @returns the headers that name it */
export async function initialize(pool: Pool, path: string): Promise<Record<string, string>> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1' },
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
  const reply = await pool.request({ method: 'POST', path, headers, body });
  await reply.body.text();
  const id = reply.headers['mcp-session-id'];
  return typeof id === 'string' ? { 'mcp-session-id': id } : {};
}
