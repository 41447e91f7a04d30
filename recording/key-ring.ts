import { createHash, randomBytes } from 'node:crypto';
import { seal, unseal } from './seal.ts';

/** A data key encrypted under a key-encryption key; safe to store beside the data. */
export interface WrappedKey {
  /** Names the key-encryption key, so that rotation knows what is left to re-wrap. */
  readonly kekId: string;
  readonly wrapped: Uint8Array;
}

/**
 * Wraps and unwraps data keys. The only interface to a file, Vault transit or a cloud KMS.
 * `context` binds the wrapped key to its owner (a session id, a call id).
 */
export interface KeyRing {
  wrap(dataKey: Uint8Array, context: string): Promise<WrappedKey>;
  /** @throws Error when the key-encryption key is unknown or the context differs */
  unwrap(key: WrappedKey, context: string): Promise<Uint8Array>;
}

/** Key-encryption keys of one place: a key ring that knows which wrapped keys are its own. */
export interface KeySource extends KeyRing {
  /** Whether it wrapped what carries this id. What carries it is what the database says: nothing follows from it. */
  owns(kekId: string): boolean;
}

/** A fresh 256-bit data key. */
export function newDataKey(): Buffer {
  return randomBytes(32);
}

/**
 * A key ring whose key-encryption keys are in memory (read from file or environment). The first key wraps;
 * all of them unwrap, so that a new key can be put in front without touching stored data.
 * @param keys 32 bytes each, at least one
 */
export function localKeyRing(keys: readonly Uint8Array[]): KeySource {
  const byId = new Map(keys.map((key) => [kekId(key), key]));
  const [first] = keys;
  if (!first) throw new Error('a key ring needs at least one key-encryption key');
  for (const key of keys)
    if (key.length !== 32) throw new Error('a key-encryption key must be exactly 32 bytes');
  return {
    owns: (kekId) => kekId.startsWith('local:'),
    wrap: async (dataKey, context) => ({
      kekId: kekId(first),
      wrapped: seal(first, dataKey, `kek:${context}`),
    }),
    unwrap: async ({ kekId, wrapped }, context) => {
      const key = byId.get(kekId);
      if (!key) throw new Error(`key-encryption key ${kekId} is not in the key ring`);
      return unseal(key, wrapped, `kek:${context}`);
    },
  };
}

function kekId(key: Uint8Array): string {
  return `local:${createHash('sha256').update('holdpoint kek id').update(key).digest('hex').slice(0, 16)}`;
}
