import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
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
/** Every record has a key of its own, used once. */
const nonce = Buffer.alloc(12);
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
        unmaskedMac: unmasked === undefined ? null : positional(keys.mac, seq, unmasked),
      });
      const key = createSecretKey(positional(keys.seal, seq));
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagLength });
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
  open(header: Uint8Array, sealed: Uint8Array): Payload;
  /** The key of one record alone: who is given it can open that record and nothing else. */
  recordKey(header: Uint8Array): Buffer;
  /** Whether `candidate` is what the record's bytes were before masking. */
  wasUnmasked(header: Uint8Array, candidate: Uint8Array | string): boolean;
}

export interface Payload {
  readonly facts: PayloadFacts;
  readonly bytes: Buffer;
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
  const recordKey = (header: Uint8Array): Buffer => {
    const { strand, seq } = decodeHeader(header);
    return positional(keysOf(strand).seal, seq);
  };
  return {
    recordKey,
    open: (header, sealed) => openPayload(recordKey(header), header, sealed),
    wasUnmasked(header, candidate) {
      const { strand, seq, unmaskedMac } = decodeHeader(header);
      return unmaskedMac !== null && positional(keysOf(strand).mac, seq, candidate).equals(unmaskedMac);
    },
  };
}

/**
 * Opens one record with its own key.
 * @throws Error when the key, the header or a single bit is wrong
 */
export function openPayload(recordKey: Uint8Array, header: Uint8Array, sealed: Uint8Array): Payload {
  const at = sealed.length - tagLength;
  if (at < 0) throw new Error('a sealed payload is shorter than its tag');
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(recordKey), nonce, {
    authTagLength: tagLength,
  });
  decipher.setAAD(header.subarray(0, boundLength));
  decipher.setAuthTag(sealed.subarray(at));
  const payload = decipher.update(sealed.subarray(0, at));
  decipher.final(); // Checks the tag; GCM has nothing left to give.
  return decodePayload(payload);
}

interface StrandKeys {
  readonly seal: KeyObject;
  readonly mac: KeyObject;
}

// Keys are key objects throughout: handed a plain buffer, Node 24 spends 8 µs of each call on finding out what it is.
function strandKeys(dataKey: Uint8Array, strand: Uint8Array): StrandKeys {
  const derived = Buffer.from(hkdfSync('sha256', dataKey, strand, 'holdpoint/recording/v1', 64));
  return { seal: createSecretKey(derived.subarray(0, 32)), mac: createSecretKey(derived.subarray(32)) };
}

/**
 * HMAC-SHA256 over a record's position (8 bytes, big-endian) and, for unmasked bytes, over these: equal bytes at two
 * places do not show as equal. Without bytes it is the record's own key.
 */
function positional(key: KeyObject, seq: number, bytes?: Uint8Array | string): Buffer {
  const position = Buffer.alloc(8);
  position.writeBigUInt64BE(BigInt(seq));
  const mac = createHmac('sha256', key).update(position);
  return (bytes === undefined ? mac : mac.update(bytes)).digest();
}
