import { createHash } from 'node:crypto';
import type { KeyRing, KeySource, WrappedKey } from '../key-ring.ts';

/**
 * Several sources as one ring: the first wraps, each unwraps what it wrapped. Moving to another source is putting it
 * in front and re-wrapping.
 * @param sources at least one
 */
export function composedKeyRing(sources: readonly KeySource[]): KeyRing {
  const [first] = sources;
  if (!first) throw new Error('a key ring needs at least one source of keys');
  return {
    wrap: (dataKey, context) => first.wrap(dataKey, context),
    async unwrap(key, context) {
      const source = sources.find((one) => one.owns(key.kekId));
      if (!source) throw new Error(`key-encryption key ${key.kekId.slice(0, 200)} is not in the key ring`);
      return source.unwrap(key, context);
    },
  };
}

/**
 * A ring that remembers data keys for a moment, so that a service elsewhere is asked once for a session and not once
 * for each look at it. A destroyed key is remembered no longer than that, and nobody finds it without the wrapped one.
 * @param options.forMs how long, default one minute
 */
export function rememberingKeyRing(
  ring: KeyRing,
  options: { readonly forMs?: number; readonly maxKeys?: number } = {},
): KeyRing {
  const { forMs = 60_000, maxKeys = 10_000 } = options;
  const known = new Map<string, { readonly dataKey: Promise<Uint8Array>; readonly untilMs: number }>();
  const remember = (name: string, dataKey: Promise<Uint8Array>): void => {
    const nowMs = Date.now();
    // The oldest are first.
    for (const [other, { untilMs }] of known) {
      if (untilMs > nowMs && known.size < maxKeys) break;
      known.delete(other);
    }
    known.set(name, { dataKey, untilMs: nowMs + forMs });
    dataKey.catch(() => known.delete(name));
  };
  return {
    async wrap(dataKey, context) {
      const key = await ring.wrap(dataKey, context);
      remember(nameOf(key, context), Promise.resolve(Buffer.from(dataKey)));
      return key;
    },
    unwrap(key, context) {
      const name = nameOf(key, context);
      const found = known.get(name);
      if (found && found.untilMs > Date.now()) return found.dataKey;
      const dataKey = ring.unwrap(key, context);
      remember(name, dataKey);
      return dataKey;
    },
  };
}

function nameOf({ kekId, wrapped }: WrappedKey, context: string): string {
  return createHash('sha256')
    .update(JSON.stringify([kekId, context]))
    .update(wrapped)
    .digest('base64url');
}
