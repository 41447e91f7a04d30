import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { contentOf, packedIn } from '../../recording/export/unzip.ts';
import { type Named, zipped } from '../../recording/export/zip.ts';

test('a package of more files than an ordinary archive can count is whole, and read back', async () => {
  const count = 65_540;
  async function* files(): AsyncGenerator<Named> {
    for (let n = 0; n < count; n += 1)
      yield {
        path: `package/${n}`,
        content: (async function* () {
          yield Buffer.from(`${n}`);
        })(),
      };
  }
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-zip64-'));
  try {
    const path = join(folder, 'many.zip');
    await pipeline(zipped(files()), createWriteStream(path));
    const file = await open(path);
    try {
      const packed = await packedIn(file);
      assert.equal(packed.length, count);
      for (const n of [0, 65_534, 65_535, count - 1]) {
        const entry = packed[n];
        assert.ok(entry);
        assert.equal(entry.path, `package/${n}`);
        assert.equal(Buffer.concat(await Array.fromAsync(contentOf(file, entry))).toString(), `${n}`);
      }
    } finally {
      await file.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
