import { UpstreamError } from '../errors.ts';
import { createSseReader, SseError } from '../mcp/sse-reader.ts';
import { exchange, type HttpReply } from './http-exchange.ts';
import { refusalOf } from './http-answer.ts';
import { type HttpEndpoint, oncePerCredential, withQuery } from './http-session.ts';
import type { SharedChannel } from './shared-channel.ts';

/** How long an old server may take to say where messages are to be posted. */
const endpointTimeoutMs = 10_000;

/**
 * The transport of 2024-11-05: one GET stream on which everything comes, its first event naming the path to post
 * to. Only for upstreams that have nothing newer.
 */
export function createLegacySse(endpoint: HttpEndpoint): SharedChannel {
  const ender = new AbortController();
  let onLine: (line: Buffer) => void = () => {};
  let onGone: (because: string) => void = () => {};
  let opening: Promise<string> | null = null;

  async function request(method: 'GET' | 'POST', path: string, body: string | null): Promise<HttpReply> {
    return oncePerCredential(endpoint, (injected) =>
      exchange(endpoint.pool, {
        method,
        path: withQuery(path, injected),
        headers: {
          ...endpoint.headers,
          ...injected?.headers,
          ...(method === 'POST' ? { 'content-type': 'application/json' } : { accept: 'text/event-stream' }),
        },
        body,
        signal: ender.signal,
        idleTimeoutMs: method === 'GET' ? 0 : endpoint.limits.idleTimeoutMs,
        name: endpoint.name,
      }),
    );
  }

  async function open(): Promise<string> {
    const reply = await request('GET', endpoint.path, null);
    if (reply.status !== 200 || !reply.headers['content-type']?.startsWith('text/event-stream')) {
      reply.abort();
      throw refusalOf(reply.status, endpoint.name, false);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reply.abort();
        reject(failed('upstream_timeout', 'did not say where to post messages'));
      }, endpointTimeoutMs);
      const found = (path: string): void => {
        clearTimeout(timer);
        resolve(path);
      };
      const toTheEnd = async (): Promise<void> => {
        const because = await listen(reply, found);
        clearTimeout(timer);
        opening = null;
        reject(failed('upstream_closed', because));
        onGone(because);
      };
      void toTheEnd();
    });
  }

  /** Reads the stream to its end. Never rejects. @returns why it ended */
  async function listen(reply: HttpReply, found: (path: string) => void): Promise<string> {
    const reader = createSseReader(endpoint.limits.messageBytes);
    try {
      for await (const chunk of reply.chunks())
        for (const { event, data } of reader.push(chunk)) {
          if (event === 'endpoint') found(pathOf(data));
          else if (event === 'message' && data !== '') onLine(Buffer.from(data));
        }
      return 'ended its stream';
    } catch (error) {
      if (error instanceof SseError || error instanceof UpstreamError) return error.message;
      throw error;
    }
  }

  /** Messages, and with them the credentials, go to the configured origin or nowhere. */
  function pathOf(data: string): string {
    const base = new URL(endpoint.path, endpoint.origin);
    const url = new URL(data, base);
    if (url.origin !== base.origin)
      throw failed('upstream_redirected', 'wants messages to be posted to another origin, which is not done');
    return url.pathname + url.search;
  }

  function failed(
    code: 'upstream_timeout' | 'upstream_closed' | 'upstream_redirected',
    what: string,
  ): UpstreamError {
    return new UpstreamError(code, `${endpoint.name} ${what}`, { sent: false });
  }

  return {
    async ready() {
      opening ??= open().catch((error: Error) => {
        opening = null;
        throw error;
      });
      await opening;
    },
    async write(json) {
      const path = await opening;
      if (path === null) throw failed('upstream_closed', 'ended its stream');
      const reply = await request('POST', path, json);
      await reply.text(64 * 1024);
      if (reply.status < 200 || reply.status >= 300) throw refusalOf(reply.status, endpoint.name, true);
    },
    consume: () => false,
    onLine(handler) {
      onLine = handler;
    },
    onGone(handler) {
      onGone = handler;
    },
    async stop() {
      ender.abort();
    },
  };
}
