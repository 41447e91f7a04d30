import { type Checkpoint, CheckpointError, openCheckpoint } from '../recording/log/checkpoint.ts';
import type { LogView } from '../recording/log/log-view.ts';
import { inclusionProof, type NodeReader, rootFromInclusion } from '../recording/log/merkle.ts';
import { noteVerifier } from '../recording/log/note.ts';
import { nodesIn } from '../recording/log/tiles.ts';
import type { RecordedEvent } from '../recording/read.ts';

/** The signed log, and the public key it is checked with. */
export interface SignedLog {
  readonly view: LogView;
  readonly vkey: string;
}

/** How some events stand to the latest checkpoint of the signed log. */
export type Inclusion =
  | { readonly kind: 'no_checkpoint' }
  /** The checkpoint itself cannot be relied on. */
  | { readonly kind: 'bad_checkpoint'; readonly why: string }
  | {
      readonly kind: 'checked';
      readonly size: number;
      readonly signedAt: Date;
      /** Events proven to be in the log that was signed. */
      readonly included: number;
      /** Events that were recorded after the checkpoint. */
      readonly later: number;
      /** Events whose proof does not lead to the signed root: altered, here or in the log. */
      readonly failed: number;
    };

/** Checks that events are in the log that the latest checkpoint was signed for (RFC 6962, section 2.1.1). */
export async function inclusionOf(log: SignedLog, events: readonly RecordedEvent[]): Promise<Inclusion> {
  const stored = await log.view.checkpoint();
  if (!stored) return { kind: 'no_checkpoint' };
  let checkpoint: Checkpoint;
  try {
    checkpoint = openCheckpoint(stored.note, noteVerifier(log.vkey));
  } catch (error) {
    if (error instanceof CheckpointError) return { kind: 'bad_checkpoint', why: error.message };
    throw error;
  }
  const { size, root } = checkpoint;
  const places = await placesOf(log.view, events);
  const read = remembering(nodesIn(log.view.tiles, size));
  const counts = { included: 0, later: 0, failed: 0 };
  for (const event of events) {
    const index = places.get(`${event.strand} ${event.seq}`);
    if (index === undefined || index >= size) counts.later++;
    else if (await leadsTo(root, read, event, index, size)) counts.included++;
    else counts.failed++;
  }
  return { kind: 'checked', size, signedAt: stored.signedAt, ...counts };
}

async function leadsTo(
  root: Buffer,
  read: NodeReader,
  event: RecordedEvent,
  index: number,
  size: number,
): Promise<boolean> {
  try {
    const reached = rootFromInclusion(
      Buffer.from(event.leaf, 'hex'),
      index,
      size,
      await inclusionProof(read, index, size),
    );
    return reached !== null && root.equals(reached);
  } catch {
    // A tile that is missing or too short: the log in the database is not the one that was signed.
    return false;
  }
}

async function placesOf(view: LogView, events: readonly RecordedEvent[]): Promise<Map<string, number>> {
  const ranges = new Map<string, { from: number; to: number }>();
  for (const { strand, seq } of events) {
    const range = ranges.get(strand);
    ranges.set(strand, { from: Math.min(range?.from ?? seq, seq), to: Math.max(range?.to ?? seq, seq) });
  }
  const places = new Map<string, number>();
  for (const [strand, { from, to }] of ranges)
    for (const [seq, index] of await view.indexes(strand, from, to - from + 1))
      places.set(`${strand} ${seq}`, index);
  return places;
}

/** Neighbouring proofs share most of their nodes. */
function remembering(read: NodeReader): NodeReader {
  const known = new Map<string, Promise<Uint8Array>>();
  return (level, index) => {
    const name = `${level}/${index}`;
    const node = known.get(name) ?? read(level, index);
    known.set(name, node);
    return node;
  };
}
