import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type EmbeddedPostgres, startPostgres } from '../../cli/embedded/postgres.ts';
import { migrate } from '../../db/migrate.ts';
import { openPool, type Pool } from '../../db/pool.ts';
import { until } from './until.ts';

/** A database of its own, migrated, dropped when disposed. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly pool: Pool;
}

/**
 * Makes a fresh migrated database. Uses the server that `test/run.ts` started (`HOLDPOINT_TEST_POSTGRES`), or one of
 * this process's own, when a test file is run by itself.
 */
export async function testDatabase(): Promise<TestDatabase> {
  const adminUrl = process.env['HOLDPOINT_TEST_POSTGRES'] ?? (await ownServer()).url;
  const name = `t_${randomBytes(8).toString('hex')}`;
  const template = await ensureTemplate(adminUrl);
  await admin(adminUrl, (client) => client.query(`create database ${name} template ${template}`));
  const url = withDatabase(adminUrl, name);
  const pool = openPool(url);
  return {
    url,
    pool,
    async [Symbol.asyncDispose]() {
      if (!pool.ended) await pool.end();
      await admin(adminUrl, (client) => client.query(`drop database ${name} with (force)`));
    },
  };
}

/** Starts a server for tests (no fsync: nothing here must survive the machine). */
export async function startTestPostgres(
  settings: readonly string[] = ['fsync=off'],
): Promise<EmbeddedPostgres & AsyncDisposable> {
  const dataDir = await mkdtemp(join(tmpdir(), 'holdpoint-test-pg-'));
  const server = await startPostgres({ dataDir, settings: ['max_connections=400', ...settings] });
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { ...server, stop, [Symbol.asyncDispose]: stop };
}

/** Starts a server that was killed: its processes take a moment to notice, and until then its data directory is refused. */
export async function startKilledPostgres(
  options: Parameters<typeof startPostgres>[0],
): Promise<EmbeddedPostgres> {
  return until('a server on the same data', async () =>
    startPostgres(options).catch((error: Error) => {
      if (!error.message.includes('still in use')) throw error;
      return null;
    }),
  );
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

/** The migrated database that the others are copied from: one for each state of the migrations' folder. */
async function ensureTemplate(adminUrl: string): Promise<string> {
  const template = `holdpoint_template_${await migrationsDigest()}`;
  await admin(adminUrl, async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [template]);
    if (rowCount) return;
    const making = `making_${randomBytes(8).toString('hex')}`;
    await client.query(`create database ${making}`);
    const pool = openPool(withDatabase(adminUrl, making));
    await migrate(pool);
    await pool.end();
    await client.query(`alter database ${making} rename to ${template}`);
  });
  return template;
}

async function migrationsDigest(): Promise<string> {
  const folder = new URL('../../db/migrations/', import.meta.url);
  const hash = createHash('sha256');
  for (const name of (await readdir(folder)).sort())
    hash.update(name).update(await readFile(new URL(name, folder)));
  return hash.digest('hex').slice(0, 16);
}

async function admin(url: string, act: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // Two databases cannot be cloned from one template at the same moment: wait for one's turn.
    await client.query('select pg_advisory_lock(42)');
    await act(client);
  } finally {
    await client.end();
  }
}
