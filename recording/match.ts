import { decodeHeader, strandName } from './header.ts';
import type { RecordReader } from './reader.ts';
import type { KeyRing } from './key-ring.ts';
import { walkSession } from './walk.ts';

/** A record whose bytes, before they were masked, were those that were asked about. */
export interface Match {
  readonly sessionId: string;
  readonly strand: string;
  readonly seq: number;
  readonly atMicros: number;
  readonly direction: string;
  readonly callId: string | null;
  readonly method: string | null;
  readonly tool: string | null;
}

/**
 * Answers "was it this?": compares the keyed hash of what passed, before it was masked, with that of some candidates.
 * Nothing of what was masked can be had back this way, only confirmed; and only while the session's key exists.
 * @param candidates whole messages, byte for byte as they passed
 */
export async function* matchesIn(
  deps: { readonly reader: RecordReader; readonly keyRing: KeyRing },
  sessionId: string,
  candidates: readonly Uint8Array[],
): AsyncGenerator<Match> {
  for await (const { record, opener } of walkSession(deps, sessionId)) {
    const { header, sealed, seq } = record;
    if (!candidates.some((candidate) => opener.wasUnmasked(header, candidate))) continue;
    const { atMicros, direction, strand } = decodeHeader(header);
    // It authenticates the header: the keyed hash alone would not say that it stands where it was written.
    const { facts } = opener.open(header, sealed);
    const { callId = null, method = null, tool = null } = facts;
    yield { sessionId, strand: strandName(strand), seq, atMicros, direction, callId, method, tool };
  }
}
