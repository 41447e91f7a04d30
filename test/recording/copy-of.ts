import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { openPool, type Pool } from '../../db/pool.ts';

/** Copies a database, to do to it whatever its superuser may; nobody may be using it meanwhile. */
export async function copyOf(url: string): Promise<{ pool: Pool; url: string } & AsyncDisposable> {
  const name = `copy_${randomBytes(6).toString('hex')}`;
  const admin = new Client({ connectionString: at(url, 'postgres') });
  await admin.connect();
  const source = new URL(url).pathname.slice(1);
  await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`,
    [source],
  );
  await admin.query(`create database ${name} template ${source}`);
  const pool = openPool(at(url, name));
  return {
    pool,
    url: at(url, name),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

function at(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}
