import { sessionRef } from '../header.ts';
import type { NoteSigner, NoteVerifier } from './note.ts';

/** A signed statement in the log that a session was purged: the only thing that excuses a missing record. */
export interface Tombstone {
  /** SHA-256 of the session id. */
  readonly session: Buffer;
  readonly atMicros: number;
  /** Who purged it and why, for people. */
  readonly because: string;
}

const magic = Buffer.from('HPT1');
const domain = Buffer.from('holdpoint/tombstone/v1\n');
const fixedLength = 4 + 32 + 8 + 2;
const signatureLength = 64;
const maxBecauseBytes = 2000;

/** @param signer the log's own key: a forged tombstone would hide a deletion */
export function signTombstone(
  sessionId: string,
  atMicros: number,
  because: string,
  signer: NoteSigner,
): Buffer {
  const text = Buffer.from(because.toWellFormed());
  if (text.length > maxBecauseBytes) throw new Error(`a reason to purge is at most ${maxBecauseBytes} bytes`);
  const body = Buffer.alloc(fixedLength + text.length);
  body.set(magic, 0);
  body.set(sessionRef(sessionId), 4);
  body.writeBigUInt64BE(BigInt(atMicros), 36);
  body.writeUInt16BE(text.length, 44);
  body.set(text, fixedLength);
  return Buffer.concat([body, signer.sign(Buffer.concat([domain, body]))]);
}

export function isTombstone(entry: Uint8Array): boolean {
  return magic.equals(entry.subarray(0, 4));
}

/** @returns null when it is not whole, or not signed by the log */
export function openTombstone(entry: Buffer, verifier: NoteVerifier): Tombstone | null {
  if (entry.length < fixedLength + signatureLength || !isTombstone(entry)) return null;
  const body = entry.subarray(0, entry.length - signatureLength);
  if (body.readUInt16BE(44) !== body.length - fixedLength) return null;
  if (!verifier.verify(Buffer.concat([domain, body]), entry.subarray(body.length))) return null;
  return {
    session: body.subarray(4, 36),
    atMicros: Number(body.readBigUInt64BE(36)),
    because: body.toString('utf8', fixedLength),
  };
}
