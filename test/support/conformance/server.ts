import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createMcpHandler,
  createRequestStateCodec,
  isLegacyRequest,
  localhostAllowedHostnames,
  McpServer,
  validateHostHeader,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { eventStore } from './event-store.ts';
import { registerInputRequired } from './input-required.ts';
import { registerPrompts } from './prompts.ts';
import { registerResources } from './resources.ts';
import { registerTools } from './tools.ts';

/**
 * An MCP server with every fixture that the official conformance suites call, in all protocol versions. No published
 * package has one. It passes the suites directly, so whatever fails through the gateway is the gateway's fault.
 * Run by itself: `node test/support/conformance/server.ts PORT`.
 */
export async function startConformanceServer({
  port = 0,
  modernOnly = false,
  also = () => {},
}: {
  port?: number;
  modernOnly?: boolean;
  /** Registers further tools. */
  also?: (server: McpServer) => void;
} = {}): Promise<AsyncDisposable & { readonly url: string }> {
  const serve = conformanceService(modernOnly, also);
  const server = createServer((request, reply) => void answer(serve, request, reply)).listen(
    port,
    '127.0.0.1',
  );
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/mcp`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

type Service = (request: Request) => Promise<Response>;

function conformanceService(modernOnly: boolean, also: (server: McpServer) => void): Service {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const codec = createRequestStateCodec<Record<string, unknown>>({
    key: crypto.getRandomValues(new Uint8Array(32)),
  });

  function makeServer(): McpServer {
    const server = new McpServer(
      { name: 'holdpoint-conformance-fixtures', version: '1.0.0' },
      {
        capabilities: {
          tools: { listChanged: true },
          resources: { subscribe: true, listChanged: true },
          prompts: { listChanged: true },
          logging: {},
          completions: {},
        },
        requestState: { verify: codec.verify },
      },
    );
    registerTools(server, {
      closeStream: (sessionId, id) => sessions.get(sessionId)?.closeSSEStream(id),
      modern,
    });
    registerInputRequired(server, codec);
    registerResources(server);
    registerPrompts(server);
    also(server);
    return server;
  }

  const handler = createMcpHandler(makeServer, { legacy: 'reject' });
  // Tools reach the handler's notifier, which exists only after the tools do.
  function modern(): typeof handler.notify {
    return handler.notify;
  }

  async function legacy(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    if (id !== null)
      return sessions.get(id)?.handleRequest(request) ?? refusal(404, -32001, 'there is no such session');
    if (request.method !== 'POST') return refusal(400, -32000, 'a session id is needed');
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: eventStore(),
      retryInterval: 500,
      onsessioninitialized: (sessionId) => void sessions.set(sessionId, transport),
      onsessionclosed: (sessionId) => void sessions.delete(sessionId),
    });
    await makeServer().connect(transport);
    return transport.handleRequest(request);
  }

  return async (request) => {
    const host = validateHostHeader(request.headers.get('host') ?? '', localhostAllowedHostnames());
    if (!host.ok) return refusal(403, -32000, 'this host is not served');
    return !modernOnly && (await isLegacyRequest(request)) ? legacy(request) : handler.fetch(request);
  };
}

function refusal(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', id: null, error: { code, message } }, { status });
}

/** Serves a web-standard service on Node's HTTP server. */
async function answer(serve: Service, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  outgoing.once('close', () => gone.abort());
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  const request = new Request(`http://${incoming.headers.host ?? 'localhost'}${incoming.url ?? '/'}`, {
    method: incoming.method ?? 'GET',
    headers,
    signal: gone.signal,
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  });
  const response = await serve(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.flushHeaders();
  try {
    for await (const chunk of response.body ?? []) outgoing.write(chunk);
  } catch (error) {
    // The client has left; the stream was cancelled for that.
    if (!gone.signal.aborted) throw error;
  }
  outgoing.end();
}

if (import.meta.main) {
  const { url } = await startConformanceServer({ port: Number(process.argv[2] ?? 0) });
  console.log(url);
}
