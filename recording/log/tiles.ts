import { leafHash } from '../header.ts';
import { nodeHash, type NodeReader } from './merkle.ts';

/** Tiles and entry bundles as C2SP tlog-tiles lays them out: 256 wide, eight levels of the tree to a tile. */

export const tileWidth = 256;
const hashLength = 32;

/** Names one tile; `width` below 256 is a partial one. */
export interface TileName {
  /** `entries`, or the level of the tile: its hashes are at level 8 × this of the tree. */
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

/** Where tiles come from. A tile has at least the width that was asked for; more is cut off. */
export interface TileReader {
  /** Concatenated hashes. @throws Error when there is no such tile */
  tile(level: number, index: number, width: number): Promise<Uint8Array>;
  /** The entries of a bundle. */
  bundle(index: number, width: number): Promise<Uint8Array>;
}

/** `tile/0/x001/234`, `tile/entries/000.p/17` */
export function tilePath({ level, index, width }: TileName): string {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  return `tile/${level}/${groups.join('/')}${width < tileWidth ? `.p/${width}` : ''}`;
}

/** Every tile and bundle that a tree of `size` has, the partial ones in their last width. */
export function* tilesOf(size: number): Generator<TileName> {
  for (const name of tilesAtLevel('entries', size)) yield name;
  let level = 0;
  for (let count = size; count > 0; count = Math.floor(count / tileWidth), level += 1)
    yield* tilesAtLevel(level, count);
}

function* tilesAtLevel(level: TileName['level'], count: number): Generator<TileName> {
  for (let index = 0; index * tileWidth < count; index += 1)
    yield { level, index, width: Math.min(tileWidth, count - index * tileWidth) };
}

/** Reads tree nodes out of the tiles of a tree of `size`. Keeps what it has read: use one for each tree. */
export function nodesIn(tiles: Pick<TileReader, 'tile'>, size: number): NodeReader {
  const known = new Map<string, Promise<Uint8Array>>();
  return async (level, index) => {
    const tileLevel = Math.floor(level / 8);
    const within = level - tileLevel * 8;
    const first = index * 2 ** within;
    const tileIndex = Math.floor(first / tileWidth);
    const hashes = Math.floor(size / tileWidth ** tileLevel);
    const width = Math.min(tileWidth, hashes - tileIndex * tileWidth);
    const name = `${tileLevel}/${tileIndex}`;
    const reading = known.get(name) ?? tiles.tile(tileLevel, tileIndex, width);
    known.set(name, reading);
    const tile = await reading;
    const from = first - tileIndex * tileWidth;
    if (tile.length < (from + 2 ** within) * hashLength) throw new Error(`tile ${name} is too short`);
    return subtree(tile, from, 2 ** within);
  };
}

function subtree(tile: Uint8Array, from: number, count: number): Uint8Array {
  if (count === 1) return tile.subarray(from * hashLength, (from + 1) * hashLength);
  return nodeHash(subtree(tile, from, count / 2), subtree(tile, from + count / 2, count / 2));
}

/** An entry as a bundle holds it: its length in two bytes, then its bytes. */
export function bundled(entry: Uint8Array): Buffer {
  if (entry.length > 0xffff) throw new Error('an entry of the log is at most 65535 bytes');
  const bytes = Buffer.allocUnsafe(2 + entry.length);
  bytes.writeUInt16BE(entry.length, 0);
  bytes.set(entry, 2);
  return bytes;
}

/** The entries of a bundle. @throws Error when its lengths do not add up */
export function* entriesOf(bundle: Uint8Array): Generator<Buffer> {
  const bytes = Buffer.from(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + (at + 2 <= bytes.length ? bytes.readUInt16BE(at) : Infinity);
    if (end > bytes.length) throw new Error('an entry bundle ends within an entry');
    yield bytes.subarray(at + 2, end);
    at = end;
  }
}

/** What appending changed: every tile and bundle in its new width. */
export interface GrownTiles {
  readonly size: number;
  readonly tiles: readonly { readonly level: number; readonly index: number; readonly bytes: Buffer }[];
  readonly bundles: readonly { readonly index: number; readonly bytes: Buffer }[];
}

/**
 * Appends entries to a log of `size`: reads only its right edge, O(log size).
 * @param tiles the log as it is
 */
export async function grow(
  tiles: TileReader,
  size: number,
  entries: readonly Uint8Array[],
): Promise<GrownTiles> {
  const edge = await rightEdge(tiles, size);
  const leaves = entries.map(leafHash);
  const bundles = chunksFrom(
    size,
    size % tileWidth === 0 ? null : await tiles.bundle(Math.floor(size / tileWidth), size % tileWidth),
    entries.map(bundled),
  );
  const grown: { level: number; index: number; bytes: Buffer }[] = [];
  let added = leaves;
  let before = size;
  for (let level = 0; added.length > 0; level += 1) {
    const chunks = chunksFrom(before, edge[level] ?? null, added);
    grown.push(...chunks.map((chunk) => ({ ...chunk, level })));
    const full = chunks.filter((chunk) => chunk.bytes.length === tileWidth * hashLength);
    before = Math.floor(before / tileWidth);
    added = full.map((chunk) => Buffer.from(subtree(chunk.bytes, 0, tileWidth)));
  }
  return { size: size + entries.length, tiles: grown, bundles };
}

/** The partial tile of every level, null where a level ends with a full one. */
async function rightEdge(tiles: TileReader, size: number): Promise<(Uint8Array | null)[]> {
  const edge: (Uint8Array | null)[] = [];
  let level = 0;
  for (let count = size; count > 0; count = Math.floor(count / tileWidth), level += 1) {
    const width = count % tileWidth;
    edge.push(width === 0 ? null : await tiles.tile(level, Math.floor(count / tileWidth), width));
  }
  return edge;
}

/** Distributes items over tiles, beginning behind the `before` that are there. */
function chunksFrom(
  before: number,
  partial: Uint8Array | null,
  items: readonly Uint8Array[],
): { index: number; bytes: Buffer }[] {
  const chunks: { index: number; bytes: Buffer }[] = [];
  let index = Math.floor(before / tileWidth);
  let room = tileWidth - (before % tileWidth);
  let head = partial;
  for (let at = 0; at < items.length; ) {
    const taken = items.slice(at, at + room);
    chunks.push({ index, bytes: Buffer.concat(head ? [head, ...taken] : taken) });
    at += taken.length;
    index += 1;
    room = tileWidth;
    head = null;
  }
  return chunks;
}
