import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../../cli/embedded/postgres.ts';
import { migrate } from '../../db/migrate.ts';
import { openPool } from '../../db/pool.ts';
import type { Recorder } from '../../recording/event.ts';
import { startKilledPostgres } from '../support/postgres.ts';
import { facts, message, readAll, recorderOn, sequenceAll, texts, verifyPool } from './support.ts';

const megabyte = Buffer.alloc(1024 * 1024, 1);

/** Writes until nothing more fits. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (;;) await file.write(megabyte);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    await file.close();
  }
}

async function append(recorder: Recorder, text: string): Promise<boolean> {
  try {
    await recorder.append(facts('s'), message(text));
    return true;
  } catch (error) {
    assert.match((error as { code: string }).code, /^recording_(unavailable|overloaded)$/);
    return false;
  }
}

test('on a full disk nothing passes that is not recorded; with space again, work goes on by itself', async (t) => {
  const disk = await mkdtemp(join(tmpdir(), 'holdpoint-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', disk]).status !== 0) {
    await rm(disk, { recursive: true, force: true });
    t.skip('no right to mount a small disk here');
    return;
  }
  try {
    const settings = ['max_wal_size=64MB', 'min_wal_size=32MB'];
    const dataDir = join(disk, 'data');
    let server = await startPostgres({ dataDir, settings });
    const port = Number(new URL(server.url).port);
    const pool = openPool(server.url);
    await migrate(pool);
    const recorder = recorderOn(pool);
    const confirmed: string[] = [];
    const large = 'x'.repeat(200_000);
    const write = async (name: string): Promise<boolean> => {
      const text = `${name} ${large}`;
      const done = await append(recorder, text);
      if (done) confirmed.push(text);
      return done;
    };
    assert.ok(await write('before'));
    await fill(join(disk, 'ballast'));
    let refused = false;
    for (let n = 0; !refused; n += 1) {
      assert.ok(n < 2000, 'the disk does not get full');
      refused = !(await write(`filling ${n}`));
    }
    assert.equal(await write('full'), false);
    await rm(join(disk, 'ballast'));
    for (let waited = 0; !(await write('after')); waited += 1) {
      assert.ok(waited < 120, 'work does not go on');
      // A server without room for its own log gives up; whoever runs it starts it again.
      const alive = spawnSync('kill', ['-0', String(server.pid)]).status === 0;
      if (!alive) server = await startKilledPostgres({ dataDir, port, settings });
      await sleep(250);
    }
    await recorder.close();
    await sequenceAll(pool);
    const stored = new Set(texts(await readAll(pool, 's')));
    assert.deepEqual(
      confirmed.filter((text) => !stored.has(text)).map((text) => text.slice(0, 20)),
      [],
    );
    assert.deepEqual((await verifyPool(pool)).problems, []);
    t.diagnostic(`${confirmed.length} records of 200 KB before and after`);
    await pool.end();
    await server.stop();
  } finally {
    spawnSync('umount', ['-l', disk]);
    await rm(disk, { recursive: true, force: true });
  }
});
