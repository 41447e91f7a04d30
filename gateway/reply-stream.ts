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
const noHeaders: string[] = [];
const commentEveryMs = 15_000;
/** Clients try twice to come back, after this long each: so long may a gateway be away. */
const retryMs = 10_000;

/**
 * Writes to the socket what was masked and recorded before. A reply that is one response stays plain JSON, unless
 * upstream's was a stream; whatever comes before the response makes it an event stream.
 */
export function createReplyStream(raw: ServerResponse, options: ReplyOptions): ReplyStream {
  return new SocketReply(raw, options);
}

/** A class, since there is one for each held call: methods of its own would cost each of them more than what it keeps. */
class SocketReply implements ReplyStream {
  readonly #raw: ServerResponse;
  readonly #passage: ReplyOptions['passage'];
  readonly #headers: ReplyOptions['headers'];
  /** Both are let go of once they have been asked for what is held, since they keep what they look it up in. */
  #askToken: ReplyOptions['progressToken'] | null;
  #makeLog: ReplyOptions['log'];
  #token: string | null = null;
  /** Made when somebody asks for it: most exchanges end without. */
  #leaving: AbortController | null = null;
  #left = false;
  #whenGone: (() => void) | null = null;
  #timer: NodeJS.Timeout | null = null;
  #preferStream = false;
  #log: StreamLog | null = null;
  #opening: Promise<void> | null = null;
  #heldCall: string | null = null;
  #progress = 0;

  constructor(raw: ServerResponse, options: ReplyOptions) {
    this.#raw = raw;
    this.#passage = options.passage;
    this.#headers = options.headers;
    this.#askToken = options.progressToken;
    this.#makeLog = options.log;
    raw.on('close', () => {
      if (this.#timer) clearInterval(this.#timer);
      if (raw.writableFinished) return;
      this.#left = true;
      this.#leaving?.abort();
      this.#whenGone?.();
    });
    // A socket that breaks says so by `close`; without a listener Node would end the process.
    raw.on('error', ignored);
  }

  get alive(): boolean {
    return !this.#raw.destroyed && !this.#raw.writableEnded;
  }

  get gone(): AbortSignal {
    this.#leaving ??= new AbortController();
    if (this.#left) this.#leaving.abort();
    return this.#leaving.signal;
  }

  whenGone(run: () => void): void {
    const before = this.#whenGone;
    if (this.#left) run();
    else
      this.#whenGone = before
        ? () => {
            before();
            run();
          }
        : run;
  }

  get progressToken(): string | null {
    return this.#askToken ? this.#askToken() : this.#token;
  }

  async open(): Promise<void> {
    if (this.#clear || (await this.#cleared())) await this.#open();
  }

  openSoon(): void {
    this.#preferStream = true;
    this.#timer ??= setTimeout(() => {
      if (this.#passage.clear) void this.#open();
      this.#timer = setInterval(() => void this.comment(), commentEveryMs);
    }, openAfterMs);
  }

  async heldAs(callId: string): Promise<void> {
    this.#heldCall = callId;
    // Read and decided on; what is left of the request is its answer.
    const { req } = this.#raw;
    req.rawHeaders = noHeaders;
    req.headers = {};
    this.#token = this.progressToken;
    this.#askToken = null;
    await this.#log?.heldAs(callId);
  }

  async message(json: Masked<string>): Promise<void> {
    if (this.#clear || (await this.#cleared())) await this.#open();
    // A client that is gone may come back for it.
    const id = this.#log ? await this.#log.append(json, false) : null;
    await this.#write(eventOf(json, id));
  }

  async keepAlive(text: Masked<string>): Promise<void> {
    const isOpen = this.#raw.headersSent && this.#opening === null;
    if (!isOpen && (this.#clear || (await this.#cleared()))) await this.#open();
    const token = this.progressToken;
    if (token === null) await this.#write(`: ${text.replace(/[\r\n]+/g, ' ')}\n\n`);
    else await this.#write(eventOf(progressEvent(token, ++this.#progress, text), null));
  }

  async respond(json: Masked<string>, status = 200): Promise<boolean> {
    if (this.#timer) clearInterval(this.#timer);
    if (!this.#clear && !(await this.#cleared())) return false;
    await this.#opening;
    const raw = this.#raw;
    if (raw.headersSent)
      return this.#respondOnStream(json, this.#log ? await this.#log.append(json, true) : null);
    if (!this.alive) return false;
    if (this.#preferStream && status === 200) return this.#respondOnStream(json, null);
    // As one string, head and body reach the socket in one write.
    const length = Buffer.byteLength(json);
    raw.writeHead(status, { ...this.#headers, 'content-type': 'application/json', 'content-length': length });
    raw.end(json);
    return finished(raw);
  }

  async comment(): Promise<void> {
    await this.#write(': open\n\n');
  }

  async repeat(id: string, json: Masked<string>): Promise<void> {
    await this.#write(eventOf(json, id));
  }

  end(): void {
    if (this.alive) this.#raw.end();
  }

  /** Whether bytes may go at once, as nearly always. */
  get #clear(): boolean {
    return this.#passage.clear;
  }

  /** Waits until they may; false when they never may. */
  #cleared(): Promise<boolean> {
    return this.#passage.wait();
  }

  async #open(): Promise<void> {
    if (this.#opening) return this.#opening;
    if (this.#raw.headersSent || !this.alive) return;
    this.#raw.writeHead(200, { ...this.#headers, ...streamHeaders }).flushHeaders();
    const made = this.#makeLog?.() ?? null;
    this.#makeLog = null;
    if (made) await (this.#opening = this.#begin(made));
  }

  /** The client is told that it may come back once whoever it comes back to can know of the stream. */
  async #begin(made: StreamLog): Promise<void> {
    try {
      if (this.#heldCall !== null) await made.heldAs(this.#heldCall);
      await made.begin();
    } catch {
      // It cannot be resumed, then; what the database refuses is told by whatever needs it next.
      return;
    } finally {
      this.#opening = null;
    }
    this.#log = made;
    if (this.alive) this.#raw.write(`id: ${made.firstId}\nretry: ${retryMs}\ndata: \n\n`);
  }

  /** Writes once that may be; nothing when it may not. */
  async #write(text: string): Promise<void> {
    if (!this.#clear && !(await this.#cleared())) return;
    if (!this.alive) return;
    if (!this.#raw.write(text)) await drained(this.#raw);
  }

  async #respondOnStream(json: Masked<string>, id: string | null): Promise<boolean> {
    if (!this.#clear && !(await this.#cleared())) return false;
    if (!this.alive) return false;
    const raw = this.#raw;
    if (!raw.headersSent) raw.writeHead(200, { ...this.#headers, ...streamHeaders });
    raw.end(eventOf(json, id));
    return finished(raw);
  }
}

function ignored(): void {}

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
