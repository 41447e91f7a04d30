import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ConsoleContext } from '../deps.ts';
import { callerOf } from './caller.ts';
import { type ApiCaller, ApiProblem, type Streaming } from './endpoint.ts';
import { performStream } from './perform.ts';
import { problemDocument, problemOf } from './problems.ts';

const lookEveryMs = 1_000;
const aliveEveryMs = 15_000;
const mostStreams = 100;

/** The streams that are open, so that the listener can close. */
export type Streams = Set<AbortController>;

/**
 * Answers with server-sent events: one for each item, `end` after the last. What stood when it began is looked at again
 * each second: nothing more comes for whoever was revoked, signed out, or whose token has expired.
 */
export async function sendStream(
  one: Streaming,
  context: ConsoleContext,
  streams: Streams,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const caller = await callerOf(context, request);
  if (streams.size >= mostStreams)
    throw new ApiProblem('unavailable', 'too many streams are open; try again later', {
      headers: { 'retry-after': '30' },
    });
  const stopped = new AbortController();
  const { params, query, body } = request;
  const by = { caller, context, signal: stopped.signal };
  const items = await performStream(one, by, { params, query, body });
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
  });
  streams.add(stopped);
  const stop = (): void => stopped.abort();
  raw.on('close', stop).on('error', stop);
  const look = watch(caller, stop);
  const alive = setInterval(() => void raw.write(': alive\n\n'), aliveEveryMs).unref();
  try {
    for await (const item of items) {
      if (stopped.signal.aborted) break;
      if (!raw.write(`data: ${JSON.stringify(item)}\n\n`)) await drained(raw, stopped.signal);
    }
    raw.write(stopped.signal.aborted ? '' : 'event: end\ndata: {}\n\n');
  } catch (error) {
    context.log.error({ err: error, id: request.id }, 'a stream of the API broke off');
    raw.write(`event: problem\ndata: ${JSON.stringify(problemDocument(problemOf(error)))}\n\n`);
  } finally {
    clearInterval(look);
    clearInterval(alive);
    streams.delete(stopped);
    raw.end();
  }
  return reply;
}

/** Ends an answer as soon as its caller would not be let in any more. */
export function watch(caller: Pick<ApiCaller, 'stands'>, stop: () => void): NodeJS.Timeout {
  return setInterval(() => {
    caller.stands().then(
      (stands) => stands || stop(),
      // Who cannot be asked about is let go on no longer.
      stop,
    );
  }, lookEveryMs).unref();
}

/** Until more can be written, or nobody reads any more. */
export async function drained(raw: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      raw.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    raw.on('drain', done);
    signal.addEventListener('abort', done);
  });
}
