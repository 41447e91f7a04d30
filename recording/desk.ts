import { hashingSpace } from './keyed-hash.ts';

/**
 * Memory that records are sealed in, one at a time: making a buffer for each step costs more than the step. Whoever
 * has one shares it with nobody who seals at the same moment.
 */
export interface SealingDesk {
  /** For keyed hashes. */
  readonly hashing: Buffer;
  /** Where a payload is put together: counts until the next one is. */
  payload(length: number): Buffer;
  /** Room for a sealed record, which stays. */
  room(length: number): Buffer;
  /** Where megabytes are put together for who copies them at once: counts until the end of the turn. */
  large(length: number): Buffer;
}

const payloadLength = 64 * 1024;
const slabLength = 64 * 1024;
/** Kept once it was needed: for each message anew, buffers of megabytes would have the garbage collector run. */
const largeLength = 8 * 1024 * 1024;

export function sealingDesk(): SealingDesk {
  const payload = Buffer.allocUnsafeSlow(payloadLength);
  let slab = Buffer.alloc(0);
  let large = Buffer.alloc(0);
  return {
    hashing: hashingSpace(),
    payload: (length) =>
      length > payloadLength ? Buffer.allocUnsafeSlow(length) : payload.subarray(0, length),
    room(length) {
      // A piece of its own where it would leave much of a slab empty.
      if (length > slabLength / 8) return Buffer.allocUnsafeSlow(length);
      if (length > slab.length) slab = Buffer.allocUnsafeSlow(slabLength);
      const room = slab.subarray(0, length);
      slab = slab.subarray(length);
      return room;
    },
    large(length) {
      if (length > largeLength) return Buffer.allocUnsafeSlow(length);
      if (length > large.length) large = Buffer.allocUnsafeSlow(length);
      return large.subarray(0, length);
    },
  };
}
