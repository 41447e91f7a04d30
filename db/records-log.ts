import type { PoolClient } from 'pg';
import type { LogView } from '../recording/log/log-view.ts';
import type { LogStore, LogTransaction, Run, StoredCheckpoint } from '../recording/log/log-store.ts';
import type { GrownTiles, TileReader } from '../recording/log/tiles.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';
import { ensurePartitions } from './record-partitions.ts';
import { writerLockClass } from './records.ts';

const leaderLock = 0x48504c47;
const upkeepEveryMs = 60 * 60_000;
const retireEveryMs = 60_000;

/** The log in PostgreSQL. Leadership is an advisory lock that the transaction holds: it cannot outlive its holder. */
export function createLogStore(pool: Pool): LogStore {
  let upkeepAtMs = 0;
  let retiredAtMs = 0;
  return {
    tiles: tilesIn(pool),
    checkpoint: () => lastCheckpoint(pool),
    async addSignatures({ size, note }) {
      await pool.query('update log_checkpoints set note = $2 where size = $1', [size, note]);
    },
    async lead(work) {
      if (Date.now() - upkeepAtMs > upkeepEveryMs) {
        await ensurePartitions(pool);
        await thinCheckpoints(pool);
        upkeepAtMs = Date.now();
      }
      return inTransaction(pool, async (client) => {
        const { rows } = await client.query<{ leads: boolean }>(
          'select pg_try_advisory_xact_lock($1) as leads',
          [leaderLock],
        );
        if (!rows[0]?.leads) return null;
        const retire = Date.now() - retiredAtMs > retireEveryMs;
        if (retire) retiredAtMs = Date.now();
        return work(await transactionOn(client, retire));
      });
    },
  };
}

async function transactionOn(client: PoolClient, retire: boolean): Promise<LogTransaction> {
  const { rows } = await client.query<{ size: string }>('select size from log_state');
  return {
    ...tilesIn(client),
    size: Number(rows[0]?.size ?? 0),
    lastCheckpoint: await lastCheckpoint(client),
    newRecords: (limit) => newRecords(client, limit),
    async newTombstones() {
      const found = await client.query<{ id: string; entry: Buffer }>(
        'select ctid::text as id, entry from log_tombstones where log_index is null order by made_at, session_id limit 1000',
      );
      return found.rows;
    },
    append: (grown, runs, tombstones) => append(client, grown, runs, tombstones),
    async saveCheckpoint({ size, note }) {
      await client.query(
        `insert into log_checkpoints (size, note) values ($1, $2)
         on conflict (size) do update set note = excluded.note, signed_at = now()`,
        [size, note],
      );
    },
    retireWriters: async () => (retire ? retireWriters(client) : undefined),
  };
}

/** Reads tiles and bundles. */
export function tilesIn(db: Queryable): TileReader {
  const one = async (sql: string, values: unknown[], what: string): Promise<Buffer> => {
    const { rows } = await db.query<{ bytes: Buffer }>(sql, values);
    if (!rows[0]) throw new Error(`the log has no ${what}`);
    return rows[0].bytes;
  };
  return {
    tile: async (level, index, width) => {
      const sql = 'select hashes as bytes from log_tiles where level = $1 and index = $2';
      return (await one(sql, [level, index], `tile ${level}/${index}`)).subarray(0, width * 32);
    },
    bundle: async (index, width) => {
      const sql = 'select entries as bytes from log_bundles where index = $1';
      return firstEntries(await one(sql, [index], `entry bundle ${index}`), width);
    },
  };
}

/** The log for readers: exports, proofs, pages. */
export function createLogView(pool: Pool): LogView {
  return {
    tiles: tilesIn(pool),
    checkpoint: () => lastCheckpoint(pool),
    async indexes(strand, fromSeq, limit) {
      const { rows } = await pool.query<{ seq: string; index: string }>(
        `select r.seq, l.first_index + (r.position - l.first_position) as index
         from (select writer_no, position, seq from records
               where strand = $1 and seq >= $2 and seq < $2::bigint + $3::int) r
         cross join lateral (select first_index, first_position, count from log_runs
                             where writer_no = r.writer_no and first_position <= r.position
                             order by first_position desc limit 1) l
         where r.position < l.first_position + l.count`,
        [strand, fromSeq, limit],
      );
      return new Map(rows.map((row) => [Number(row.seq), Number(row.index)]));
    },
  };
}

function firstEntries(bundle: Buffer, count: number): Buffer {
  let at = 0;
  for (let entry = 0; entry < count && at + 2 <= bundle.length; entry += 1) at += 2 + bundle.readUInt16BE(at);
  return bundle.subarray(0, at);
}

async function lastCheckpoint(db: Queryable): Promise<StoredCheckpoint | null> {
  const { rows } = await db.query<{ size: string; note: string; signed_at: Date }>(
    'select size, note, signed_at from log_checkpoints order by size desc limit 1',
  );
  const [row] = rows;
  return row ? { size: Number(row.size), note: row.note, signedAt: row.signed_at } : null;
}

async function newRecords(
  client: PoolClient,
  limit: number,
): Promise<{ writerNo: number; position: number; header: Buffer }[]> {
  const read = async (bound: string): Promise<{ writer_no: number; position: string; header: Buffer }[]> => {
    const { rows } = await client.query<{ writer_no: number; position: string; header: Buffer }>(
      `select r.writer_no, r.position, r.header from record_writers w
       cross join lateral (
         select writer_no, position, header from records
         where writer_no = w.writer_no and position >= w.integrated ${bound} order by position limit $1
       ) r
       where not w.retired order by r.writer_no, r.position limit $1`,
      [limit],
    );
    return rows;
  };
  // Positions are dense, so a page is bounded on both ends: statistics that have not seen a writer yet would have the
  // planner sort all that it wrote. Only what a purge removed before it was logged leaves a gap to look beyond.
  const bounded = await read('and position < w.integrated + $1::int');
  const rows = bounded.length > 0 ? bounded : await read('');
  return rows.map((row) => ({ writerNo: row.writer_no, position: Number(row.position), header: row.header }));
}

async function append(
  client: PoolClient,
  grown: GrownTiles,
  runs: readonly Run[],
  tombstones: readonly { id: string; index: number }[],
): Promise<void> {
  for (const { level, index, bytes } of grown.tiles)
    await client.query(
      `insert into log_tiles (level, index, hashes) values ($1, $2, $3)
       on conflict (level, index) do update set hashes = excluded.hashes`,
      [level, index, bytes],
    );
  for (const { index, bytes } of grown.bundles)
    await client.query(
      `insert into log_bundles (index, entries) values ($1, $2)
       on conflict (index) do update set entries = excluded.entries`,
      [index, bytes],
    );
  for (const { firstIndex, writerNo, firstPosition, count } of runs) {
    const values = [firstIndex, writerNo, firstPosition, count];
    // One writer alone goes on with its last run: a quiet installation keeps few rows.
    const { rowCount } = await client.query(
      `update log_runs set count = count + $4
       where first_index = (select max(first_index) from log_runs) and writer_no = $2
         and first_index + count = $1 and first_position + count = $3 and count < 100000`,
      values,
    );
    if (rowCount === 0)
      await client.query(
        'insert into log_runs (first_index, writer_no, first_position, count) values ($1, $2, $3, $4)',
        values,
      );
    await client.query('update record_writers set integrated = $2 where writer_no = $1', [
      writerNo,
      firstPosition + count,
    ]);
  }
  for (const { id, index } of tombstones)
    await client.query('update log_tombstones set log_index = $2 where ctid = $1::tid', [id, index]);
  await client.query('update log_state set size = $1', [grown.size]);
}

/** Of checkpoints older than a day, keeps the last of every hour. */
async function thinCheckpoints(pool: Pool): Promise<void> {
  await pool.query(
    `delete from log_checkpoints where signed_at < now() - interval '1 day'
     and size not in (select max(size) from log_checkpoints group by date_trunc('hour', signed_at))`,
  );
}

/**
 * A writer holds its lock for as long as its connection lives. Whoever gets the lock knows that it can commit nothing
 * more; only then is it certain that no record of it is still to come.
 */
async function retireWriters(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ writer_no: number }>(
    'select writer_no from record_writers where not retired and pg_try_advisory_xact_lock($1, writer_no)',
    [writerLockClass],
  );
  await client.query(
    `update record_writers w set retired = true where writer_no = any($1) and not exists (
       select from records r where r.writer_no = w.writer_no and r.position >= w.integrated)`,
    [rows.map((row) => row.writer_no)],
  );
}
