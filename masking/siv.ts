import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto';

/**
 * AES-SIV (RFC 5297) with a 64-byte key: deterministic authenticated encryption. Equal values under equal context
 * give equal ciphertexts, which is what lets an agent compare tokens.
 */

const block = 16;

function double(bytes: Buffer): Buffer {
  const out = Buffer.alloc(block);
  let carry = 0;
  for (let i = block - 1; i >= 0; i -= 1) {
    const value = ((bytes[i] ?? 0) << 1) | carry;
    out[i] = value & 0xff;
    carry = value >> 8;
  }
  if (carry === 1) out[block - 1] = (out[block - 1] ?? 0) ^ 0x87;
  return out;
}

function xorInto(target: Buffer, other: Uint8Array, offset: number): void {
  for (let i = 0; i < other.length; i += 1) target[offset + i] = (target[offset + i] ?? 0) ^ (other[i] ?? 0);
}

/** AES-CMAC (RFC 4493): the last block of CBC over the message, padded under a derived key. */
function cmac(key: Uint8Array, message: Uint8Array): Buffer {
  const ecb = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  const first = double(ecb.update(Buffer.alloc(block)));
  const whole = message.length > 0 && message.length % block === 0;
  const padded = Buffer.alloc(whole ? message.length : Math.floor(message.length / block) * block + block);
  padded.set(message);
  if (!whole) padded[message.length] = 0x80;
  xorInto(padded, whole ? first : double(first), padded.length - block);
  const cbc = createCipheriv('aes-256-cbc', key, Buffer.alloc(block)).setAutoPadding(false);
  return cbc.update(padded).subarray(-block);
}

function s2v(key: Uint8Array, context: readonly Uint8Array[], plain: Uint8Array): Buffer {
  let state = cmac(key, Buffer.alloc(block));
  for (const part of context) {
    state = double(state);
    xorInto(state, cmac(key, part), 0);
  }
  if (plain.length >= block) {
    const mixed = Buffer.from(plain);
    xorInto(mixed, state, mixed.length - block);
    return cmac(key, mixed);
  }
  const padded = Buffer.alloc(block);
  padded.set(plain);
  padded[plain.length] = 0x80;
  state = double(state);
  xorInto(state, padded, 0);
  return cmac(key, state);
}

function counter(iv: Buffer): Buffer {
  const start = Buffer.from(iv);
  start[8] = (start[8] ?? 0) & 0x7f;
  start[12] = (start[12] ?? 0) & 0x7f;
  return start;
}

/** @returns synthetic IV (16 bytes) and ciphertext */
export function sivEncrypt(key: Uint8Array, plain: Uint8Array, context: readonly Uint8Array[]): Buffer {
  const iv = s2v(key.subarray(0, 32), context, plain);
  return Buffer.concat([iv, createCipheriv('aes-256-ctr', key.subarray(32), counter(iv)).update(plain)]);
}

/** @returns the plaintext, or null when key, context or a single bit is wrong */
export function sivDecrypt(
  key: Uint8Array,
  sealed: Uint8Array,
  context: readonly Uint8Array[],
): Buffer | null {
  if (sealed.length < block) return null;
  const iv = Buffer.from(sealed.subarray(0, block));
  const plain = createDecipheriv('aes-256-ctr', key.subarray(32), counter(iv)).update(sealed.subarray(block));
  return timingSafeEqual(s2v(key.subarray(0, 32), context, plain), iv) ? plain : null;
}
