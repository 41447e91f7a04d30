import type { ServerResponse } from 'node:http';
import type { Masked } from '../masking/masked.ts';
import type { ClientStream } from './client-stream.ts';
import type { Passage } from './containment/passage.ts';
import { progressEvent } from './mcp/progress.ts';
import type { StreamLog } from './sessions/stream-log.ts';

/** The reply to one POST, or a GET stream, on its socket. */
export interface ReplyStream extends ClientStream {
  openSoon(): void;
  /** Starts an event stream at once, where there is no message to start it with. */
  open(): Promise<void>;
  /** Writes a comment, which only shows that the stream is alive. */
  comment(): Promise<void>;
  /** Repeats an event of a stream that broke off. */
  repeat(id: string, json: Masked<string>): Promise<void>;
  /** Ends an event stream without a response. */
  end(): void;
}

export interface ReplyOptions {
  /** Asked before each byte. */
  readonly passage: Pick<Passage, 'clear' | 'wait'>;
  /** Go with the reply, whichever form it takes. */
  readonly headers: Readonly<Record<string, string>>;
  /** Asked for when it is needed: most exchanges end without. */
  readonly progressToken: () => string | null;
  /** Makes the log for a stream that its client may resume; null where the protocol version knows no such thing. */
  readonly log: (() => StreamLog) | null;
}

const streamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  // Tells nginx and its like not to collect events.
  'x-accel-buffering': 'no',
} as const;

/** A stream of upstream's is opened to the client after this long without the response. */
const openAfterMs = 100;
const commentEveryMs = 15_000;
/** Clients try twice to come back, after this long each: so long may a gateway be away. */
const retryMs = 10_000;

/**
 * Writes to the socket what was masked and recorded before. A reply that is one response stays plain JSON, unless
 * upstream's was a stream; whatever comes before the response makes it an event stream.
 */
export function createReplyStream(raw: ServerResponse, options: ReplyOptions): ReplyStream {
  const { headers, progressToken, passage } = options;
  // Made when somebody asks for it: most exchanges end without.
  let leaving: AbortController | null = null;
  let left = false;
  let timer: NodeJS.Timeout | null = null;
  let preferStream = false;
  let log: StreamLog | null = null;
  let opening: Promise<void> | null = null;
  let heldCall: string | null = null;
  let progress = 0;
  raw.once('close', () => {
    if (timer) clearInterval(timer);
    if (raw.writableFinished) return;
    left = true;
    leaving?.abort();
  });
  // A socket that breaks says so by `close`; without a listener Node would end the process.
  raw.once('error', () => {});

  const alive = (): boolean => !raw.destroyed && !raw.writableEnded;

  async function open(): Promise<void> {
    if (opening) return opening;
    if (raw.headersSent || !alive()) return;
    raw.writeHead(200, { ...headers, ...streamHeaders }).flushHeaders();
    const made = options.log?.() ?? null;
    if (made) await (opening = begin(made));
  }

  /** The client is told that it may come back once whoever it comes back to can know of the stream. */
  async function begin(made: StreamLog): Promise<void> {
    try {
      if (heldCall !== null) await made.heldAs(heldCall);
      await made.begin();
    } catch {
      // It cannot be resumed, then; what the database refuses is told by whatever needs it next.
      return;
    }
    log = made;
    if (alive()) raw.write(`id: ${made.firstId}\nretry: ${retryMs}\ndata: \n\n`);
  }

  /** Writes once that may be; nothing when it may not. */
  async function write(text: string): Promise<void> {
    if (!passage.clear && !(await passage.wait())) return;
    if (!alive()) return;
    if (!raw.write(text)) await drained(raw);
  }

  async function respondOnStream(json: Masked<string>, id: string | null): Promise<boolean> {
    if (!passage.clear && !(await passage.wait())) return false;
    if (!alive()) return false;
    if (!raw.headersSent) raw.writeHead(200, { ...headers, ...streamHeaders });
    raw.end(eventOf(json, id));
    return finished(raw);
  }

  return {
    get alive() {
      return alive();
    },
    get gone() {
      leaving ??= new AbortController();
      if (left) leaving.abort();
      return leaving.signal;
    },
    get progressToken() {
      return progressToken();
    },
    async open() {
      if (passage.clear || (await passage.wait())) await open();
    },
    openSoon() {
      preferStream = true;
      timer ??= setTimeout(() => {
        if (passage.clear) void open();
        timer = setInterval(() => void write(': open\n\n'), commentEveryMs);
      }, openAfterMs);
    },
    async heldAs(callId) {
      heldCall = callId;
      await log?.heldAs(callId);
    },
    async message(json) {
      if (passage.clear || (await passage.wait())) await open();
      // A client that is gone may come back for it.
      const id = log ? await log.append(json, false) : null;
      await write(eventOf(json, id));
    },
    async keepAlive(text) {
      if (passage.clear || (await passage.wait())) await open();
      const token = progressToken();
      if (token === null) await write(`: ${text.replace(/[\r\n]+/g, ' ')}\n\n`);
      else await write(eventOf(progressEvent(token, ++progress, text), null));
    },
    async respond(json, status = 200) {
      if (timer) clearInterval(timer);
      if (!passage.clear && !(await passage.wait())) return false;
      await opening;
      if (raw.headersSent) return respondOnStream(json, log ? await log.append(json, true) : null);
      if (!alive()) return false;
      if (preferStream && status === 200) return respondOnStream(json, null);
      // As one string, head and body reach the socket in one write.
      const length = Buffer.byteLength(json);
      raw.writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': length });
      raw.end(json);
      return finished(raw);
    },
    comment: () => write(': open\n\n'),
    repeat: (id, json) => write(eventOf(json, id)),
    end() {
      if (alive()) raw.end();
    },
  };
}

/** One event. Line breaks between JSON tokens become spaces; inside strings there are none. */
function eventOf(json: Masked<string>, id: string | null): string {
  const data = /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json;
  return `event: message\n${id === null ? '' : `id: ${id}\n`}data: ${data}\n\n`;
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
