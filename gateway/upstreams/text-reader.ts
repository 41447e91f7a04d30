import { Worker } from 'node:worker_threads';
import { carried, carry, type CarriedText } from '../../masking/carried-text.ts';
import type { RpcEnvelope } from '../mcp/rpc-message.ts';
import { type ReadingRules, readText, type ReadText } from './read-text.ts';

/** From this length on (UTF-16 units) a text is read in a thread: on the event loop it would stop everything else. */
const largeTextLength = 64 * 1024;

/** One text for the thread. */
export interface ReadTask {
  readonly id: number;
  readonly text: CarriedText;
  readonly rules: ReadingRules;
}

/** The thread's answer. */
export interface ReadAnswer {
  readonly id: number;
  readonly problem: string | null;
  readonly batch: boolean;
  readonly messages: readonly EnvelopeAt[];
}

/** A message without its text, and the text beside it; null where it is the one that was asked about, as it was. */
export interface EnvelopeAt {
  readonly text: CarriedText | null;
  readonly envelope: RpcEnvelope;
}

/** Reads what upstreams send. */
export interface TextReader {
  /** Reads a text: a small one at once, a large one in a thread, in the order in which they are given. */
  read(text: string, rules: ReadingRules): ReadText | Promise<ReadText>;
  close(): Promise<void>;
}

interface Waiting {
  readonly text: string;
  readonly rules: ReadingRules;
  readonly resolve: (read: ReadText | Promise<ReadText>) => void;
}

/**
 * Makes a reader; its thread starts with the first large text. Should the thread break, what waits for it is read on
 * the event loop, as if there were none, and the next large text starts another.
 */
export function createTextReader(): TextReader {
  const waiting = new Map<number, Waiting>();
  let thread: Worker | null = null;
  let nextId = 1;

  function start(): Worker {
    const worker = new Worker(new URL('./reader-thread.ts', import.meta.url));
    worker.unref();
    const broken = (): void => {
      if (thread !== worker) return;
      thread = null;
      void worker.terminate();
      // What could not be read here either is an error of who asked, and not of this process.
      for (const { text, rules, resolve } of waiting.values()) resolve((async () => readText(text, rules))());
      waiting.clear();
    };
    worker.on('error', broken).on('exit', broken);
    worker.on('message', (answer: ReadAnswer) => {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (waiting.size === 0) worker.unref();
      asked?.resolve(
        answer.problem === null
          ? {
              problem: null,
              batch: answer.batch,
              messages: answer.messages.map((message) => withText(message, asked?.text ?? '')),
            }
          : { problem: answer.problem },
      );
    });
    return worker;
  }

  return {
    read(text, rules) {
      if (text.length < largeTextLength) return readText(text, rules);
      thread ??= start();
      const id = nextId;
      nextId += 1;
      const { promise, resolve } = Promise.withResolvers<ReadText>();
      waiting.set(id, { text, rules, resolve });
      thread.ref();
      const task: ReadTask = { id, text: carry(text), rules };
      thread.postMessage(task, [task.text.bytes]);
      return promise;
    },
    async close() {
      await thread?.terminate();
    },
  };
}

function withText({ text, envelope }: EnvelopeAt, asked: string): RpcEnvelope {
  return { ...envelope, json: text ? carried(text) : asked };
}
