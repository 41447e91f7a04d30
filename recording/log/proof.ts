import type { TileReader } from './tiles.ts';
import { nodesIn } from './tiles.ts';
import { inclusionProof, rootFromInclusion } from './merkle.ts';
import { CheckpointError, openCheckpoint, type Checkpoint } from './checkpoint.ts';
import type { NoteVerifier } from './note.ts';

const firstLine = 'c2sp.org/tlog-proof@v1';

/** The inclusion of one entry in a signed log, as one text (C2SP tlog-proof). */
export async function writeProof(
  tiles: Pick<TileReader, 'tile'>,
  checkpoint: { readonly size: number; readonly note: string },
  index: number,
): Promise<string> {
  const hashes = await inclusionProof(nodesIn(tiles, checkpoint.size), index, checkpoint.size);
  const lines = hashes.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
  return `${firstLine}\nindex ${index}\n${lines}\n${checkpoint.note}`;
}

/**
 * Checks that a leaf is in the log that a proof's checkpoint was signed for.
 * @throws CheckpointError `unreadable` or `bad_signature`; `unreadable` too when the proof leads elsewhere
 */
export function openProof(
  proof: string,
  leaf: Uint8Array,
  verifier: NoteVerifier,
): { index: number; checkpoint: Checkpoint } {
  const [head = '', ...rest] = proof.split('\n\n');
  const checkpoint = openCheckpoint(rest.join('\n\n'), verifier);
  const [first, ...lines] = head.split('\n');
  const indexLine = lines[0]?.startsWith('extra ') ? lines[1] : lines[0];
  const hashes = lines.slice(lines.indexOf(indexLine ?? '') + 1).map((line) => Buffer.from(line, 'base64'));
  const index = /^index (0|[1-9]\d{0,15})$/.exec(indexLine ?? '')?.[1];
  if (first !== firstLine || index === undefined || hashes.some((hash) => hash.length !== 32))
    throw new CheckpointError('unreadable', 'the inclusion proof is not a tlog-proof');
  const root = rootFromInclusion(leaf, Number(index), checkpoint.size, hashes);
  if (!root || !checkpoint.root.equals(root))
    throw new CheckpointError(
      'unreadable',
      `the inclusion proof of entry ${index} does not lead to the signed root`,
    );
  return { index: Number(index), checkpoint };
}
