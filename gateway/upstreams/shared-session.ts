import { UpstreamError } from '../errors.ts';
import { rawParam, readRpcMessage, type RpcEnvelope, withId } from '../mcp/rpc-message.ts';
import { createMessageQueue, type MessageQueue } from './message-queue.ts';
import type { SecretRemover } from './own-secrets.ts';
import type { ReadText } from './read-text.ts';
import type { SharedChannel } from './shared-channel.ts';
import type { TextReader } from './text-reader.ts';
import type { SendOptions, UpstreamMessage, UpstreamSession } from './upstream.ts';

/** A request that upstream has not answered yet. */
interface Pending {
  readonly idJson: string;
  readonly progressToken: string | null;
  readonly queue: MessageQueue<UpstreamMessage>;
  /** Silence is measured from here. */
  lastHeardMs: number;
}

/** Messages kept for a client that has not opened its GET stream yet; beyond that the oldest goes. */
const maxUnheard = 100;

export interface SharedSessionOptions {
  readonly name: string;
  readonly depth: number;
  readonly idleTimeoutMs: number;
  readonly withoutSecrets: SecretRemover;
  readonly reader: TextReader;
  /** Tells of output that is no message; upstream goes on. */
  readonly onInvalid: (because: string) => void;
  readonly onClose: () => void;
}

/**
 * One client session over a channel that is one stream for everything, so that messages are told apart here:
 * a response goes to its request, progress to the request with its token, what else comes while a request is open
 * to the latest one, and the rest to the GET stream.
 */
export function createSharedSession(channel: SharedChannel, options: SharedSessionOptions): UpstreamSession {
  const { name, idleTimeoutMs } = options;
  const pending = new Map<string, Pending>();
  let listener: MessageQueue<UpstreamMessage> | null = null;
  const unheard: UpstreamMessage[] = [];
  let closing: Promise<void> | null = null;

  /** Set while a large text is read in a thread: what comes meanwhile waits for its turn. */
  let reading: Promise<void> | null = null;

  function inTurn(run: () => void | Promise<void>): void {
    const done = reading ? reading.then(run) : run();
    if (!done) return;
    const mine = done.finally(() => {
      if (reading === mine) reading = null;
    });
    reading = mine;
  }

  channel.onLine((line) =>
    inTurn(() => {
      const read = readLine(line);
      return read instanceof Promise ? read.then(take) : take(read);
    }),
  );
  channel.onGone((because) => inTurn(() => gone(because)));

  function readLine(line: Buffer): ReadText | Promise<ReadText> {
    if (line.length === 0) return { messages: [], batch: false, problem: null };
    let text: string;
    try {
      text = utf8.decode(line);
    } catch (error) {
      return { problem: (error as Error).message };
    }
    return options.reader.read(text, { forms: options.withoutSecrets.forms(), depth: options.depth });
  }

  function take(read: ReadText): void {
    if (read.problem !== null) return options.onInvalid(read.problem);
    if (read.batch) return options.onInvalid('a JSON-RPC message is an object');
    const [message] = read.messages;
    if (!message || channel.consume(message)) return;
    if (message.kind === 'response') return answer(message);
    const passed = { json: message.json, kind: message.kind, method: message.method };
    const request = requestOf(message);
    if (request) {
      request.lastHeardMs = Date.now();
      request.queue.put(passed);
    } else if (listener) listener.put(passed);
    else if (unheard.push(passed) > maxUnheard) unheard.shift();
  }

  function gone(because: string): void {
    const error = new UpstreamError(
      'upstream_closed',
      `${name} ended before it answered (${because}); the call may have been carried out`,
      { sent: true },
    );
    for (const { queue } of pending.values()) queue.fail(error);
    pending.clear();
  }

  function answer(message: RpcEnvelope & { kind: 'response' }): void {
    const request = pending.get(message.idJson);
    // An answer to nothing that is asked: a late one, or a second one.
    if (!request) return options.onInvalid('it answered a request that is not open');
    pending.delete(message.idJson);
    request.queue.put({ json: withId(message, request.idJson), kind: 'response', method: null });
    request.queue.end();
  }

  function requestOf(message: RpcEnvelope & { kind: 'request' | 'notification' }): Pending | null {
    const all = [...pending.values()];
    if (message.method === 'notifications/progress') {
      const token = rawParam(message, 'progressToken');
      const owner = all.find((request) => request.progressToken !== null && request.progressToken === token);
      if (owner) return owner;
    }
    return all.at(-1) ?? null;
  }

  async function* send(json: string, { idJson, signal, onSent }: SendOptions) {
    const message = readRpcMessage(json, { depth: Number.POSITIVE_INFINITY, loneSurrogates: 'allow' });
    await channel.ready(message, signal);
    if (idJson === null || message.kind !== 'request') {
      onSent?.();
      await channel.write(json);
      return;
    }
    if (pending.has(idJson))
      throw new UpstreamError(
        'upstream_invalid',
        'a request with the same id is still open in this session',
        {
          sent: false,
        },
      );
    const queue = createMessageQueue<UpstreamMessage>();
    const progressToken = rawParam(message, '_meta', 'progressToken');
    const request: Pending = { idJson, progressToken, queue, lastHeardMs: Date.now() };
    pending.set(idJson, request);
    const stopWatching = watch(request, signal);
    try {
      onSent?.();
      await channel.write(json);
      yield* queue;
    } finally {
      stopWatching();
      if (pending.get(idJson) === request) pending.delete(idJson);
    }
  }

  /** Fails a request that was given up, or that has been silent for too long. */
  function watch(request: Pending, signal: AbortSignal): () => void {
    const onAbort = (): void =>
      request.queue.fail(
        new UpstreamError('upstream_aborted', `the call to ${name} was given up`, { sent: true }),
      );
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const timer = setInterval(
      () => {
        if (Date.now() - request.lastHeardMs < idleTimeoutMs) return;
        request.queue.fail(
          new UpstreamError('upstream_timeout', `${name} was silent for ${idleTimeoutMs / 1000} s`, {
            sent: true,
          }),
        );
      },
      Math.max(50, Math.min(idleTimeoutMs / 4, 5000)),
    ).unref();
    return () => {
      clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
    };
  }

  return {
    send,
    resumable: null,
    async events(signal) {
      const queue = createMessageQueue<UpstreamMessage>();
      listener?.end();
      listener = queue;
      for (const message of unheard.splice(0)) queue.put(message);
      signal.addEventListener(
        'abort',
        () => {
          queue.end();
          if (listener === queue) listener = null;
        },
        { once: true },
      );
      return queue;
    },
    close: () =>
      (closing ??= (async () => {
        await channel.stop();
        listener?.end();
        options.onClose();
      })()),
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
