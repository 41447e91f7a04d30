import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  randomBytes,
  subtle,
} from 'node:crypto';
import { type Clock, monotoneTimes } from './clock.ts';
import type { SealingDesk } from './desk.ts';
import type { Direction } from './event.ts';
import {
  beginHeader,
  boundLength,
  completeHeader,
  decodeHeader,
  headerLength,
  type RecordKind,
  sessionRef,
  strandName,
} from './header.ts';
import { type KeyedHash, keyedHash } from './keyed-hash.ts';
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
  /**
   * The same, hashed beside the event loop: for megabytes. The next record is sealed when this one is, not before.
   */
  nextLarge(...of: Parameters<StrandSealer['next']>): Promise<SealedRecord>;
}

const tagLength = 16;
/** Every record has a key of its own, used once. */
const nonce = Buffer.alloc(12);
const firstPrevious = '\0'.repeat(32);

/**
 * Opens a new strand of a session under the session's data key. The strand's id is random and its keys are derived
 * from it, so that any number of recorders can write one session without telling each other, and a strand whose
 * last write failed is left alone and never written again: no nonce is ever used twice.
 * @param dataKey 32 bytes
 * @param desk what its records are sealed in
 */
export function openStrand(
  sessionId: string,
  dataKey: Uint8Array,
  clock: Clock,
  desk: SealingDesk,
): StrandSealer {
  const strand = randomBytes(16);
  const session = sessionRef(sessionId);
  const keys = strandKeys(dataKey, strand, desk.hashing);
  const times = monotoneTimes(clock);
  const recordKey = Buffer.alloc(32);
  let seq = 0;
  let previous = firstPrevious;

  /** Writes a header that lacks only its hashes. */
  const begin = (
    room: Buffer,
    kind: RecordKind,
    direction: Direction,
    sealedLength: number,
    unmaskedMac: string | null,
  ): Begun => {
    const { atMicros, clockMicros } = times();
    // The zero in front is what a leaf hash begins with.
    const leaf = room.subarray(0, 1 + headerLength);
    leaf[0] = 0;
    const header = leaf.subarray(1);
    beginHeader(header, {
      kind,
      direction,
      strand,
      session,
      seq,
      atMicros,
      clockMicros,
      sealedLength,
      unmaskedMac,
    });
    return { leaf, header, atMicros };
  };

  const complete = ({ leaf, header, atMicros }: Begun, sealed: Buffer, sealedHash: string): SealedRecord => {
    completeHeader(header, sealedHash, previous);
    previous = hash('sha256', leaf, 'binary');
    return { strand, seq: seq++, atMicros, header, sealed };
  };

  return {
    strand,
    next(kind, direction, facts, bytes, unmasked) {
      const payload = encodePayload(facts, bytes, desk.payload);
      const sealedLength = payload.length + tagLength;
      const unmaskedMac = unmasked === undefined ? null : keys.mac.ofBytesAt(seq, unmasked);
      const room = desk.room(1 + headerLength + sealedLength);
      const begun = begin(room, kind, direction, sealedLength, unmaskedMac);
      const sealed = room.subarray(1 + headerLength);
      recordKey.write(keys.seal.ofPosition(seq), 'latin1');
      const cipher = createCipheriv('aes-256-gcm', createSecretKey(recordKey), nonce);
      cipher.setAAD(begun.header.subarray(0, boundLength));
      sealed.set(cipher.update(payload));
      cipher.final(); // GCM has nothing left to give; the tag is ready then.
      sealed.set(cipher.getAuthTag(), payload.length);
      return complete(begun, sealed, hash('sha256', sealed, 'binary'));
    },
    async nextLarge(kind, direction, facts, bytes, unmasked) {
      const unmaskedMac = unmasked === undefined ? null : await keys.mac.ofLargeAt(seq, unmasked, desk.large);
      const secret = Buffer.from(keys.seal.ofPosition(seq), 'latin1');
      const key = await subtle.importKey('raw', secret, 'AES-GCM', false, ['encrypt']);
      const payload = encodePayload(facts, bytes, desk.large);
      const room = Buffer.alloc(1 + headerLength);
      const begun = begin(room, kind, direction, payload.length + tagLength, unmaskedMac);
      const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: begun.header.subarray(0, boundLength) };
      // A copy of the payload is taken before this returns (Web Cryptography, W3C); the tag comes behind the rest.
      const sealing = subtle.encrypt(algorithm, key, payload);
      const sealed = Buffer.from(await sealing);
      const sealedHash = Buffer.from(await subtle.digest('SHA-256', sealed));
      return complete(begun, sealed, sealedHash.toString('latin1'));
    },
  };
}

/** A record that lacks the hashes in its header. */
interface Begun {
  /** A zero and the header: what the strand's next header points back to is the hash of. */
  readonly leaf: Buffer;
  readonly header: Buffer;
  readonly atMicros: number;
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
    const keys = known.get(name) ?? strandKeys(dataKey, strand, null);
    known.set(name, keys);
    return keys;
  };
  const recordKey = (header: Uint8Array): Buffer => {
    const { strand, seq } = decodeHeader(header);
    return Buffer.from(keysOf(strand).seal.ofPosition(seq), 'latin1');
  };
  return {
    recordKey,
    open: (header, sealed) => openPayload(recordKey(header), header, sealed),
    wasUnmasked(header, candidate) {
      const { strand, seq, unmaskedMac } = decodeHeader(header);
      return (
        unmaskedMac !== null &&
        Buffer.from(keysOf(strand).mac.ofBytesAt(seq, candidate), 'latin1').equals(unmaskedMac)
      );
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
  readonly seal: KeyedHash;
  readonly mac: KeyedHash;
}

function strandKeys(dataKey: Uint8Array, strand: Uint8Array, hashing: Buffer | null): StrandKeys {
  const derived = Buffer.from(hkdfSync('sha256', dataKey, strand, 'holdpoint/recording/v1', 64));
  return {
    seal: keyedHash(derived.subarray(0, 32), hashing),
    mac: keyedHash(derived.subarray(32), hashing),
  };
}
