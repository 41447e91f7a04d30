import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Pool } from '../db/pool.ts';
import type { MaskingEngine } from '../masking/engine.ts';
import type { Policy } from '../policy/policy.ts';
import type { Recorder } from '../recording/event.ts';
import type { KeyRing } from '../recording/key-ring.ts';
import type { Gate } from './containment/gate.ts';
import type { AuthorizationServer } from './authorize/server.ts';
import { createGuard } from './guard.ts';
import { handle, type Running } from './handle.ts';
import type { HoldPort } from './hold-port.ts';
import type { Identifier } from './identify/identify.ts';
import { createSessionMaskers } from './mask.ts';
import { followKillSwitch } from './kill-switch.ts';
import { createMetrics } from './metrics.ts';
import { listenForMetrics } from './metrics-listener.ts';
import { createOpenReplies } from './open-replies.ts';
import { createTokenKeys } from './restore.ts';
import { slowRequests } from './slow-requests.ts';
import { createSessions } from './sessions/sessions.ts';
import type { AgentSettings, ListenSettings } from './settings.ts';
import { createRefusals } from './refusals.ts';
import { correlationIds } from './correlation-ids.ts';
import { createEventPoll } from './sessions/event-poll.ts';
import { createTasks, type Tasks } from './tasks/tasks.ts';
import type { ToolDefinitions } from './definitions/registry.ts';
import type { Upstreams } from './upstreams/upstreams.ts';

/** Everything a gateway works with. Whoever starts it closes what it passes in, after `stop()`. */
export interface GatewayDeps {
  readonly agents: AgentSettings;
  /** Where Prometheus reads; null for nowhere. */
  readonly metrics: { readonly listen: ListenSettings } | null;
  readonly identifier: Identifier;
  /** The built-in authorization server; left out, there is none. */
  readonly authorization?: AuthorizationServer | null;
  readonly policy: () => Policy;
  readonly maskers: () => MaskingEngine;
  readonly recorder: Recorder;
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  /** Where tokens get their keys from when the protocol has no sessions. */
  readonly tokenSecret: Uint8Array;
  /** Gated ({@link gatedUpstreams}). */
  readonly upstreams: Upstreams;
  readonly gate: Gate;
  readonly hold: HoldPort;
  readonly definitions: ToolDefinitions;
  /** The console's public address, for whoever is told of a page there. */
  readonly consoleUrl: string;
  readonly log: Logger;
  /** Names this process among the replicas. */
  readonly replica: string;
  readonly now?: () => Date;
}

export interface Gateway {
  readonly address: ListenSettings;
  readonly metricsAddress: ListenSettings | null;
  /**
   * Stops in order: no new requests, GET streams closed, held calls let go by the hold step, open exchanges ended
   * or, after `graceMs`, cut; then the sessions. Safe to repeat.
   */
  stop(graceMs?: number): Promise<void>;
}

/** Starts the agents' listener. @throws Error when a port is taken */
export async function startGateway(deps: GatewayDeps): Promise<Gateway> {
  const { agents, log } = deps;
  const now = deps.now ?? (() => new Date());
  const sessions = createSessions({ ...deps, limits: agents.limits, now });
  const open = new Set<Promise<void>>();
  const app = fastify({
    logger: false,
    ...slowRequests(agents.limits.requestSeconds),
    keepAliveTimeout: 75_000,
    forceCloseConnections: true,
  });
  const metrics = createMetrics({
    holdpoint_gateway_sessions: { help: 'Client sessions on this replica.', value: () => sessions.count },
    holdpoint_gateway_open_replies: { help: 'Replies and streams open now.', value: () => open.size },
    holdpoint_gateway_held_waiting: {
      help: 'Requests that wait on this replica for held calls, by connection.',
      value: () => deps.hold.waiting(),
    },
    holdpoint_gateway_tasks: { help: 'Tasks that this replica works at.', value: () => tasks.count },
  });
  const killSwitch = followKillSwitch(deps);
  const tokenKeys = createTokenKeys(deps.tokenSecret, now);
  const sessionMaskers = createSessionMaskers({
    ...deps,
    tokenKeys,
    onFound: (connection, detector, times) => metrics.masked(connection, detector, times),
  });
  const tasks: Tasks = createTasks({
    ...deps,
    sessionMasker: sessionMaskers.of,
    tasksPerCaller: agents.limits.tasksPerCaller,
  });
  const running: Running = {
    line: {
      ...deps,
      killSwitch,
      now,
      sessions,
      eventPoll: createEventPoll(deps.pool),
      openReplies: createOpenReplies(agents.limits),
      sessionMaskers,
      sessionMasker: sessionMaskers.of,
      tokenKeys,
      onRestored: (type, from, to) => metrics.restored(type, from, to),
      tasks,
      publicUrl: agents.publicUrl,
      limits: agents.limits,
      onFault: (code) => metrics.fault(code),
    },
    metrics,
    guard: createGuard(agents, () => addressOf(app)),
    stopping: new AbortController(),
    open,
    log,
    pool: deps.pool,
    nextId: correlationIds(),
    refusals: createRefusals({
      recorder: deps.recorder,
      masker: () => deps.maskers().masker('default'),
      now,
      onError: (error) => log.warn({ err: error }, 'a refusal could not be recorded'),
    }),
  };
  route(app, running);
  // Browsers come from anywhere to sign in: only where they came to is looked at.
  deps.authorization?.routes(app, ({ headers: { host } }) => isOurs(running, host));
  // Fastify writes into what it is given.
  await app.listen({ ...agents.listen });
  const metricsApp = deps.metrics && (await listenForMetrics(deps.metrics.listen, running.metrics));

  let stopped: Promise<void> | null = null;
  const stop = async (graceMs: number): Promise<void> => {
    running.stopping.abort();
    await tasks.close();
    await deps.hold.close();
    await settledWithin([...open, tasks.idle()], graceMs);
    await app.close();
    await tasks.leave();
    killSwitch.close();
    await metricsApp?.close();
    await sessions.close();
    await running.refusals.close();
  };
  return {
    address: addressOf(app),
    metricsAddress: metricsApp && addressOf(metricsApp),
    stop: (graceMs = 10_000) => (stopped ??= stop(graceMs)),
  };
}

function isOurs({ guard }: Running, host: string | undefined): boolean {
  try {
    guard({ host });
    return true;
  } catch {
    return false;
  }
}

function route(app: FastifyInstance, running: Running): void {
  // Bodies are read by the line itself: no parser of Fastify's touches them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.route<{ Params: { connection: string } }>({
    method: ['POST', 'GET', 'DELETE'],
    url: '/mcp/:connection',
    handler: (request, reply) => {
      reply.hijack();
      const done = handle(running, request.raw, reply.raw, request.params.connection);
      running.open.add(done);
      void done.finally(() => running.open.delete(done));
    },
  });
  // With or without the path of the public URL, which a proxy in front may keep or take away.
  app.get<{ Params: { '*': string } }>('/.well-known/oauth-protected-resource/*', (request, reply) => {
    const connection = /(?:^|\/)mcp\/([^/]+)$/.exec(request.params['*'])?.[1] ?? '';
    const { identifier, publicUrl } = running.line;
    const metadata = identifier.metadata({ resource: `${publicUrl}/mcp/${connection}`, connection });
    reply.header('access-control-allow-origin', '*');
    return metadata && connection !== ''
      ? reply.send(metadata)
      : reply.code(404).send({ error: 'not_found' });
  });
  app.get('/healthz', (_request, reply) => reply.send({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const problem = await whyNotReady(running);
    return problem === null
      ? reply.send({ status: 'ready' })
      : reply.code(503).send({ status: 'not ready', because: problem });
  });
}

async function whyNotReady({ stopping, pool }: Running): Promise<string | null> {
  if (stopping.signal.aborted) return 'stopping';
  return pool.query('select 1').then(
    () => null,
    () => 'the database cannot be reached',
  );
}

function addressOf(app: FastifyInstance): ListenSettings {
  const { address, port } = app.server.address() as AddressInfo;
  return { host: address, port };
}

async function settledWithin(work: readonly Promise<void>[], ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([Promise.allSettled(work), late]);
  clearTimeout(timer);
}
