import { hash } from 'node:crypto';

/** The Merkle tree of RFC 6962, section 2.1. Sizes and indexes are below 2^53. */

/** Root of a complete subtree of 2^level leaves: the `index`-th from the left at that level. */
export type NodeReader = (level: number, index: number) => Promise<Uint8Array>;

const nodePrefix = Buffer.from([1]);

export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([nodePrefix, left, right]), 'buffer');
}

/** Root of the tree without leaves. */
export function emptyRoot(): Buffer {
  return hash('sha256', Buffer.alloc(0), 'buffer');
}

/** Root of the tree over the leaves in [from, to). */
async function rangeRoot(read: NodeReader, from: number, to: number): Promise<Uint8Array> {
  const size = to - from;
  const split = largestPowerBelow(size);
  if (size === split * 2 || size === 1) return read(Math.log2(size), from / size);
  return nodeHash(await rangeRoot(read, from, from + split), await rangeRoot(read, from + split, to));
}

/** Root of the tree of the first `size` leaves. */
export async function rootOf(read: NodeReader, size: number): Promise<Uint8Array> {
  return size === 0 ? emptyRoot() : rangeRoot(read, 0, size);
}

/** RFC 6962, 2.1.1: from the leaf's sibling up to the root's child. */
export async function inclusionProof(read: NodeReader, index: number, size: number): Promise<Uint8Array[]> {
  if (!(index >= 0 && index < size)) throw new RangeError(`entry ${index} is not in a tree of ${size}`);
  const path = async (from: number, to: number): Promise<Uint8Array[]> => {
    if (to - from === 1) return [];
    const middle = from + largestPowerBelow(to - from);
    return index < middle
      ? [...(await path(from, middle)), await rangeRoot(read, middle, to)]
      : [...(await path(middle, to)), await rangeRoot(read, from, middle)];
  };
  return path(0, size);
}

/** RFC 6962, 2.1.2: that the tree of `oldSize` leaves is the beginning of the tree of `size` leaves. */
export async function consistencyProof(
  read: NodeReader,
  oldSize: number,
  size: number,
): Promise<Uint8Array[]> {
  if (oldSize > size) throw new RangeError(`a tree of ${size} has no part of ${oldSize}`);
  if (oldSize === 0 || oldSize === size) return [];
  const path = async (from: number, to: number, whole: boolean): Promise<Uint8Array[]> => {
    if (to === oldSize) return whole ? [] : [await rangeRoot(read, from, to)];
    const middle = from + largestPowerBelow(to - from);
    return oldSize <= middle
      ? [...(await path(from, middle, whole)), await rangeRoot(read, middle, to)]
      : [...(await path(middle, to, false)), await rangeRoot(read, from, middle)];
  };
  return path(0, size, true);
}

/** Root that an inclusion proof leads to (RFC 9162, 2.1.3.2), or null when its length is wrong. */
export function rootFromInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): Uint8Array | null {
  if (!(index >= 0 && index < size)) return null;
  let [fn, sn] = [index, size - 1];
  let root = leaf;
  for (const hash of proof) {
    if (sn === 0) return null;
    if (fn % 2 === 1 || fn === sn) {
      root = nodeHash(hash, root);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else root = nodeHash(root, hash);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 ? root : null;
}

/** Whether a consistency proof holds (RFC 9162, 2.1.4.2). */
export function isConsistent(
  old: { size: number; root: Uint8Array },
  now: { size: number; root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (old.size > now.size) return false;
  if (old.size === now.size) return proof.length === 0 && same(old.root, now.root);
  if (old.size === 0) return proof.length === 0 && same(old.root, emptyRoot());
  const path = Number.isInteger(Math.log2(old.size)) ? [old.root, ...proof] : [...proof];
  let [fn, sn] = [old.size - 1, now.size - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  const first = path.shift();
  if (!first) return false;
  let [fr, sr] = [first, first];
  for (const hash of path) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      fr = nodeHash(hash, fr);
      sr = nodeHash(hash, sr);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = nodeHash(sr, hash);
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && same(fr, old.root) && same(sr, now.root);
}

/** Computes roots while leaves go by: keeps one hash per level. */
export interface RollingRoot {
  readonly size: () => number;
  add(leaf: Uint8Array): void;
  root(): Uint8Array;
}

export function rollingRoot(): RollingRoot {
  const stack: { level: number; hash: Uint8Array }[] = [];
  let size = 0;
  return {
    size: () => size,
    add(leaf) {
      let top = { level: 0, hash: leaf };
      while (stack.at(-1)?.level === top.level) {
        const left = stack.pop();
        if (left) top = { level: top.level + 1, hash: nodeHash(left.hash, top.hash) };
      }
      stack.push(top);
      size += 1;
    },
    root() {
      let root: Uint8Array | null = null;
      for (const { hash } of stack.toReversed()) root = root ? nodeHash(hash, root) : hash;
      return root ?? emptyRoot();
    },
  };
}

/** The largest power of two below `size` (1 for 1). */
function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

function half(value: number): number {
  return Math.floor(value / 2);
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
