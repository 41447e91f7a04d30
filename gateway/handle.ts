import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Pool } from '../db/pool.ts';
import { errorResponse, GatewayError, RefusedRequest, statusOf } from './errors.ts';
import { events } from './events.ts';
import { asFault } from './faults.ts';
import type { Metrics } from './metrics.ts';
import { post, type PostDeps } from './post.ts';
import type { Refusals } from './refusals.ts';
import { terminate } from './terminate.ts';

/** What the listeners share. */
export interface Running {
  readonly line: PostDeps;
  readonly metrics: Metrics;
  readonly guard: (headers: IncomingMessage['headers']) => void;
  readonly stopping: AbortController;
  readonly open: Set<Promise<void>>;
  readonly log: Logger;
  readonly pool: Pool;
  readonly nextId: () => string;
  readonly refusals: Refusals;
}

/** One HTTP request of an agent. Never rejects. */
export async function handle(
  running: Running,
  request: IncomingMessage,
  reply: ServerResponse,
  connection: string,
): Promise<void> {
  const { line, stopping, metrics } = running;
  const startedAt = performance.now();
  const correlationId = running.nextId();
  try {
    running.guard(request.headers);
    if (stopping.signal.aborted)
      throw new GatewayError('stopping', 'this gateway is stopping; try again', {
        headers: { 'retry-after': '1' },
      });
    if (running.open.size >= line.limits.streams)
      throw new GatewayError(
        'too_many_streams',
        'this gateway has as many open replies as are allowed; try again later',
      );
    if (request.method === 'POST') await post(line, request, reply, connection, correlationId);
    else if (request.method === 'GET')
      await events(line, request, reply, connection, correlationId, stopping.signal);
    else await terminate(line, request, reply, connection, correlationId);
  } catch (error) {
    const told = refuse(running, reply, error, connection, correlationId);
    const from = request.socket.remoteAddress ?? null;
    running.refusals.note({ code: told.code, message: told.message, connection, correlationId, from });
  }
  metrics.request(request.method ?? '', reply.statusCode, (performance.now() - startedAt) / 1000);
}

/** Answers a request that was refused before there was a message to answer. */
function refuse(
  { log, metrics, line }: Running,
  reply: ServerResponse,
  error: unknown,
  connection: string,
  correlationId: string,
): GatewayError {
  const told = asFault(error instanceof RefusedRequest ? error.refusal : error);
  const idJson = error instanceof RefusedRequest ? error.idJson : 'null';
  metrics.fault(told.code);
  // A path may hold anything until it is known that it names a connection.
  const known = line.upstreams.get(connection) ? connection : null;
  const facts = { correlationId, connection: known, code: told.code };
  if (told.code === 'internal') log.error({ ...facts, err: error }, 'a request failed');
  else log.info(facts, told.message);
  if (reply.headersSent || reply.destroyed) {
    reply.destroy();
    return told;
  }
  reply.writeHead(statusOf(told.code), {
    'content-type': 'application/json',
    // The rest of a body that was not read to its end must not be taken for the next request.
    ...(told.code === 'body_too_large' && { connection: 'close' }),
    ...told.headers,
  });
  reply.end(errorResponse(idJson, told, correlationId));
  return told;
}
