import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDriver } from './slack-driver.ts';
import { methods } from './slack-methods.ts';
import { acceptSocket, type SlackSocket } from './slack-socket.ts';
import type { Delivery, Outage, SlackStandIn } from './slack-stand-in.ts';
import { next, type SlackState } from './slack-state.ts';

export type { Delivery, SlackStandIn } from './slack-stand-in.ts';
export type { StandInMessage, StandInView } from './slack-state.ts';

const manifestScopes = [
  'channels:read',
  'chat:write',
  'commands',
  'groups:read',
  'im:write',
  'usergroups:read',
  'users:read',
  'users:read.email',
];
const acknowledgeWithinMs = 3000;

/** Starts the stand-in on a port of its own. */
export async function startSlack(options: { port?: number } = {}): Promise<SlackStandIn> {
  const state = newState();
  const secrets = {
    botToken: `xoxb-${randomBytes(12).toString('hex')}`,
    appToken: `xapp-${randomBytes(12).toString('hex')}`,
    signingSecret: randomBytes(16).toString('hex'),
  };
  const transcript: string[] = [];
  const limited = new Map<string, { retryAfterSec: number; times: number }>();
  const refusals = new Map<string, string>();
  const sockets = new Set<SlackSocket>();
  const waiting = new Map<string, (response: unknown) => void>();
  const tickets = new Set<string>();
  let trouble: { mode: Outage; method: string | undefined } = { mode: 'none', method: undefined };
  let deliverUrl: string | null = null;
  let opened = 0;

  const server = createServer((request, response) => {
    void answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = (request.url ?? '').replace(/^\/api\//, '').replace(/\?.*$/, '');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks).toString();
    transcript.push(`→ ${method} ${decodeURIComponent(raw.replaceAll('+', ' '))}`);
    const mode = trouble.method === undefined || trouble.method === method ? trouble.mode : 'none';
    if (mode === 'refuse') return void response.destroy();
    if (mode === 'http500') return send(response, 500, { ok: false, error: 'internal_error' });
    const limit = limited.get(method);
    if (limit && limit.times > 0) {
      limit.times -= 1;
      response.setHeader('retry-after', String(limit.retryAfterSec));
      return send(response, 429, { ok: false, error: 'ratelimited' });
    }
    const args = Object.fromEntries(new URLSearchParams(raw));
    const refusal = refusals.get(method);
    refusals.delete(method);
    const result =
      refusal === undefined
        ? call(method, args, request.headers.authorization ?? '')
        : { ok: false, error: refusal };
    transcript.push(`← ${method} ${JSON.stringify(result)}`);
    if (mode === 'afterEffect') return void response.destroy();
    send(response, 200, result);
  }

  function call(
    method: string,
    args: Record<string, string>,
    authorization: string,
  ): Record<string, unknown> {
    if (method === 'apps.connections.open') {
      if (authorization !== `Bearer ${secrets.appToken}`) return { ok: false, error: 'invalid_auth' };
      const ticket = randomBytes(8).toString('hex');
      tickets.add(ticket);
      return { ok: true, url: `${base.replace('http', 'ws')}/link?ticket=${ticket}` };
    }
    const known = methods[method];
    if (!known) return { ok: false, error: 'unknown_method' };
    if (authorization !== `Bearer ${secrets.botToken}`) return { ok: false, error: 'invalid_auth' };
    if (known.scope !== null && !state.scopes.has(known.scope))
      return {
        ok: false,
        error: 'missing_scope',
        needed: known.scope,
        provided: [...state.scopes].join(','),
      };
    return known.run(state, args);
  }

  server.on('upgrade', (request, stream) => {
    const ticket = new URL(request.url ?? '/', 'http://slack').searchParams.get('ticket') ?? '';
    if (!tickets.delete(ticket) || trouble.mode !== 'none') {
      stream.destroy();
      return;
    }
    const socket = acceptSocket(request, stream, {
      message: (text) => {
        transcript.push(`→ socket ${text}`);
        const { envelope_id: id, payload } = JSON.parse(text) as { envelope_id: string; payload?: unknown };
        waiting.get(id)?.(payload);
      },
      end: () => void sockets.delete(socket),
    });
    sockets.add(socket);
    opened += 1;
    socket.send({ type: 'hello', num_connections: sockets.size, connection_info: { app_id: state.appId } });
  });

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function deliver(
    type: 'interactive' | 'slash_commands' | 'events_api',
    payload: object,
    retryNum = 0,
  ): Promise<Delivery> {
    transcript.push(`← ${type} ${JSON.stringify(payload)}`);
    const delivery =
      deliverUrl === null
        ? await overSocket(type, payload, retryNum)
        : await overHttp(deliverUrl, type, payload, retryNum);
    // Slack delivers events, and only events, again.
    if (!delivery.acknowledged && type === 'events_api' && retryNum < 3)
      return deliver(type, payload, retryNum + 1);
    return delivery;
  }

  async function overSocket(type: string, payload: object, retryNum: number): Promise<Delivery> {
    // One of the connections, any of them.
    const all = [...sockets];
    const socket = all[next(state) % all.length];
    if (!socket) throw new Error('the app has no Socket Mode connection');
    const id = randomBytes(8).toString('hex');
    const acknowledged = new Promise<Delivery>((resolve) => {
      waiting.set(id, (response) => resolve({ acknowledged: true, response }));
    });
    const retry = retryNum === 0 ? {} : { retry_attempt: retryNum, retry_reason: 'timeout' };
    socket.send({ envelope_id: id, type, payload, accepts_response_payload: true, ...retry });
    const tooLate = sleep(acknowledgeWithinMs, { acknowledged: false, response: null }, { ref: false });
    return Promise.race([acknowledged, tooLate]);
  }

  async function overHttp(url: string, type: string, payload: object, retryNum: number): Promise<Delivery> {
    const form = (fields: Record<string, unknown>): string =>
      new URLSearchParams(fields as Record<string, string>).toString();
    const isJson = type === 'events_api';
    const body = isJson
      ? JSON.stringify(payload)
      : type === 'interactive'
        ? form({ payload: JSON.stringify(payload) })
        : form({ ...payload });
    const timestamp = Math.floor(Date.now() / 1000);
    const signature = createHmac('sha256', secrets.signingSecret)
      .update(`v0:${timestamp}:${body}`)
      .digest('hex');
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        headers: {
          'content-type': isJson ? 'application/json' : 'application/x-www-form-urlencoded',
          'x-slack-request-timestamp': String(timestamp),
          'x-slack-signature': `v0=${signature}`,
          ...(retryNum === 0
            ? {}
            : { 'x-slack-retry-num': String(retryNum), 'x-slack-retry-reason': 'http_timeout' }),
        },
        signal: AbortSignal.timeout(acknowledgeWithinMs),
      });
      const text = await response.text();
      transcript.push(`→ http ${response.status} ${text}`);
      return { acknowledged: response.status === 200, response: text === '' ? undefined : parsed(text) };
    } catch {
      return { acknowledged: false, response: null };
    }
  }

  const driver = createDriver(state, deliver);
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.cut();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    ...secrets,
    ...driver,
    apiUrl: `${base}/api/`,
    teamId: state.teamId,
    scopes: state.scopes,
    transcript,
    get socketsOpened() {
      return opened;
    },
    get sockets() {
      return sockets.size;
    },
    deliver,
    deliverTo: (url) => {
      deliverUrl = url;
    },
    rateLimit: (method, retryAfterSec, times = 1) => void limited.set(method, { retryAfterSec, times }),
    refuseOnce: (method, error) => void refusals.set(method, error),
    outage: (mode, method) => {
      trouble = { mode, method };
    },
    disconnectSockets: (reason) => {
      for (const socket of sockets) {
        socket.send({ type: 'disconnect', reason, debug_info: { host: 'stand-in' } });
        if (reason === 'refresh_requested') socket.close();
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function newState(): SlackState {
  return {
    teamId: 'T0HOLDPOINT',
    appId: 'A0HOLDPOINT',
    botId: 'B0HOLDPOINT',
    botUser: 'U0HOLDPOINT',
    scopes: new Set(manifestScopes),
    users: new Map(),
    channels: new Map(),
    userGroups: new Map(),
    messages: [],
    ephemerals: [],
    modals: new Map(),
    homes: new Map(),
    triggers: new Map(),
    // Stand-ins of one test share a database: their timestamps must not meet.
    counter: 100_000 + Math.floor(Math.random() * 800_000),
  };
}
