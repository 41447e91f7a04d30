import { Worker } from 'node:worker_threads';
import { carried, carry } from './carried-text.ts';
import type { CarriedText } from './carried-text.ts';
import type { MaskingConfig } from './config.ts';
import { MaskingError } from './engine.ts';
import type { Finding, MaskerOptions, MaskResult } from './engine.ts';
import { remember } from './known-values.ts';
import { asMasked } from './masked.ts';
import type { TokenScope } from './tokens.ts';

/** From this length on (UTF-16 units) a text is masked off the event loop, which it would hold for milliseconds. */
export const largeTextLength = 24 * 1_024;
/** The same for texts of which more than a quarter is digits: numbers cost several times as much as words. */
export const denseTextLength = 6 * 1_024;

/** Whether a text is masked in a thread; looks at every eighth character of those in between. */
export function isLarge(text: string): boolean {
  if (text.length >= largeTextLength || text.length < denseTextLength) return text.length >= largeTextLength;
  let digits = 0;
  for (let at = 0; at < text.length; at += 8) {
    const code = text.charCodeAt(at);
    if (code >= 48 && code <= 57) digits += 1;
  }
  return digits * 32 > text.length;
}

/** What a worker is started with. */
export interface WorkerSetup {
  readonly config: MaskingConfig;
  readonly pseudonymKey: Uint8Array;
}

/** One text for a worker. */
export interface MaskTask {
  readonly id: number;
  readonly kind: 'message' | 'json' | 'text';
  readonly profile: string;
  readonly text: CarriedText;
  /** Values of the session's memory, or null without one. */
  readonly remembered: [string, string][] | null;
  readonly tokens: TokenScope | null;
  /** What was put in for tokens, by value; null where none was. */
  readonly restored: [string, string][] | null;
}

/** A worker's answer. */
export interface MaskAnswer {
  readonly id: number;
  readonly text: CarriedText;
  /** JSON, read only when somebody asks: thousands of objects would be slow to pass between threads. */
  readonly findings: CarriedText;
  /** How often each detector found something. */
  readonly counts: readonly (readonly [string, number])[];
  readonly remembered: [string, string][];
}

/** Threads that mask large texts. The caller makes and closes it; a new policy needs a new pool. */
export interface MaskPool {
  /**
   * Masks off the event loop.
   * @throws MaskingError when the worker failed, took longer than the time limit, or too many texts wait: the text
   * was then not masked
   */
  mask(kind: MaskTask['kind'], profile: string, text: string, options?: MaskerOptions): Promise<MaskResult>;
  /** A new policy has a new pool: this one still masks for who has it, and keeps no thread when it has nothing to do. */
  retire(): void;
  /** Stops all threads; what is still waiting is rejected. */
  close(): Promise<void>;
}

interface Waiting {
  readonly task: Omit<MaskTask, 'text'>;
  readonly text: string;
  readonly memory: MaskerOptions['memory'];
  readonly onFound: MaskerOptions['onFound'];
  readonly resolve: (result: MaskResult) => void;
  readonly reject: (error: Error) => void;
}

/** Texts that may wait together, in UTF-16 units: beyond that, masking is slower than what comes in. */
const waitingLimit = 64 * 1_024 * 1_024;

/** @param size how many threads at most; they start when first needed */
export function createMaskPool(setup: WorkerSetup, { size = 1, timeLimitMs = 30_000 } = {}): MaskPool {
  const queue: Waiting[] = [];
  const workers = new Set<Worker>();
  const idle: Worker[] = [];
  let closed = false;
  let retired = false;
  let waitingLength = 0;
  let nextId = 1;

  const start = (): Worker => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: setup });
    worker.unref();
    workers.add(worker);
    return worker;
  };

  const end = async (worker: Worker): Promise<void> => {
    workers.delete(worker);
    await worker.terminate();
  };

  const run = (worker: Worker, waiting: Waiting): void => {
    const finish = (): void => {
      clearTimeout(timer);
      worker.off('message', done).off('error', broke).off('exit', broke);
      worker.unref();
    };
    const fail = (error: Error): void => {
      finish();
      workers.delete(worker);
      // A worker that failed or hangs is not used again; the text stays unmasked and the caller learns of it.
      void worker.terminate();
      waiting.reject(error);
      pump();
    };
    const broke = (cause: unknown): void =>
      fail(new MaskingError('masking_failed', 'the masking worker failed', { cause }));
    const done = (answer: MaskAnswer): void => {
      finish();
      if (retired) void end(worker);
      else idle.push(worker);
      if (waiting.memory !== undefined) {
        for (const [value, detector] of answer.remembered) remember(waiting.memory, value, detector);
      }
      for (const [detector, times] of answer.counts) waiting.onFound?.(detector, times);
      waiting.resolve(withFindings(answer));
      pump();
    };
    const timer = setTimeout(
      () => fail(new MaskingError('masking_timeout', `masking took longer than ${timeLimitMs} ms`)),
      timeLimitMs,
    );
    worker.ref();
    worker.on('message', done).on('error', broke).on('exit', broke);
    const text = carry(waiting.text);
    const task: MaskTask = { ...waiting.task, text };
    worker.postMessage(task, [text.bytes]);
  };

  const pump = (): void => {
    if (closed) return;
    while (queue.length > 0) {
      const worker = idle.pop() ?? (workers.size < size ? start() : undefined);
      if (worker === undefined) return;
      const waiting = queue.shift();
      if (waiting === undefined) continue;
      waitingLength -= waiting.text.length;
      run(worker, waiting);
    }
  };

  return {
    mask(kind, profile, text, options = {}) {
      if (closed) return Promise.reject(new MaskingError('masking_closed', 'the masking pool is closed'));
      if (waitingLength + text.length > waitingLimit)
        return Promise.reject(new MaskingError('masking_busy', 'too many large texts wait to be masked'));
      const { promise, resolve, reject } = Promise.withResolvers<MaskResult>();
      const remembered = options.memory === undefined ? null : [...options.memory.values];
      const restored = options.restored === undefined ? null : [...options.restored];
      const task = { id: nextId, kind, profile, remembered, restored, tokens: options.tokens ?? null };
      nextId += 1;
      waitingLength += text.length;
      const onFound = kind === 'message' ? options.onFound : undefined;
      queue.push({ task, text, memory: options.memory, onFound, resolve, reject });
      pump();
      return promise;
    },
    retire() {
      retired = true;
      for (const worker of idle.splice(0)) void end(worker);
    },
    async close() {
      closed = true;
      for (const waiting of queue.splice(0))
        waiting.reject(new MaskingError('masking_closed', 'the masking pool is closed'));
      await Promise.all([...workers].map((worker) => worker.terminate()));
    },
  };
}

/** The answer as a result; what was found is read only if somebody asks. */
function withFindings(answer: MaskAnswer): MaskResult {
  let findings: readonly Finding[] | null = null;
  return {
    text: asMasked(carried(answer.text)),
    get findings() {
      return (findings ??= JSON.parse(carried(answer.findings)) as Finding[]);
    },
  };
}
