import { createHmac, createSecretKey, hash, type KeyObject, subtle, type webcrypto } from 'node:crypto';

/**
 * HMAC-SHA256 (RFC 2104) under one key, over a record's position (8 bytes, big-endian) and what stands behind it.
 * Hashes are text with one character a byte (latin1): making a buffer for one takes longer than the hash itself.
 */
export interface KeyedHash {
  ofPosition(seq: number): string;
  ofBytesAt(seq: number, bytes: Uint8Array | string): string;
  /**
   * The same hash, made beside the event loop: for megabytes.
   * @param place gives the memory in which they are put together until the end of the turn
   */
  ofLargeAt(seq: number, bytes: Uint8Array | string, place: (length: number) => Buffer): Promise<string>;
}

const blockLength = 64;
const digestLength = 32;
const positionLength = 8;
/** Longer inputs are not put together first: with them, what an Hmac object costs no longer counts. */
const togetherLength = 32 * 1024;

/** Where inputs are put together, one after another; for all that hash in turns. */
export function hashingSpace(): Buffer {
  return Buffer.allocUnsafeSlow(blockLength + positionLength + togetherLength);
}

/**
 * Made of one-shot hashes over blocks that are prepared once: for short inputs an Hmac object costs four times as much.
 * @param key 32 bytes
 * @param space see {@link hashingSpace}; null where bytes are rarely hashed
 */
export function keyedHash(key: Uint8Array, space: Buffer | null): KeyedHash {
  const inner = Buffer.alloc(blockLength + positionLength, 0x36);
  const outer = Buffer.alloc(blockLength + digestLength, 0x5c);
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  let whole: KeyObject | null = null;
  let imported: Promise<webcrypto.CryptoKey> | null = null;

  const place = (seq: number): void => {
    inner.writeUInt32BE(Math.floor(seq / 2 ** 32), blockLength);
    inner.writeUInt32BE(seq % 2 ** 32, blockLength + 4);
  };
  const finish = (digest: string): string => {
    outer.write(digest, blockLength, 'latin1');
    return hash('sha256', outer, 'binary');
  };
  return {
    ofPosition(seq) {
      place(seq);
      return finish(hash('sha256', inner, 'binary'));
    },
    ofBytesAt(seq, bytes) {
      place(seq);
      // Three bytes is the most that UTF-8 takes for one unit of a string.
      const most = typeof bytes === 'string' ? bytes.length * 3 : bytes.length;
      if (!space || most > togetherLength) {
        whole ??= createSecretKey(key);
        return createHmac('sha256', whole).update(inner.subarray(blockLength)).update(bytes).digest('binary');
      }
      space.set(inner);
      let to = inner.length;
      if (typeof bytes === 'string') to += space.write(bytes, to);
      else {
        space.set(bytes, to);
        to += bytes.length;
      }
      return finish(hash('sha256', space.subarray(0, to), 'binary'));
    },
    async ofLargeAt(seq, bytes, room) {
      imported ??= subtle.importKey('raw', Uint8Array.from(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
        'sign',
      ]);
      const signing = await imported;
      const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
      const hashed = room(positionLength + length);
      place(seq);
      hashed.set(inner.subarray(blockLength));
      if (typeof bytes === 'string') hashed.write(bytes, positionLength);
      else hashed.set(bytes, positionLength);
      // Web Cryptography (W3C) has a copy of the bytes taken before this returns.
      const signed = subtle.sign('HMAC', signing, hashed);
      return Buffer.from(await signed).toString('latin1');
    },
  };
}
