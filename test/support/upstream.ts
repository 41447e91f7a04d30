import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../cli/embedded/postgres.ts';

/** A real upstream MCP server, stopped when disposed. */
export interface TestUpstream extends AsyncDisposable {
  readonly url: string;
}

const modules = fileURLToPath(new URL('../../node_modules/@modelcontextprotocol/', import.meta.url));

/** Command that starts the official filesystem server over stdio. */
export function filesystemCommand(folder: string): string[] {
  return [process.execPath, `${modules}server-filesystem/dist/index.js`, folder];
}

/** Command that starts the official everything server over stdio. */
export function everythingCommand(): string[] {
  return [process.execPath, `${modules}server-everything/dist/index.js`, 'stdio'];
}

/** Starts the official everything server over streamable HTTP. */
export async function startEverything(
  transport: 'streamableHttp' | 'sse' = 'streamableHttp',
): Promise<TestUpstream> {
  const port = await freePort();
  const child = spawn(process.execPath, [`${modules}server-everything/dist/index.js`, transport], {
    env: { PATH: process.env['PATH'], PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await listening(child, port);
  const path = transport === 'sse' ? '/sse' : '/mcp';
  return {
    url: `http://127.0.0.1:${port}${path}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** An upstream that behaves as the test says, byte for byte: for what no well-behaved server would do. */
export async function startRawUpstream(
  listener: RequestListener,
): Promise<TestUpstream & { server: Server }> {
  const server = createHttpServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    url: `http://127.0.0.1:${port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`the upstream ended with ${child.exitCode}`);
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the upstream did not start to listen');
}
