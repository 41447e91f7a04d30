import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { assert as forAll, asyncProperty, integer } from '../support/fast-check.ts';
import { leafHash } from '../../recording/header.ts';
import {
  consistencyProof,
  inclusionProof,
  isConsistent,
  nodeHash,
  rollingRoot,
  rootFromInclusion,
  rootOf,
} from '../../recording/log/merkle.ts';
import { entriesOf, grow, nodesIn, tilePath, tilesOf, type TileReader } from '../../recording/log/tiles.ts';

const entry = (n: number): Buffer => Buffer.from(`entry ${n}`);

/** The definition of RFC 6962, word for word: slow and plainly right. */
function definition(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest();
  if (leaves.length === 1) return leafHash(leaves[0] ?? Buffer.alloc(0));
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return nodeHash(definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

/** A log in memory, grown in the steps given. */
async function logOf(steps: readonly number[]): Promise<{ tiles: TileReader; size: number }> {
  const stored = new Map<string, Buffer>();
  const tiles: TileReader = {
    tile: async (level, index, width) => {
      const bytes = stored.get(`${level}/${index}`);
      assert.ok(bytes && bytes.length >= width * 32, `no tile ${level}/${index}`);
      return bytes.subarray(0, width * 32);
    },
    bundle: async (index) => stored.get(`entries/${index}`) ?? assert.fail(`no bundle ${index}`),
  };
  let size = 0;
  for (const step of steps) {
    const grown = await grow(
      tiles,
      size,
      Array.from({ length: step }, (_, n) => entry(size + n)),
    );
    for (const { level, index, bytes } of grown.tiles) stored.set(`${level}/${index}`, bytes);
    for (const { index, bytes } of grown.bundles) stored.set(`entries/${index}`, bytes);
    size = grown.size;
  }
  return { tiles, size };
}

test('the root is that of RFC 6962 in whatever steps the log grew', async () => {
  for (const steps of [[0], [1], [2, 3], [255, 1], [256], [257], [100, 400, 12], [1, 1, 1, 700]]) {
    const { tiles, size } = await logOf(steps);
    const leaves = Array.from({ length: size }, (_, n) => entry(n));
    assert.deepEqual(Buffer.from(await rootOf(nodesIn(tiles, size), size)), definition(leaves));
    const rolling = rollingRoot();
    for (const leaf of leaves) rolling.add(leafHash(leaf));
    assert.deepEqual(Buffer.from(rolling.root()), definition(leaves));
  }
});

test('an entry proves its inclusion, and nothing else does', async () => {
  const { tiles, size } = await logOf([300, 77]);
  const root = Buffer.from(await rootOf(nodesIn(tiles, size), size));
  for (const index of [0, 1, 127, 255, 256, 300, 376]) {
    const proof = await inclusionProof(nodesIn(tiles, size), index, size);
    assert.deepEqual(rootFromInclusion(leafHash(entry(index)), index, size, proof), root);
    assert.notDeepEqual(rootFromInclusion(leafHash(entry(index + 1)), index, size, proof), root);
    assert.notDeepEqual(rootFromInclusion(leafHash(entry(index)), index ^ 1, size, proof), root);
    assert.equal(rootFromInclusion(leafHash(entry(index)), index, size, [...proof, root]), null);
  }
});

test('any earlier size proves to be the beginning of any later one, and no other tree does', async () => {
  await forAll(
    asyncProperty(integer({ min: 0, max: 600 }), integer({ min: 0, max: 600 }), async (a, b) => {
      const [oldSize, size] = [Math.min(a, b), Math.max(a, b)];
      const { tiles } = await logOf([size]);
      const read = nodesIn(tiles, size);
      const leaves = Array.from({ length: size }, (_, n) => entry(n));
      const old = { size: oldSize, root: definition(leaves.slice(0, oldSize)) };
      const now = { size, root: definition(leaves) };
      const proof = await consistencyProof(read, oldSize, size);
      assert.equal(isConsistent(old, now, proof), true);
      if (oldSize > 0) {
        const forged = {
          size: oldSize,
          root: definition([...leaves.slice(0, oldSize - 1), Buffer.from('forged')]),
        };
        assert.equal(isConsistent(forged, now, proof), false);
      }
    }),
    { numRuns: 60 },
  );
});

test('tile paths and bundles are as tlog-tiles says', async () => {
  assert.equal(tilePath({ level: 0, index: 1234067, width: 256 }), 'tile/0/x001/x234/067');
  assert.equal(tilePath({ level: 'entries', index: 5, width: 17 }), 'tile/entries/005.p/17');
  const { tiles, size } = await logOf([66_000]);
  const names = [...tilesOf(size)].map(tilePath);
  assert.ok(
    names.includes('tile/1/001.p/1') &&
      names.includes('tile/2/000.p/1') &&
      names.includes('tile/0/257.p/208'),
  );
  assert.deepEqual([...entriesOf(await tiles.bundle(257, 208))].at(-1), entry(size - 1));
});
