import type { Reclaimed } from '../recording/purge.ts';
import { inTransaction, type Pool } from './pool.ts';
import { partitionEnds } from './record-partitions.ts';

const deleteStrands = 200;
/** Recorders queue up behind whoever wants a partition to himself: better to try another time than to hold them up. */
const lockTimeoutMs = 500;
const lockNotAvailable = '55P03';

/** Strands whose session's tombstone is in the log: only then may verification miss their records. */
const buriedStrands = `
  select st.strand from record_strands st
  join log_tombstones t on t.session_id = st.session_id and t.log_index is not null`;

/** Gives back the space of purged sessions; see `PurgeStore.reclaim`. */
export async function reclaimSpace(pool: Pool, signal: AbortSignal): Promise<Reclaimed> {
  const partitions = await dropPartitions(pool, signal);
  return { partitions, records: await deleteRecords(pool, signal) };
}

async function dropPartitions(pool: Pool, signal: AbortSignal): Promise<number> {
  let dropped = 0;
  for (const { name, end } of await partitionEnds(pool)) {
    if (signal.aborted) return dropped;
    if (end.getTime() > Date.now() || (await stateOf(pool, name)) === 'used') continue;
    if ((await dropUnlessUsed(pool, name)) === 'buried') dropped += 1;
  }
  return dropped;
}

type PartitionState = 'used' | 'buried' | 'empty';

async function stateOf(db: Pick<Pool, 'query'>, name: string): Promise<PartitionState> {
  const { rows } = await db.query<{ empty: boolean; free: boolean }>(
    `select not exists (select from ${name}) as empty,
            not exists (select from ${name} r where not exists (
              select from (${buriedStrands}) b where b.strand = r.strand)) as free`,
  );
  const [row] = rows;
  if (!row?.free) return 'used';
  return row.empty ? 'empty' : 'buried';
}

/**
 * Looks again while nobody can write to this day any more (a recorder whose clock is behind may just have); only for
 * dropping it is everything locked.
 */
async function dropUnlessUsed(pool: Pool, name: string): Promise<PartitionState> {
  try {
    return await inTransaction(pool, async (client) => {
      await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
      await client.query(`lock table ${name} in share mode`);
      const state = await stateOf(client, name);
      if (state === 'used') return state;
      await client.query('lock table only records in access exclusive mode');
      await client.query(`drop table ${name}`);
      return state;
    });
  } catch (error) {
    if ((error as { code?: string }).code === lockNotAvailable) return 'used';
    throw error;
  }
}

/** In small transactions: an interrupted purge loses nothing of what it did. */
async function deleteRecords(pool: Pool, signal: AbortSignal): Promise<number> {
  let deleted = 0;
  while (!signal.aborted) {
    const { rows } = await pool.query<{ strand: string }>(
      `select b.strand from (${buriedStrands}) b
       where exists (select from records r where r.strand = b.strand) limit ${deleteStrands}`,
    );
    if (rows.length === 0) break;
    const { rowCount } = await pool.query('delete from records where strand = any($1::uuid[])', [
      rows.map((row) => row.strand),
    ]);
    deleted += rowCount ?? 0;
  }
  return deleted;
}
