import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type EmbeddedPostgres, startPostgres } from '../../cli/embedded/postgres.ts';
import { migrate } from '../../db/migrate.ts';
import { openPool, type Pool } from '../../db/pool.ts';

/** A database of its own, migrated, dropped when disposed. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly pool: Pool;
}

const template = 'holdpoint_template';

/**
 * Makes a fresh migrated database. Uses the server that `test/run.ts` started (`HOLDPOINT_TEST_POSTGRES`), or one of
 * this process's own, when a test file is run by itself.
 */
export async function testDatabase(): Promise<TestDatabase> {
  const adminUrl = process.env['HOLDPOINT_TEST_POSTGRES'] ?? (await ownServer()).url;
  const name = `t_${randomBytes(8).toString('hex')}`;
  await admin(adminUrl, `create database ${name} template ${template}`);
  const url = withDatabase(adminUrl, name);
  const pool = openPool(url);
  return {
    url,
    pool,
    async [Symbol.asyncDispose]() {
      if (!pool.ended) await pool.end();
      await admin(adminUrl, `drop database ${name} with (force)`);
    },
  };
}

/** Starts a server for tests (no fsync: nothing here must survive the machine) with the migrated template in it. */
export async function startTestPostgres(
  settings: readonly string[] = ['fsync=off'],
): Promise<EmbeddedPostgres & AsyncDisposable> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdpoint-test-pg-'));
  const server = await startPostgres({ dataDir, settings: ['max_connections=400', ...settings] });
  await admin(server.url, `create database ${template}`);
  const pool = openPool(withDatabase(server.url, template));
  await migrate(pool);
  await pool.end();
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { ...server, stop, [Symbol.asyncDispose]: stop };
}

let own: Promise<EmbeddedPostgres> | undefined;

async function ownServer(): Promise<EmbeddedPostgres> {
  own ??= startTestPostgres().then((server) => {
    // Databases are disposed later than `after` of node:test runs; the end of the process is late enough.
    server.unref();
    process.once('exit', () => process.kill(server.pid, 'SIGQUIT'));
    return server;
  });
  return own;
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}

async function admin(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // Two databases cannot be cloned from one template at the same moment: wait for one's turn.
    await client.query('select pg_advisory_lock(42)');
    await client.query(sql);
  } finally {
    await client.end();
  }
}
