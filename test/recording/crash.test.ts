import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startPostgres } from '../../cli/embedded/postgres.ts';
import { migrate } from '../../db/migrate.ts';
import { openPool, type Pool } from '../../db/pool.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { localKeyRing } from '../../recording/key-ring.ts';
import { openSession } from '../../recording/read.ts';
import { startKilledPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { sequenceAll, texts, verifyPool } from './support.ts';

/** How often each is killed; `HOLDPOINT_TEST_KILLS=200` for the long run. */
const kills = Number(process.env['HOLDPOINT_TEST_KILLS'] ?? 6);
const key = randomBytes(32);
const ring = localKeyRing([key]);

interface Writer {
  readonly child: ChildProcess;
  readonly gone: Promise<void>;
}

/** Collects what writers were told is durable. */
function writer(url: string, name: string, confirmed: Set<string>): Writer {
  const program = new URL('crash-writer.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, url, key.toString('hex'), name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) confirmed.add(line);
  });
  return { child, gone: new Promise((resolve) => child.once('close', () => resolve())) };
}

async function untilConfirmed(confirmed: Set<string>, more: number): Promise<void> {
  const goal = confirmed.size + more;
  await until('writers confirm more', () => confirmed.size >= goal);
}

async function allThere(pool: Pool, confirmed: Set<string>): Promise<void> {
  const stored = new Set<string>();
  for (let n = 0; n < 5; n += 1) {
    const session = await openSession({ reader: createRecordReader(pool), keyRing: ring }, `crash-${n}`);
    if (!session) continue;
    for await (const event of session.events()) {
      assert.equal(event.problem, null);
      for (const text of texts([event])) stored.add(text);
    }
  }
  const lost = [...confirmed].filter((text) => !stored.has(text));
  assert.deepEqual(lost, [], 'confirmed events are missing');
  const { problems } = await verifyPool(pool, [], ring);
  assert.deepEqual(problems, []);
}

test(`recorders killed in the middle of writing, ${kills} times: nothing confirmed is lost, every chain verifies`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdpoint-crash-'));
  const server = await startPostgres({ dataDir });
  const pool = openPool(server.url);
  const confirmed = new Set<string>();
  try {
    await migrate(pool);
    for (let n = 0; n < kills; n += 1) {
      const two = [writer(server.url, `a${n}`, confirmed), writer(server.url, `b${n}`, confirmed)];
      await untilConfirmed(confirmed, 100 + Math.floor(Math.random() * 200));
      for (const { child } of two) child.kill('SIGKILL');
      if (n % 2 === 0) await sequenceAll(pool);
      await Promise.all(two.map(({ gone }) => gone));
    }
    await sequenceAll(pool);
    await allThere(pool, confirmed);
  } finally {
    await pool.end();
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});

test(`PostgreSQL killed in the middle of writing, ${kills} times: nothing confirmed is lost, work goes on by itself`, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdpoint-crash-'));
  let server = await startPostgres({ dataDir });
  const port = Number(new URL(server.url).port);
  const setup = openPool(server.url);
  await migrate(setup);
  await setup.end();
  const confirmed = new Set<string>();
  const writers = [writer(server.url, 'a', confirmed), writer(server.url, 'b', confirmed)];
  try {
    for (let n = 0; n < kills; n += 1) {
      await untilConfirmed(confirmed, 100 + Math.floor(Math.random() * 200));
      await server.kill();
      server = await startKilledPostgres({ dataDir, port });
    }
    await untilConfirmed(confirmed, 50);
    for (const { child } of writers) child.kill('SIGKILL');
    await Promise.all(writers.map(({ gone }) => gone));
    const pool = openPool(server.url);
    await sequenceAll(pool);
    await allThere(pool, confirmed);
    await pool.end();
  } finally {
    for (const { child } of writers) child.kill('SIGKILL');
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
});
