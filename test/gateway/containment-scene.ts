import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type ClientRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Identifier } from '../../gateway/identify/identify.ts';
import { createHold } from '../../gateway/hold/hold.ts';
import { createRunning } from '../../gateway/hold/running.ts';
import { defaultHoldSettings } from '../../gateway/hold/settings.ts';
import { createWaiters } from '../../gateway/hold/waiters.ts';
import type { HoldPort } from '../../gateway/hold-port.ts';
import type { Caller } from '../../policy/caller.ts';
import type { HoldParts } from '../support/gateway.ts';

/** An upstream whose streams say something every few milliseconds for as long as somebody listens. */
export interface TickingUpstream extends AsyncDisposable {
  readonly url: string;
  /** Names of the people in whose name messages have come, one for each message. */
  readonly heard: string[];
}

const tickMs = 200;

export async function tickingUpstream(): Promise<TickingUpstream> {
  const heard: string[] = [];
  const open = new Set<ServerResponse>();
  const server = createServer((request, reply) => {
    if (request.method === 'GET') return tick(reply, open);
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      if (request.method === 'DELETE') return void reply.writeHead(200).end();
      const { id, method, params } = JSON.parse(text) as {
        id?: number;
        method: string;
        params?: { arguments?: { who?: string } };
      };
      if (params?.arguments?.who) heard.push(params.arguments.who);
      if (id === undefined) return void reply.writeHead(202).end();
      if (method === 'tools/call') return tick(reply, open);
      reply.writeHead(200, {
        'content-type': 'application/json',
        'mcp-session-id': randomBytes(8).toString('hex'),
      });
      const result = {
        protocolVersion: '2025-06-18',
        capabilities: { tools: {} },
        serverInfo: { name: 't', version: '1' },
      };
      reply.end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    heard,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function tick(reply: ServerResponse, open: Set<ServerResponse>): void {
  reply.writeHead(200, { 'content-type': 'text/event-stream' });
  open.add(reply);
  const message =
    '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"tick"}}';
  const timer = setInterval(() => reply.write(`data: ${message}\n\n`), tickMs);
  reply.on('close', () => {
    clearInterval(timer);
    open.delete(reply);
  });
}

/** Whoever presents `Bearer <name>` or `Bearer <name>.<credential>` is that person. */
export const namedCallers: Identifier = {
  metadata: () => null,
  lacks: () => null,
  identify: async ({ authorization = '' }) => {
    const [name = '', credential = 'one'] = authorization.replace(/^Bearer /, '').split('.');
    return callerNamed(name, credential);
  },
};

function callerNamed(name: string, credential: string): Caller {
  return {
    key: `oidc:https://idp.test#${name}`,
    subject: name,
    issuer: 'https://idp.test',
    email: `${name}@example.com`,
    name,
    groups: [],
    actors: [],
    client: 'agent-app',
    credentialId: `jti:${name}-${credential}`,
    claims: {},
  };
}

/** Something a client has open. */
export interface OpenReply {
  readonly who: string;
  /** Bytes that have come, heads left out. */
  readonly bytes: () => number;
  /** When the last of them came, in `performance.now()` time. */
  readonly lastByteMs: () => number;
  readonly closed: () => boolean;
  readonly status: () => number | null;
  readonly text: () => string;
  close(): void;
}

/** Sends a request and leaves its reply open. */
export function openReply(
  url: string,
  who: string,
  { method = 'POST', body = null as string | null, headers = {} as Record<string, string> },
): OpenReply {
  let text = '';
  let last = 0;
  let closed = false;
  let status: number | null = null;
  const request: ClientRequest = httpRequest(url, {
    method,
    agent: false,
    headers: {
      authorization: `Bearer ${who}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...headers,
    },
  });
  request.on('response', (reply) => {
    status = reply.statusCode ?? null;
    reply.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      last = performance.now();
    });
    reply.on('error', () => {});
    reply.on('close', () => (closed = true));
  });
  request.on('error', () => (closed = true));
  request.end(body);
  return {
    who,
    bytes: () => text.length,
    lastByteMs: () => last,
    closed: () => closed,
    status: () => status,
    text: () => text,
    close: () => request.destroy(),
  };
}

/** A hold step without Temporal: calls wait for as long as nobody ends them. */
export function holdStep(parts: HoldParts): HoldPort {
  const nothing = async (): Promise<void> => {};
  return createHold({
    ...parts,
    approvals: { open: nothing, cancel: nothing, attached: nothing, detached: nothing },
    waiters: createWaiters(),
    running: createRunning(),
    settings: {
      ...defaultHoldSettings,
      heldCallsPerCaller: 1000,
      replyBudgetMs: 600_000,
      progressBudgetMs: 600_000,
    },
    attachSecret: randomBytes(32),
    votePublicKeys: {},
    recheck: async () => null,
    consoleUrl: 'http://127.0.0.1:8471',
    now: Date.now,
  });
}
