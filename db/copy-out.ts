import type { Connection, PoolClient, Submittable } from 'pg';

/** One row of a binary COPY: its fields, null where they are. They share memory with other rows: copy what is kept for long. */
export type CopiedRow = readonly (Buffer | null)[];

/** How much is read ahead while the rows before it are looked at. */
const aheadBytes = 4 * 1024 * 1024;
const headLength = 19;

/**
 * Reads a query's rows as PostgreSQL has them, in binary, as one stream: no text is made of bytes on the way, and the
 * server goes on while rows are looked at, but not further ahead than a few megabytes.
 * Whoever stops before the end ends the connection with it.
 * @param query without parameters; must not come from anybody
 */
export async function* copyOut(client: PoolClient, query: string): AsyncGenerator<CopiedRow> {
  const reading = startCopy(client, query);
  try {
    for (let page = await reading.next(); page; page = await reading.next()) yield* page;
  } finally {
    reading.stop();
  }
}

interface Reading {
  /** The rows that have come meanwhile, at least one; null at the end. */
  next(): Promise<CopiedRow[] | null>;
  /** Ends the connection unless all has been read. */
  stop(): void;
}

function startCopy(client: PoolClient, query: string): Reading {
  let rows: CopiedRow[] = [];
  let bytes = 0;
  let isFirst = true;
  let done = false;
  let failure: Error | null = null;
  let wake = (): void => {};
  let wire: Wire | null = null;
  const settle = (error: Error | null): void => {
    failure ??= error;
    done = true;
    wake();
  };
  const keep = keeper();
  const copy: Submittable & Record<string, unknown> = {
    callback() {}, // pg wraps it where a query has a time limit
    submit(connection: Connection) {
      wire = connection as unknown as Wire;
      wire.query(`copy (${query}) to stdout (format binary)`);
    },
    handleCopyData({ chunk }: { chunk: Buffer }) {
      const row = rowOf(keep(chunk), isFirst ? headLength : 0);
      isFirst = false;
      if (!row) return;
      rows.push(row);
      bytes += chunk.length;
      if (bytes > aheadBytes) wire?.stream.pause();
      wake();
    },
    handleCommandComplete() {},
    handleError: (error: Error) => settle(error),
    handleReadyForQuery: () => settle(null),
  };
  client.query(copy);
  return {
    async next() {
      if (rows.length === 0 && !done)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      if (failure) throw failure;
      if (rows.length === 0) return null;
      const page = rows;
      rows = [];
      bytes = 0;
      wire?.stream.resume();
      return page;
    },
    stop() {
      if (!done) wire?.stream.destroy();
    },
  };
}

const slabBytes = 512 * 1024;

/** Copies chunks, since pg uses its buffer again; many into one piece of memory, which costs a tenth of one for each. */
function keeper(): (chunk: Buffer) => Buffer {
  let slab = Buffer.alloc(0);
  let used = 0;
  return (chunk) => {
    if (chunk.length > slab.length - used) {
      slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, chunk.length));
      used = 0;
    }
    chunk.copy(slab, used);
    used += chunk.length;
    return slab.subarray(used - chunk.length, used);
  };
}

/** What is used of pg's connection; its types do not name these. */
interface Wire {
  readonly stream: { pause(): void; resume(): void; destroy(): void };
  query(text: string): void;
}

/** @param from where the row begins: the first one stands behind the format's own head. @returns null for the end */
function rowOf(chunk: Buffer, from: number): CopiedRow | null {
  let at = from + 2;
  const count = chunk.readInt16BE(from);
  if (count < 0) return null;
  const fields: (Buffer | null)[] = [];
  for (let field = 0; field < count; field += 1) {
    const length = chunk.readInt32BE(at);
    at += 4;
    fields.push(length < 0 ? null : chunk.subarray(at, at + length));
    if (length > 0) at += length;
  }
  return fields;
}
