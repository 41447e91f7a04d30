import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRemoteJWKSet, jwtVerify } from 'jose';

/** An MCP server that takes access tokens of a Keycloak realm for the audience `notes`, and says whose they are. */
export interface NotesServer extends AsyncDisposable {
  readonly url: string;
  /** Access tokens that it was called with, each once. */
  readonly tokens: string[];
}

interface Rpc {
  readonly id?: number;
  readonly method: string;
}

export async function startNotes(issuer: string): Promise<NotesServer> {
  const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`));
  const tokens: string[] = [];
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const origin = `http://${request.headers.host}`;
      const send = (status: number, value: unknown, headers: Record<string, string> = {}): void =>
        void response
          .writeHead(status, { 'content-type': 'application/json', ...headers })
          .end(JSON.stringify(value));
      if (request.url?.startsWith('/.well-known/'))
        return send(200, { resource: `${origin}/mcp`, authorization_servers: [issuer] });
      const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
      const who = await jwtVerify(token, keys, { issuer, audience: 'notes' }).catch(() => null);
      const where = `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
      if (!who) return send(401, {}, { 'www-authenticate': where });
      if (!tokens.includes(token)) tokens.push(token);
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const { id, method } = JSON.parse(await textOf(request)) as Rpc;
      if (id === undefined) return void response.writeHead(202).end();
      const text = `you are ${String(who.payload['preferred_username'])}`;
      const results: Record<string, unknown> = {
        initialize: {
          protocolVersion: '2025-11-25',
          serverInfo: { name: 'notes', version: '1' },
          capabilities: { tools: {} },
        },
        'tools/list': { tools: [{ name: 'whoami', inputSchema: { type: 'object' } }] },
        'tools/call': { content: [{ type: 'text', text }] },
      };
      return send(200, { jsonrpc: '2.0', id, result: results[method] ?? {} });
    };
    void answer();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    tokens,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) text += String(part);
  return text;
}
