import { hash } from 'node:crypto';
import type { Direction, EventKind } from './event.ts';

/**
 * Every kind of record: what callers record, the two that a recorder adds around each of its strands, and the sealed
 * copy of what masking took out of the message before it.
 */
export type RecordKind = EventKind | 'open' | 'close' | 'copy';

/** Codes on disk. Never renumber: old recordings are read with them. */
const kinds: readonly (RecordKind | undefined)[] = [
  undefined,
  'open',
  'close',
  'end',
  'message',
  'connect',
  'disconnect',
  'verdict',
  'hold',
  'decision',
  'claim',
  'outcome',
  'admin',
  'copy',
];
const directions: readonly Direction[] = ['none', 'client-to-upstream', 'upstream-to-client'];

/** Public facts about one record: a leaf of the log. It says nothing of what the payload says. */
export interface Header {
  readonly kind: RecordKind;
  readonly direction: Direction;
  /** 16 bytes, random: one recorder's part of one session. */
  readonly strand: Uint8Array;
  /** SHA-256 of the session id. */
  readonly session: Uint8Array;
  readonly seq: number;
  /** Microseconds since 1970, strictly growing within a strand whatever the clock does. */
  readonly atMicros: number;
  /** What the wall clock said. */
  readonly clockMicros: number;
  readonly sealedLength: number;
  /** SHA-256 of the sealed payload. */
  readonly sealedHash: Uint8Array;
  /** Keyed hash of the bytes before masking, or null when there were none. */
  readonly unmaskedMac: Uint8Array | null;
  /** Leaf hash of the strand's previous header; zeros for its first. */
  readonly previous: Uint8Array;
}

/**
 * What a header says before its payload is sealed: the part that is authenticated together with the payload. The MAC
 * is latin1 text.
 */
export type Bound = Omit<Header, 'sealedHash' | 'previous' | 'unmaskedMac'> & {
  readonly unmaskedMac: string | null;
};

export const headerLength = 180;
/** Length of the bound part. */
export const boundLength = 116;
const magic = 0x48505231; // "HPR1"
const hasUnmaskedMac = 1;

/** Writes the bound part of a header into its {@link headerLength} bytes; {@link completeHeader} writes the rest. */
export function beginHeader(bytes: Buffer, bound: Bound): void {
  bytes.writeUInt32BE(magic, 0);
  bytes[4] = kinds.indexOf(bound.kind);
  bytes[5] = directions.indexOf(bound.direction);
  bytes.writeUInt16BE(bound.unmaskedMac === null ? 0 : hasUnmaskedMac, 6);
  bytes.set(bound.strand, 8);
  bytes.set(bound.session, 24);
  writeUint64(bytes, bound.seq, 56);
  writeUint64(bytes, bound.atMicros, 64);
  writeUint64(bytes, bound.clockMicros, 72);
  bytes.writeUInt32BE(bound.sealedLength, 80);
  if (bound.unmaskedMac === null) bytes.fill(0, 84, boundLength);
  else bytes.write(bound.unmaskedMac, 84, 'latin1');
}

/** Writes what is known once the payload is sealed; hashes as latin1 text. */
export function completeHeader(bytes: Buffer, sealedHash: string, previous: string): void {
  bytes.write(sealedHash, boundLength, 'latin1');
  bytes.write(previous, 148, 'latin1');
}

/** @throws Error when the bytes are not a header of a version this program knows */
export function decodeHeader(bytes: Uint8Array): Header {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length !== headerLength || view.readUInt32BE(0) !== magic)
    throw new Error(`a record header must be ${headerLength} bytes and begin with HPR1`);
  const kind = kinds[view[4] ?? 0];
  const direction = directions[view[5] ?? 0];
  const flags = view.readUInt16BE(6);
  if (!kind || !direction || flags > hasUnmaskedMac)
    throw new Error('a record header has a kind, direction or flag that this version does not know');
  return {
    kind,
    direction,
    strand: view.subarray(8, 24),
    session: view.subarray(24, 56),
    seq: readUint64(view, 56),
    atMicros: readUint64(view, 64),
    clockMicros: readUint64(view, 72),
    sealedLength: view.readUInt32BE(80),
    unmaskedMac: flags & hasUnmaskedMac ? view.subarray(84, 116) : null,
    sealedHash: view.subarray(116, 148),
    previous: view.subarray(148, 180),
  };
}

const leafPrefix = Buffer.from([0]);

/** RFC 6962 leaf hash of a header: its place in the log, and what the strand's next header points back to. */
export function leafHash(header: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([leafPrefix, header]), 'buffer');
}

/** How headers name a session. */
export function sessionRef(sessionId: string): Buffer {
  return hash('sha256', Buffer.from(sessionId), 'buffer');
}

/** The usual text form of a strand's 16 bytes. */
export function strandName(strand: Uint8Array): string {
  const hex = Buffer.from(strand).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function writeUint64(bytes: Buffer, value: number, offset: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), offset);
  bytes.writeUInt32BE(value % 2 ** 32, offset + 4);
}

function readUint64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset) * 2 ** 32 + bytes.readUInt32BE(offset + 4);
}
