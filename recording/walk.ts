import type { KeyRing } from './key-ring.ts';
import type { RecordReader, StoredRecord } from './reader.ts';
import { type PayloadOpener, payloadOpener } from './strand.ts';

const pageRecords = 500;

/** A stored record, and what opens it. */
export interface WalkedRecord {
  readonly record: StoredRecord;
  readonly opener: PayloadOpener;
}

/**
 * Every record of a session, strand after strand, each in its order; nothing is opened or checked yet. Memory stays
 * bounded. Yields nothing for a session that is not there, or whose key was destroyed.
 * @throws Error when its key is there but cannot be unwrapped
 */
export async function* walkSession(
  deps: { readonly reader: RecordReader; readonly keyRing: KeyRing },
  sessionId: string,
): AsyncGenerator<WalkedRecord> {
  const key = (await deps.reader.session(sessionId))?.key;
  if (!key) return;
  const opener = payloadOpener(await deps.keyRing.unwrap(key, sessionId));
  for (const strand of await deps.reader.strands(sessionId))
    for (let next = 0; ; ) {
      const page = await deps.reader.records(strand, next, pageRecords);
      for (const record of page) yield { record, opener };
      if (page.length < pageRecords) break;
      next = (page.at(-1)?.seq ?? next) + 1;
    }
}
