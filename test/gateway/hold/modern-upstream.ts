import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** An upstream of the official SDK 2.x that speaks 2026-07-28 and the versions before, and counts its calls. */
export interface ModernUpstream extends AsyncDisposable {
  readonly url: string;
  readonly ran: string[];
}

export async function startModernUpstream(): Promise<ModernUpstream> {
  const ran: string[] = [];
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'modern', version: '1' });
    server.registerTool('run', { inputSchema: z.object({ command: z.string() }) }, ({ command }) => {
      ran.push(command);
      return { content: [{ type: 'text', text: `ran ${command}` }] };
    });
    return server;
  });
  const server = createServer((incoming, reply) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const headers = new Headers(
        Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]),
      );
      const method = incoming.method ?? 'GET';
      const body = chunks.length > 0 ? { body: Buffer.concat(chunks) } : {};
      const answer = await handler.fetch(new Request(`http://127.0.0.1/mcp`, { method, headers, ...body }));
      reply.writeHead(answer.status, Object.fromEntries(answer.headers));
      if (answer.body) for await (const chunk of answer.body) reply.write(chunk);
      reply.end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    ran,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
