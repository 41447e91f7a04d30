import type { Connection, PoolClient, Submittable } from 'pg';
import type { SealedRecord } from '../recording/strand.ts';

const statement =
  'copy records (writer_no, position, strand, seq, at, header, sealed) from stdin with (format binary)';
const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const trailer = Buffer.from([0xff, 0xff]);
/** 2000-01-01, PostgreSQL's epoch, in microseconds since 1970. */
const epochMicros = 946_684_800_000_000;
/** Field count, seven lengths, and the fixed-size fields. */
const fixedLength = 2 + 7 * 4 + 4 + 8 + 16 + 8 + 8;

/**
 * Writes records by one binary COPY, committed when it resolves. Statement, data and end go out together, without
 * waiting for the server's word that it is ready for data: one round trip instead of two. Should the statement
 * fail, the server ignores the data that follows (PostgreSQL documentation, "COPY Operations").
 * @param firstPosition the position of the first record; the others follow
 */
export function copyRecords(
  client: PoolClient,
  writerNo: number,
  firstPosition: number,
  records: readonly SealedRecord[],
): Promise<void> {
  const chunks = encode(writerNo, firstPosition, records);
  return new Promise((resolve, reject) => {
    let failure: Error | null = null;
    const copy: Submittable & Record<string, unknown> = {
      callback() {}, // pg wraps it where a query has a time limit
      submit(connection: Connection) {
        const wire = connection as unknown as Wire;
        wire.stream.cork();
        wire.query(statement);
        // One CopyData message, its pieces as they are: pg's own way would copy each of them twice.
        wire.stream.write(copyDataHead(chunks));
        for (const chunk of chunks) wire.stream.write(chunk);
        wire.endCopyFrom();
        wire.stream.uncork();
      },
      handleCopyInResponse() {},
      handleCommandComplete() {},
      handleError(error: Error) {
        failure = error;
        reject(error);
      },
      handleReadyForQuery() {
        if (!failure) resolve();
      },
    };
    client.query(copy);
  });
}

/** What is used of pg's connection; its types do not name these. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void; write(bytes: Buffer): void };
  query(text: string): void;
  endCopyFrom(): void;
}

/** What stands before the data: `d`, and its length, which counts itself. */
function copyDataHead(chunks: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(5);
  head.write('d', 0, 'latin1');
  head.writeInt32BE(4 + chunks.reduce((sum, chunk) => sum + chunk.length, 0), 1);
  return head;
}

/** One buffer for every record's small fields, the sealed bytes as they are: large payloads are not copied. */
function encode(writerNo: number, firstPosition: number, records: readonly SealedRecord[]): Buffer[] {
  const chunks: Buffer[] = [signature];
  let small = 0;
  for (const record of records) if (record.sealed.length <= inlineLength) small += record.sealed.length;
  const buffer = Buffer.allocUnsafe(
    records.length * fixedLength + records.reduce((sum, record) => sum + record.header.length, 0) + small,
  );
  let from = 0;
  let to = 0;
  for (const [index, record] of records.entries()) {
    to = putFixed(buffer, to, writerNo, firstPosition + index, record);
    if (record.sealed.length <= inlineLength) {
      to += record.sealed.copy(buffer, to);
      continue;
    }
    chunks.push(buffer.subarray(from, to), record.sealed);
    from = to;
  }
  if (from < to) chunks.push(buffer.subarray(from, to));
  chunks.push(trailer);
  return chunks;
}

/** Smaller ones are cheaper to copy than to send as a piece of their own. */
const inlineLength = 4 * 1024;

function putFixed(
  buffer: Buffer,
  start: number,
  writerNo: number,
  position: number,
  record: SealedRecord,
): number {
  let to = buffer.writeInt16BE(7, start);
  to = buffer.writeInt32BE(4, to);
  to = buffer.writeInt32BE(writerNo, to);
  to = buffer.writeInt32BE(8, to);
  to = putInt64(buffer, position, to);
  to = buffer.writeInt32BE(16, to);
  buffer.set(record.strand, to);
  to = buffer.writeInt32BE(8, to + 16);
  to = putInt64(buffer, record.seq, to);
  to = buffer.writeInt32BE(8, to);
  to = putInt64(buffer, record.atMicros - epochMicros, to);
  to = buffer.writeInt32BE(record.header.length, to);
  to += record.header.copy(buffer, to);
  return buffer.writeInt32BE(record.sealed.length, to);
}

/** A safe integer as 8 bytes, without making a BigInt of it. */
function putInt64(buffer: Buffer, value: number, at: number): number {
  const high = Math.floor(value / 2 ** 32);
  return buffer.writeUInt32BE(value - high * 2 ** 32, buffer.writeInt32BE(high, at));
}
