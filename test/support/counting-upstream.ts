import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { z } from 'zod';

/** An MCP server (official SDK) that counts what reaches it. */
export interface CountingUpstream extends AsyncDisposable {
  readonly url: string;
  /** Arguments of every call of a tool that arrived, in order. */
  calls(tool: string): readonly unknown[];
  /** Raw bodies of every request that arrived. */
  readonly bodies: readonly string[];
  /** Makes calls of `slow` wait until {@link release}. */
  release(): void;
}

/** Tools: `run` (risky), `slow` (waits for `release`), `echo` (harmless; answers with its text). */
export async function startCountingUpstream(): Promise<CountingUpstream> {
  const calls: { tool: string; args: unknown }[] = [];
  const bodies: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((done) => {
    release = done;
  });
  const server = createServer((request, response) => {
    void (async () => {
      const body = await readBody(request);
      bodies.push(body);
      // Stateless: one server a request.
      const mcp = makeServer(calls, released);
      const transport = new StreamableHTTPServerTransport({});
      response.on('close', () => void transport.close());
      await mcp.connect(transport);
      await transport.handleRequest(request, response, body ? (JSON.parse(body) as unknown) : undefined);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    calls: (tool) => calls.filter((call) => call.tool === tool).map(({ args }) => args),
    bodies,
    release: () => release(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function makeServer(calls: { tool: string; args: unknown }[], released: Promise<void>): McpServer {
  const server = new McpServer({ name: 'counting', version: '1' });
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
  server.registerTool('run', { inputSchema: { command: z.string() } }, async (args) => {
    calls.push({ tool: 'run', args });
    return text(`ran ${args.command}`);
  });
  server.registerTool('slow', { inputSchema: { command: z.string() } }, async (args) => {
    calls.push({ tool: 'slow', args });
    await released;
    return text(`ran ${args.command}`);
  });
  server.registerTool('echo', { inputSchema: { text: z.string() } }, async (args) => {
    calls.push({ tool: 'echo', args });
    return text(args.text);
  });
  return server;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
