import { Pool as PgPool, type PoolClient } from 'pg';

/** What queries need of a pool or of a client inside a transaction. */
export type Queryable = Pick<PgPool, 'query'>;
export type Pool = PgPool;

/**
 * Opens a pool. Connections that break, idle or in use, are replaced by the pool; the error goes to `onBroken`.
 * @param url `postgres://…`
 */
export function openPool(
  url: string,
  options: { max?: number; applicationName?: string; onBroken?: (error: Error) => void } = {},
): Pool {
  const pool = new PgPool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.applicationName ?? 'holdpoint',
    connectionTimeoutMillis: 3000,
    idleTimeoutMillis: 30_000,
  });
  const onError = options.onBroken ?? (() => {});
  pool.on('error', onError);
  // The pool listens to idle connections only. One that breaks in somebody's hands fails their next query; without a
  // listener it would end the process as well.
  pool.on('connect', (client) => client.on('error', onError));
  return pool;
}

/** Runs `work` in one transaction: committed when it returns, rolled back when it throws. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
