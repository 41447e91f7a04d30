import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ConsoleContext } from '../deps.ts';
import { callerOf } from './caller.ts';
import type { Download } from './endpoint.ts';
import { performDownload } from './perform.ts';
import { drained, type Streams, watch } from './send-stream.ts';

/**
 * Answers with a file that is made while it is sent. What stood when it began is looked at again each second. However it
 * breaks off, the connection is torn down, so that no client takes a part for the whole.
 */
export async function sendFile(
  one: Download,
  context: ConsoleContext,
  streams: Streams,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const caller = await callerOf(context, request);
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  const { raw } = reply;
  raw.on('close', stop).on('error', stop);
  const { params, query, body } = request;
  const by = { caller, context, signal: stopped.signal };
  const bytes = await performDownload(one, by, { params, query, body }).catch((error: unknown) => {
    stop();
    throw error;
  });
  reply.hijack();
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': one.type,
    'content-disposition': `attachment; filename="${one.fileName}"`,
  });
  streams.add(stopped);
  const look = watch(caller, stop);
  // At once, and not only when there is more to send.
  const tear = (): void => void raw.destroy();
  stopped.signal.addEventListener('abort', tear);
  try {
    for await (const chunk of bytes) {
      stopped.signal.throwIfAborted();
      if (!raw.write(chunk)) await drained(raw, stopped.signal);
    }
    stopped.signal.removeEventListener('abort', tear);
    raw.end();
  } catch (error) {
    if (!stopped.signal.aborted)
      context.log.error({ err: error, id: request.id }, 'a file of the API broke off');
    raw.destroy();
  } finally {
    clearInterval(look);
    streams.delete(stopped);
    stop();
  }
  return reply;
}
