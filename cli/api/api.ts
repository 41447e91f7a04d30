import type { z } from 'zod';
import type { downloads, operations, streams } from '../../console/api/operations.ts';

export type Operations = typeof operations;
export type Streams = typeof streams;
export type Downloads = typeof downloads;
export type OperationId = keyof Operations;
export type StreamId = keyof Streams;
export type DownloadId = keyof Downloads;

interface Described {
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  readonly body: z.ZodType | null;
}

/** What an operation is asked with: parameters of its path, of its query, and its body. */
export interface AskedWith<O extends Described> {
  readonly params?: z.input<O['params']>;
  readonly query?: z.input<O['query']>;
  readonly body?: O['body'] extends z.ZodType ? z.input<O['body']> : never;
}

export type Answer<K extends OperationId> = z.output<Operations[K]['response']>;
export type Item<K extends StreamId> = z.output<Streams[K]['response']>;

/**
 * Everything that commands look at and do, wherever it is done: by a Holdpoint's HTTP API, or in this process beside the
 * database. Either way it is the same operations, checks and records.
 */
export interface Api {
  /** @throws ApiProblem */
  call<K extends OperationId>(id: K, asked?: AskedWith<Operations[K]>): Promise<Answer<K>>;
  /** One thing after the other. @throws ApiProblem at the first, or wherever it broke off */
  stream<K extends StreamId>(id: K, asked?: AskedWith<Streams[K]>): AsyncIterable<Item<K>>;
  /** A file. Whether it came whole its content says. @throws ApiProblem at the first, or wherever it broke off */
  download<K extends DownloadId>(id: K, asked?: AskedWith<Downloads[K]>): AsyncIterable<Uint8Array>;
}

/** An API that is opened when it is first asked: usage and mistakes in it need nothing to be there. */
export function lazyApi(open: () => Promise<Api>): Api {
  let opened: Promise<Api> | undefined;
  const api = (): Promise<Api> => (opened ??= open());
  return {
    call: async (id, asked) => (await api()).call(id, asked),
    async *stream(id, asked) {
      yield* (await api()).stream(id, asked);
    },
    async *download(id, asked) {
      yield* (await api()).download(id, asked);
    },
  };
}
