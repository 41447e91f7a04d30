import { decodeHeader, strandName } from '../header.ts';
import type { FoundRecord } from '../log/verify-source.ts';
import { openPayload, type Payload } from '../strand.ts';
import { timeOf } from '../transcript.ts';

/**
 * One record as a line of JSON: what it says, for people and programs; and `header`, `sealed` and `key`, from which
 * anybody can compute all of that again (docs/recording-format.md).
 */
export function recordLine(header: Buffer, sealed: Buffer, recordKey: Buffer, index: number | null): string {
  const said = saidBy(header, openPayload(recordKey, header, sealed));
  const proof = {
    index,
    header: header.toString('base64'),
    sealed: sealed.toString('base64'),
    key: recordKey.toString('base64'),
  };
  // Many readers take these two for line ends as well.
  const line = JSON.stringify({ ...said, ...proof })
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
  return `${line}\n`;
}

/** What a record says, as the line tells it. */
function saidBy(headerBytes: Buffer, { facts, bytes }: Payload): Record<string, unknown> {
  const header = decodeHeader(headerBytes);
  const text = bytes.toString('utf8');
  return {
    strand: strandName(header.strand),
    seq: header.seq,
    at: timeOf(header.atMicros),
    clock: timeOf(header.clockMicros),
    kind: header.kind,
    direction: header.direction,
    ...facts,
    ...(Buffer.from(text).equals(bytes) ? { text } : { base64: bytes.toString('base64') }),
  };
}

/** A line read back. */
export interface ReadLine extends FoundRecord {
  readonly recordKey: Buffer;
}

/**
 * Reads a line; what it says is compared with what its sealed bytes say.
 * @throws Error when it is not a line, or says something else than was recorded
 */
export function readLine(line: string, sessionId: string): ReadLine {
  const parsed = JSON.parse(line) as Record<string, unknown>;
  const { index, header, sealed, key, ...said } = parsed;
  const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : '', 'base64');
  const recordKey = bytes(key);
  const computed = saidBy(bytes(header), openPayload(recordKey, bytes(header), bytes(sealed)));
  if (JSON.stringify(said) !== JSON.stringify(computed))
    throw new Error('the readable part of the line is not what was recorded');
  const { strand, seq, atMicros } = decodeHeader(bytes(header));
  return {
    index: typeof index === 'number' ? index : null,
    strand: Buffer.from(strand),
    seq,
    atMicros,
    header: bytes(header),
    sealed: bytes(sealed),
    sessionId,
    recordKey,
  };
}
