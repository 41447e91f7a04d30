import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { inTransaction, type Pool } from './pool.ts';

const folder = new URL('./migrations/', import.meta.url);
/** Any constant will do, as long as every Holdpoint process takes the same advisory lock. */
const lockKey = 0x401d90;

/** The database cannot be brought to, or is not at, the schema this program needs. */
export class SchemaError extends Error {
  readonly code: 'schema_newer' | 'schema_changed';
  constructor(code: SchemaError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Applies the numbered migrations that are missing, in order, in one transaction under an advisory lock, so that
 * any number of processes may start at once.
 * @returns the names of the migrations that were applied
 * @throws SchemaError `schema_newer` when the database has a migration this program does not know,
 * `schema_changed` when an applied migration's text differs from this program's
 */
export async function migrate(pool: Pool): Promise<string[]> {
  const migrations = await readMigrations();
  return inTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [lockKey]);
    await client.query(
      `create table if not exists schema_migrations (
         name text primary key, sha256 text not null, applied_at timestamptz not null default now())`,
    );
    const { rows } = await client.query<{ name: string; sha256: string }>(
      'select name, sha256 from schema_migrations',
    );
    refuseUnknown(rows, migrations);
    const applied = new Set(rows.map((row) => row.name));
    const missing = migrations.filter((migration) => !applied.has(migration.name));
    for (const { name, sql, sha256 } of missing) {
      await client.query(sql);
      await client.query('insert into schema_migrations (name, sha256) values ($1, $2)', [name, sha256]);
    }
    return missing.map((migration) => migration.name);
  });
}

interface Migration {
  name: string;
  sql: string;
  sha256: string;
}

async function readMigrations(): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

function refuseUnknown(applied: { name: string; sha256: string }[], known: Migration[]): void {
  const byName = new Map(known.map((migration) => [migration.name, migration]));
  for (const { name, sha256 } of applied) {
    const migration = byName.get(name);
    if (!migration)
      throw new SchemaError(
        'schema_newer',
        `the database has migration ${name}, which this version of Holdpoint does not know; start a newer version`,
      );
    if (migration.sha256 !== sha256)
      throw new SchemaError(
        'schema_changed',
        `migration ${name} was applied with other text than this version of Holdpoint has; use the version that made the database, or a new database`,
      );
  }
}
