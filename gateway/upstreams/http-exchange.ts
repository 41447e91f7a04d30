import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { UpstreamError } from '../errors.ts';

/** An HTTP reply whose headers have come and whose body is still on its way. */
export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The whole body. @throws UpstreamError `upstream_too_large`, `upstream_invalid` when it is not UTF-8 */
  text(maxBytes: number): Promise<string>;
  /** The body as it comes, with back-pressure. To be read once. */
  chunks(): AsyncGenerator<Buffer, void, void>;
  /** Stops reading and closes the socket. */
  abort(): void;
}

export interface ExchangeOptions {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly signal: AbortSignal;
  /** Longest silence before the headers and between two pieces of the body; 0 for none. */
  readonly idleTimeoutMs: number;
  readonly onSent?: (() => void) | undefined;
  /** How messages name the upstream. */
  readonly name: string;
}

/** Bytes that may wait for their reader before upstream's socket is paused. */
const highWater = 256 * 1024;
/** How long a reply that nobody reads any more may take to end before its connection is closed. */
const lingerMs = 1000;

/**
 * One HTTP exchange by undici's dispatch: no body stream object, no copy, nothing buffered beyond `highWater`.
 * @throws UpstreamError when no reply came
 */
export function exchange(dispatcher: Dispatcher, options: ExchangeOptions): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    let sent = false;
    let controller: Dispatcher.DispatchController | null = null;
    let queue: Buffer[] = [];
    let queued = 0;
    let ended = false;
    let failure: UpstreamError | null = null;
    let wake: (() => void) | null = null;
    let lingering: NodeJS.Timeout | null = null;

    const fail = (error: UpstreamError): void => {
      signal.removeEventListener('abort', onAbort);
      failure ??= error;
      reject(failure);
      wake?.();
    };
    const onAbort = (): void => {
      fail(new UpstreamError('upstream_aborted', `the call to ${options.name} was given up`, { sent }));
      controller?.abort(failure as UpstreamError);
    };
    const abort = (): void => {
      if (!ended && !failure) onAbort();
    };
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        wake = () => {
          wake = null;
          resolve();
        };
      });

    function take(): Buffer[] {
      const ready = queue;
      queue = [];
      queued = 0;
      if (controller?.paused) controller.resume();
      return ready;
    }

    async function* chunks(): AsyncGenerator<Buffer, void, void> {
      try {
        for (;;) {
          for (const chunk of take()) yield chunk;
          if (queue.length > 0) continue;
          if (failure) throw failure;
          if (ended) return;
          await next();
        }
      } finally {
        linger();
      }
    }

    /** The reader has what it wanted: a reply that ends by itself soon leaves the connection usable. */
    function linger(): void {
      if (ended || failure) return;
      lingering = setTimeout(abort, lingerMs).unref();
      controller?.resume();
    }

    /** What `chunks` does, without a generator's turns: most replies are one piece of JSON. */
    async function text(maxBytes: number): Promise<string> {
      const parts: Buffer[] = [];
      let length = 0;
      try {
        for (;;) {
          const ready = take();
          for (const part of ready) length += part.length;
          if (length > maxBytes)
            throw new UpstreamError(
              'upstream_too_large',
              `${options.name} answered with more than ${maxBytes} bytes`,
              { sent: true },
            );
          parts.push(...ready);
          if (failure) throw failure;
          if (ended) break;
          await next();
        }
      } finally {
        linger();
      }
      return decodeUtf8(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts), options.name);
    }

    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    dispatcher.dispatch(
      {
        method: options.method,
        path: options.path,
        headers: options.headers,
        body: options.body,
        headersTimeout: options.idleTimeoutMs,
        bodyTimeout: options.idleTimeoutMs,
      },
      {
        onRequestStart(started) {
          controller = started;
          if (failure) return started.abort(failure);
          sent = true;
          options.onSent?.();
        },
        onResponseStart(_controller, status, headers) {
          if (status >= 200) resolve({ status, headers, text, chunks, abort });
        },
        onResponseData(current, chunk) {
          if (lingering) return;
          queue.push(chunk);
          queued += chunk.length;
          if (queued > highWater) current.pause();
          wake?.();
        },
        onResponseEnd() {
          signal.removeEventListener('abort', onAbort);
          ended = true;
          if (lingering) clearTimeout(lingering);
          wake?.();
        },
        onResponseError(_controller, error) {
          fail(failureOf(error, sent, options));
        },
      },
    );
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function decodeUtf8(bytes: Buffer, name: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new UpstreamError('upstream_invalid', `${name} answered with bytes that are not UTF-8`, {
      cause,
      sent: true,
    });
  }
}

function failureOf(error: Error, sent: boolean, { name, idleTimeoutMs }: ExchangeOptions): UpstreamError {
  if (error instanceof UpstreamError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT')
    return new UpstreamError('upstream_timeout', `${name} was silent for ${idleTimeoutMs / 1000} s`, {
      cause: error,
      sent: true,
    });
  if (!sent)
    return new UpstreamError(
      'upstream_unreachable',
      `${name} cannot be reached (${code || 'connection failed'}); nothing was sent`,
      { cause: error, sent: false },
    );
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW')
    return new UpstreamError('upstream_invalid', `${name} answered with what is not HTTP`, {
      cause: error,
      sent: true,
    });
  return new UpstreamError(
    'upstream_closed',
    `${name} closed the connection before its answer was complete; the call may have been carried out`,
    { cause: error, sent: true },
  );
}
