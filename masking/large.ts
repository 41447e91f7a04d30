import { Worker } from 'node:worker_threads';
import type { MaskingConfig } from './config.ts';
import type { Finding, Masker, MaskerOptions, MaskResult } from './engine.ts';
import { remember } from './known-values.ts';
import { asMasked } from './masked.ts';
import type { TokenScope } from './tokens.ts';

/** From this length on (UTF-16 units) a text is masked off the event loop, which it would hold for milliseconds. */
export const largeTextLength = 96 * 1_024;

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
  readonly text: string;
  /** Values of the session's memory, or null without one. */
  readonly remembered: [string, string][] | null;
  readonly tokens: TokenScope | null;
}

/** A worker's answer. */
export interface MaskAnswer {
  readonly id: number;
  readonly text: string;
  readonly findings: readonly Finding[];
  readonly remembered: [string, string][];
}

/** Threads that mask large texts. The caller makes and closes it; a new policy needs a new pool. */
export interface MaskPool {
  /**
   * Masks off the event loop.
   * @throws Error when the worker failed or took longer than the time limit: the text was then not masked
   */
  mask(kind: MaskTask['kind'], profile: string, text: string, options?: MaskerOptions): Promise<MaskResult>;
  /** Stops all threads; what is still waiting is rejected. */
  close(): Promise<void>;
}

interface Waiting {
  readonly task: MaskTask;
  readonly memory: MaskerOptions['memory'];
  readonly resolve: (result: MaskResult) => void;
  readonly reject: (error: Error) => void;
}

/** @param size how many threads at most; they start when first needed */
export function createMaskPool(setup: WorkerSetup, { size = 1, timeLimitMs = 30_000 } = {}): MaskPool {
  const queue: Waiting[] = [];
  const workers = new Set<Worker>();
  const idle: Worker[] = [];
  let closed = false;
  let nextId = 1;

  const start = (): Worker => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: setup });
    worker.unref();
    workers.add(worker);
    return worker;
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
    const broke = (): void => fail(new Error('the masking worker failed'));
    const done = (answer: MaskAnswer): void => {
      finish();
      idle.push(worker);
      if (waiting.memory !== undefined) {
        for (const [value, detector] of answer.remembered) remember(waiting.memory, value, detector);
      }
      waiting.resolve({ text: asMasked(answer.text), findings: answer.findings });
      pump();
    };
    const timer = setTimeout(
      () => fail(new Error(`masking took longer than ${timeLimitMs} ms`)),
      timeLimitMs,
    );
    worker.ref();
    worker.on('message', done).on('error', broke).on('exit', broke);
    worker.postMessage(waiting.task, []);
  };

  const pump = (): void => {
    if (closed) return;
    while (queue.length > 0) {
      const worker = idle.pop() ?? (workers.size < size ? start() : undefined);
      if (worker === undefined) return;
      const waiting = queue.shift();
      if (waiting !== undefined) run(worker, waiting);
    }
  };

  return {
    mask(kind, profile, text, options = {}) {
      if (closed) return Promise.reject(new Error('the masking pool is closed'));
      const { promise, resolve, reject } = Promise.withResolvers<MaskResult>();
      const remembered = options.memory === undefined ? null : [...options.memory.values];
      const task: MaskTask = { id: nextId, kind, profile, text, remembered, tokens: options.tokens ?? null };
      nextId += 1;
      queue.push({ task, memory: options.memory, resolve, reject });
      pump();
      return promise;
    },
    async close() {
      closed = true;
      for (const waiting of queue.splice(0)) waiting.reject(new Error('the masking pool is closed'));
      await Promise.all([...workers].map((worker) => worker.terminate()));
    },
  };
}

/** Masks a small text at once and a large one in the pool. Both give the same result. */
export async function maskLarge(
  pool: MaskPool,
  masker: Masker,
  kind: MaskTask['kind'],
  profile: string,
  text: string,
  options: MaskerOptions = {},
): Promise<MaskResult> {
  return text.length < largeTextLength ? masker[kind](text) : await pool.mask(kind, profile, text, options);
}
