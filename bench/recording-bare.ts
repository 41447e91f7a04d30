import { randomBytes } from 'node:crypto';
import { copyRecords } from '../db/copy-records.ts';
import type { Pool } from '../db/pool.ts';
import type { SealedRecord } from '../recording/strand.ts';

/** The yardstick: rows of the same size, committed in groups by binary COPY, and nothing else. */
export async function bareCopy(
  pool: Pool,
  bytes: number,
): Promise<{ write: () => Promise<void>; close: () => Promise<void> }> {
  const client = await pool.connect();
  await client.query('create schema if not exists bare');
  await client.query('create table if not exists bare.records (like public.records)');
  await client.query('alter table bare.records alter column sealed set storage external');
  await client.query('set search_path to bare');
  const record: SealedRecord = {
    strand: randomBytes(16),
    seq: 0,
    atMicros: Date.now() * 1000,
    header: randomBytes(180),
    sealed: randomBytes(bytes),
  };
  let waiting: (() => void)[] = [];
  let writing = false;
  const commit = async (): Promise<void> => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await copyRecords(
        client,
        1,
        0,
        Array.from(batch, () => record),
      );
      for (const done of batch) done();
    }
    writing = false;
  };
  return {
    write: () =>
      new Promise((resolve, reject) => {
        waiting.push(resolve);
        if (!writing)
          setImmediate(() => {
            if (!writing) commit().catch(reject);
          });
      }),
    async close() {
      await client.query('drop table bare.records');
      client.release(true);
    },
  };
}
