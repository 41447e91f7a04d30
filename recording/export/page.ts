import type { KeyRing } from '../key-ring.ts';
import type { LogView } from '../log/log-view.ts';
import { inclusionProof } from '../log/merkle.ts';
import { nodesIn } from '../log/tiles.ts';
import type { ReadCursor } from '../read.ts';
import type { RecordReader, SessionSummary } from '../reader.ts';
import { payloadOpener } from '../strand.ts';
import { recordLine } from './line.ts';

/** A part of a session's evidence, to be checked by itself. */
export interface ExportedPage {
  readonly session: SessionSummary;
  /** The note that the proofs lead to; null while the log has none. */
  readonly checkpoint: string | null;
  readonly records: readonly {
    /** As in a package's `.jsonl`, without the line end. */
    readonly line: string;
    /** Inclusion proof, base64 hashes, the leaf's sibling first; null when the checkpoint does not cover it yet. */
    readonly proof: readonly string[] | null;
  }[];
  /** Where the next part begins; null after the last (so far, of a session that goes on). */
  readonly next: ReadCursor | null;
}

const mostRecords = 200;
const mostBytes = 4 * 1024 * 1024;

/**
 * Reads a part of a session as evidence: strand after strand, at most {@link mostRecords} records or about
 * {@link mostBytes} of them, but always one.
 * @param from where the part before ended
 * @returns null when there is no such session; a purged one has no records
 */
export async function exportedPage(
  deps: { readonly reader: RecordReader; readonly keyRing: KeyRing; readonly log: LogView },
  sessionId: string,
  from: ReadCursor,
): Promise<ExportedPage | null> {
  const found = await deps.reader.session(sessionId);
  if (!found) return null;
  const { key, ...session } = found;
  const checkpoint = await deps.log.checkpoint();
  const nodes = nodesIn(deps.log.tiles, checkpoint?.size ?? 0);
  const records: ExportedPage['records'][number][] = [];
  const at: Record<string, number> = { ...from };
  const page = (next: ReadCursor | null): ExportedPage => ({
    session,
    checkpoint: checkpoint?.note ?? null,
    records,
    next,
  });
  if (!key) return page(null);
  const opener = payloadOpener(await deps.keyRing.unwrap(key, sessionId));
  let bytes = 0;
  for (const strand of await deps.reader.strands(sessionId)) {
    const start = at[strand] ?? 0;
    const left = mostRecords - records.length;
    // One more than fits says whether there is more.
    const stored = await deps.reader.records(strand, start, left + 1);
    const indexes = await deps.log.indexes(strand, start, left + 1);
    for (const { header, sealed, seq } of stored) {
      bytes += header.length + sealed.length;
      if (records.length === mostRecords || (records.length > 0 && bytes > mostBytes)) return page(at);
      const index = indexes.get(seq);
      const included = index !== undefined && checkpoint !== null && index < checkpoint.size;
      const line = recordLine(header, sealed, opener.recordKey(header), included ? index : null).trimEnd();
      const proof = included ? await inclusionProof(nodes, index, checkpoint.size) : null;
      records.push({ line, proof: proof?.map((hash) => Buffer.from(hash).toString('base64')) ?? null });
      at[strand] = seq + 1;
    }
  }
  return page(null);
}
