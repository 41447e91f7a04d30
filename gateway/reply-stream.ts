import type { ServerResponse } from 'node:http';
import type { Masked } from '../masking/masked.ts';
import type { ClientStream } from './client-stream.ts';
import { progressEvent } from './mcp/progress.ts';

/** The reply to one POST, or a GET stream, on its socket. */
export interface ReplyStream extends ClientStream {
  /** Starts an event stream at once, where there is no message to start it with. */
  open(): void;
  /** Ends an event stream without a response. */
  end(): void;
}

const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Tells nginx and its like not to collect events.
  'x-accel-buffering': 'no',
} as const;

/**
 * Writes to the socket what was masked and recorded before. A reply that is one response stays plain JSON; whatever
 * comes before the response makes it an event stream.
 * @param headers go with the reply, whichever form it takes
 * @param progressToken asked for when it is needed: most exchanges end without
 */
export function createReplyStream(
  raw: ServerResponse,
  headers: Readonly<Record<string, string>>,
  progressToken: () => string | null,
): ReplyStream {
  const leaving = new AbortController();
  let progress = 0;
  raw.once('close', () => {
    if (!raw.writableFinished) leaving.abort();
  });
  // A socket that breaks says so by `close`; without a listener Node would end the process.
  raw.once('error', () => {});

  const alive = (): boolean => !raw.destroyed && !raw.writableEnded;

  function open(): void {
    if (!raw.headersSent && alive()) raw.writeHead(200, { ...headers, ...streamHeaders }).flushHeaders();
  }

  async function write(text: string): Promise<void> {
    if (!alive()) return;
    open();
    if (!raw.write(text)) await drained(raw);
  }

  return {
    get alive() {
      return alive();
    },
    gone: leaving.signal,
    get progressToken() {
      return progressToken();
    },
    open,
    message: (json) => write(eventOf(json)),
    keepAlive(text) {
      const token = progressToken();
      if (token === null) return write(`: ${text.replace(/[\r\n]+/g, ' ')}\n\n`);
      return write(eventOf(progressEvent(token, ++progress, text)));
    },
    respond(json, status = 200) {
      if (!alive()) return Promise.resolve(false);
      if (raw.headersSent) raw.end(eventOf(json));
      else {
        // As one string, head and body reach the socket in one write.
        raw.writeHead(status, {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(json),
        });
        raw.end(json);
      }
      return finished(raw);
    },
    end() {
      if (alive()) raw.end();
    },
  };
}

/** One event. Line breaks between JSON tokens become spaces; inside strings there are none. */
function eventOf(json: Masked<string>): string {
  const data = /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json;
  return `event: message\ndata: ${data}\n\n`;
}

function drained(raw: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      raw.off('drain', done);
      raw.off('close', done);
      resolve();
    };
    raw.once('drain', done);
    raw.once('close', done);
  });
}

function finished(raw: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    raw.once('finish', () => resolve(true));
    raw.once('close', () => resolve(raw.writableFinished));
  });
}
