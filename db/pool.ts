import { Pool as PgPool, type PoolClient } from 'pg';

/** What queries need of a pool or of a client inside a transaction. */
export type Queryable = Pick<PgPool, 'query'>;
export type Pool = PgPool;

/**
 * Opens a pool. Idle connections that break are replaced by the pool; the error goes to `onIdleError`.
 * @param url `postgres://…`
 */
export function openPool(
  url: string,
  options: { max?: number; applicationName?: string; onIdleError?: (error: Error) => void } = {},
): Pool {
  const pool = new PgPool({
    connectionString: url,
    max: options.max ?? 10,
    application_name: options.applicationName ?? 'holdpoint',
    connectionTimeoutMillis: 3000,
    idleTimeoutMillis: 30_000,
  });
  pool.on('error', options.onIdleError ?? (() => {}));
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
