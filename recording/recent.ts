import { decodeHeader } from './header.ts';
import type { KeyRing } from './key-ring.ts';
import type { RecordReader, StoredRecord } from './reader.ts';
import { payloadOpener } from './strand.ts';

/** A request of a session that named a tool, as it was recorded. */
export interface RecentRecord {
  /** Names the request in the recording. */
  readonly callId: string | null;
  readonly tool: string;
  /** `pass`, `deny` or `hold`. */
  readonly verdict: string;
  readonly atMs: number;
}

/** As many of the last records of each strand are looked at: a request may be followed by many messages of its answer. */
const lookedAt = 64;

/**
 * The last requests of a session that named a tool, latest first, whichever gateways recorded them. Opens what clients
 * sent and nothing else, of each strand no more than is listed in the end.
 * @returns null when one gateway alone has recorded the session, or its key is gone: there is nothing to add to what
 * that gateway knows
 * @throws Error when the session's key cannot be unwrapped, or a record is not what was sealed
 */
export async function recentRequests(
  { reader, keyRing }: { readonly reader: RecordReader; readonly keyRing: KeyRing },
  sessionId: string,
  limit: number,
): Promise<readonly RecentRecord[] | null> {
  const strands = await reader.strands(sessionId);
  if (strands.length < 2) return null;
  const session = await reader.session(sessionId);
  if (!session?.key) return null;
  const opener = payloadOpener(await keyRing.unwrap(session.key, sessionId));
  const found: RecentRecord[] = [];
  for (const strand of strands) {
    let ofStrand = 0;
    for (const record of (await reader.lastRecords(strand, lookedAt)).filter(isFromClient)) {
      if (ofStrand === limit) break;
      const { facts } = opener.open(record.header, record.sealed);
      if (facts.tool === undefined || facts.verdict === undefined) continue;
      const atMs = Math.floor(decodeHeader(record.header).atMicros / 1000);
      found.push({ callId: facts.callId ?? null, tool: facts.tool, verdict: facts.verdict, atMs });
      ofStrand += 1;
    }
  }
  return found.sort((one, other) => other.atMs - one.atMs).slice(0, limit);
}

function isFromClient({ header }: StoredRecord): boolean {
  const { kind, direction } = decodeHeader(header);
  return kind === 'message' && direction === 'client-to-upstream';
}
