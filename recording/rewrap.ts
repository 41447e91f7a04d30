import { type KeyRing, newDataKey, type WrappedKey } from './key-ring.ts';

/** A wrapped key where it is stored. */
export interface StoredKey {
  /** The kind of owner, for reports. */
  readonly table: string;
  readonly owner: string;
  /** What the key was bound to when it was wrapped. */
  readonly context: string;
  readonly key: WrappedKey;
}

export interface KeyStore {
  /** Keys that are not wrapped by `kekId`, some at a time, in an order that `after` goes on with. */
  olderKeys(kekId: string, after: StoredKey | null, limit: number): Promise<StoredKey[]>;
  /** Replaces a wrapped key, unless it has changed or gone meanwhile. */
  replace(old: StoredKey, fresh: WrappedKey): Promise<void>;
}

const pageKeys = 200;

/**
 * Wraps every stored data key anew under the ring's first key-encryption key. What the data keys sealed stays as it
 * is. A key that cannot be unwrapped is reported and left alone.
 */
export async function rewrapKeys(
  store: KeyStore,
  keyRing: KeyRing,
  onProgress: (done: number) => void,
): Promise<{
  kekId: string;
  rewrapped: number;
  failed: { table: string; owner: string; because: string }[];
}> {
  const { kekId } = await keyRing.wrap(newDataKey(), 'which key wraps');
  const failed: { table: string; owner: string; because: string }[] = [];
  let rewrapped = 0;
  for (let last: StoredKey | null = null; ; ) {
    const page: StoredKey[] = await store.olderKeys(kekId, last, pageKeys);
    for (const stored of page)
      try {
        const dataKey = await keyRing.unwrap(stored.key, stored.context);
        await store.replace(stored, await keyRing.wrap(dataKey, stored.context));
        rewrapped += 1;
      } catch (error) {
        failed.push({ table: stored.table, owner: stored.owner, because: (error as Error).message });
      }
    last = page.at(-1) ?? null;
    if (page.length > 0) onProgress(rewrapped);
    if (page.length < pageKeys) return { kekId, rewrapped, failed };
  }
}
