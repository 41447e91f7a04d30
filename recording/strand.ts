import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes } from 'node:crypto';
import { type Clock, monotoneTimes } from './clock.ts';
import type { Direction } from './event.ts';
import {
  beginHeader,
  boundLength,
  completeHeader,
  decodeHeader,
  leafHash,
  type RecordKind,
  sessionRef,
  strandName,
} from './header.ts';
import { decodePayload, encodePayload, type PayloadFacts } from './payload.ts';

/** One record as it is stored. */
export interface SealedRecord {
  readonly strand: Uint8Array;
  readonly seq: number;
  readonly atMicros: number;
  readonly header: Buffer;
  readonly sealed: Buffer;
}

/** Seals the records of one strand, in order. Not for sharing: two users would reuse a nonce. */
export interface StrandSealer {
  readonly strand: Buffer;
  /** Seals the next record. */
  next(
    kind: RecordKind,
    direction: Direction,
    facts: PayloadFacts,
    bytes: Uint8Array | string,
    unmasked?: Uint8Array | string,
  ): SealedRecord;
}

const tagLength = 16;
const firstPrevious = Buffer.alloc(32);

/**
 * Opens a new strand of a session under the session's data key. The strand's id is random and its keys are derived
 * from it, so that any number of recorders can write one session without telling each other, and a strand whose
 * last write failed is left alone and never written again: no nonce is ever used twice.
 * @param dataKey 32 bytes
 */
export function openStrand(sessionId: string, dataKey: Uint8Array, clock: Clock): StrandSealer {
  const strand = randomBytes(16);
  const session = sessionRef(sessionId);
  const keys = strandKeys(dataKey, strand);
  const times = monotoneTimes(clock);
  let seq = 0;
  let previous: Uint8Array = firstPrevious;
  return {
    strand,
    next(kind, direction, facts, bytes, unmasked) {
      const payload = encodePayload(facts, bytes);
      const header = beginHeader({
        kind,
        direction,
        strand,
        session,
        seq,
        ...times(),
        sealedLength: payload.length + tagLength,
        unmaskedMac: unmasked === undefined ? null : macOf(keys.mac, seq, unmasked),
      });
      const cipher = createCipheriv('aes-256-gcm', keys.seal, nonceOf(seq), { authTagLength: tagLength });
      cipher.setAAD(header.subarray(0, boundLength));
      const sealed = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
      completeHeader(header, hash('sha256', sealed, 'buffer'), previous);
      previous = leafHash(header);
      return { strand, seq: seq++, atMicros: Number(header.readBigUInt64BE(64)), header, sealed };
    },
  };
}

/** Opens what {@link openStrand} sealed, under the same data key. */
export interface PayloadOpener {
  /** @throws Error when the key, the header or a single bit is wrong */
  open(header: Uint8Array, sealed: Uint8Array): { facts: PayloadFacts; bytes: Buffer };
  /** Whether `candidate` is what the record's bytes were before masking. */
  wasUnmasked(header: Uint8Array, candidate: Uint8Array | string): boolean;
}

/** @param dataKey the session's, 32 bytes */
export function payloadOpener(dataKey: Uint8Array): PayloadOpener {
  const known = new Map<string, StrandKeys>();
  const keysOf = (strand: Uint8Array): StrandKeys => {
    const name = strandName(strand);
    const keys = known.get(name) ?? strandKeys(dataKey, strand);
    known.set(name, keys);
    return keys;
  };
  return {
    open(header, sealed) {
      const { strand, seq } = decodeHeader(header);
      const at = sealed.length - tagLength;
      if (at < 0) throw new Error('a sealed payload is shorter than its tag');
      const options = { authTagLength: tagLength };
      const decipher = createDecipheriv('aes-256-gcm', keysOf(strand).seal, nonceOf(seq), options);
      decipher.setAAD(header.subarray(0, boundLength));
      decipher.setAuthTag(sealed.subarray(at));
      return decodePayload(Buffer.concat([decipher.update(sealed.subarray(0, at)), decipher.final()]));
    },
    wasUnmasked(header, candidate) {
      const { strand, seq, unmaskedMac } = decodeHeader(header);
      return unmaskedMac !== null && macOf(keysOf(strand).mac, seq, candidate).equals(unmaskedMac);
    },
  };
}

interface StrandKeys {
  readonly seal: Buffer;
  readonly mac: Buffer;
}

function strandKeys(dataKey: Uint8Array, strand: Uint8Array): StrandKeys {
  const derived = Buffer.from(hkdfSync('sha256', dataKey, strand, 'holdpoint/recording/v1', 64));
  return { seal: derived.subarray(0, 32), mac: derived.subarray(32) };
}

/** The position is hashed along, so that equal bytes do not show as equal. */
function macOf(key: Uint8Array, seq: number, unmasked: Uint8Array | string): Buffer {
  const position = Buffer.alloc(8);
  position.writeBigUInt64BE(BigInt(seq));
  return createHmac('sha256', key).update(position).update(unmasked).digest();
}

function nonceOf(seq: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(seq), 4);
  return nonce;
}
