import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { migrate } from '../db/migrate.ts';
import { openPool, type Pool } from '../db/pool.ts';
import type { Config } from './config/config.ts';
import { alive, readRunFile } from './data-dir.ts';
import type { Logger } from './log.ts';

/** Where PostgreSQL and Temporal are, once `embedded` has been resolved. */
export interface Addresses {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
}

/**
 * The addresses to use: those configured or, where they say `embedded`, those of the `holdpoint up` that runs on the
 * same data directory.
 * @throws Error that says what to start or set
 */
export async function resolveAddresses(config: Config): Promise<Addresses> {
  const embedded = config.database.url === 'embedded' || config.temporal.address === 'embedded';
  const run = embedded ? await readRunFile(config.dataDir) : null;
  if (embedded && (!run || !alive(run.pid)))
    throw new Error(
      `no running Holdpoint in ${config.dataDir}: start one (holdpoint up), give its data directory with --data, or set database.url and temporal.address; one that runs elsewhere is asked after holdpoint login --server URL`,
    );
  return {
    databaseUrl: config.database.url === 'embedded' ? (run?.databaseUrl ?? '') : config.database.url,
    temporalAddress:
      config.temporal.address === 'embedded' ? (run?.temporalAddress ?? '') : config.temporal.address,
  };
}

/**
 * Opens the pool and brings the schema up to date.
 * @throws Error in plain words when the database cannot be reached; SchemaError when it is newer than this program
 */
export async function openDatabase(url: string, role: string, log: Logger): Promise<Pool> {
  const pool = openPool(url, {
    max: 20,
    applicationName: `holdpoint-${role}`,
    onBroken: (error) => log.warn({ err: error }, 'a database connection broke; it is replaced'),
  });
  try {
    const applied = await migrate(pool);
    if (applied.length > 0) log.info({ migrations: applied }, 'database schema brought up to date');
    return pool;
  } catch (error) {
    await pool.end();
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('schema_')) throw error;
    throw new Error(
      `PostgreSQL cannot be used: ${(error as Error).message || String(error)}; check database.url`,
      {
        cause: error,
      },
    );
  }
}

/** Names one process: host, process id and a random part, so that a restarted one is another. */
export function replicaName(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9-]/g, '-')
    .slice(0, 40);
  return `${host}-${process.pid}-${randomBytes(3).toString('hex')}`;
}
