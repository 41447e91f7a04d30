import type { PoolClient } from 'pg';
import type { FoundRecord, VerifySource } from '../recording/log/verify-source.ts';
import type { Pool } from './pool.ts';
import { type CopiedRow, copyOut } from './copy-out.ts';
import { tilesIn } from './records-log.ts';
import { factsOf, type SessionRow } from './records.ts';

/**
 * Runs `work` on one unchanging view of the whole recording, while recorders go on writing. Nothing is computed by
 * the server that could be computed here: its functions may have been altered too. Takes two connections: records
 * are read ahead on one while they are checked, and everything else is looked up on the other.
 */
export async function withVerifySource<T>(
  pool: Pool,
  work: (source: VerifySource) => Promise<T>,
): Promise<T> {
  return withSnapshot(pool, null, async (lookups) => {
    const { rows } = await lookups.query<{ id: string }>('select pg_export_snapshot() as id');
    return withSnapshot(pool, rows[0]?.id ?? '', async (reading) => {
      await reading.query('set local enable_hashjoin = off; set local enable_mergejoin = off');
      return work(sourceOn(lookups, reading));
    });
  });
}

async function withSnapshot<T>(
  pool: Pool,
  snapshot: string | null,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    if (snapshot !== null) await client.query(`set transaction snapshot ${client.escapeLiteral(snapshot)}`);
    return await work(client);
  } finally {
    await client.query('rollback').then(
      () => client.release(),
      (error: Error) => client.release(error),
    );
  }
}

function sourceOn(client: PoolClient, reading: PoolClient): VerifySource {
  return {
    covers: () => true,
    tiles: tilesIn(client),
    async checkpoint() {
      const { rows } = await client.query<{ note: string }>(
        'select note from log_checkpoints order by size desc limit 1',
      );
      return rows[0]?.note ?? null;
    },
    async *checkpoints() {
      for (let after = -1; ; ) {
        const { rows } = await client.query<{ size: string; note: string }>(
          'select size, note from log_checkpoints where size > $1 order by size limit 1000',
          [after],
        );
        for (const row of rows) yield { size: Number(row.size), note: row.note };
        if (rows.length < 1000) return;
        after = Number(rows.at(-1)?.size);
      }
    },
    async *records() {
      for await (const row of copyOut(reading, loggedRecords)) yield foundRecord(row);
      for await (const row of copyOut(reading, pendingRecords)) yield foundRecord(row);
    },
    async session(sessionId) {
      const { rows } = await client.query<SessionRow>(
        'select s.*, k.kek_id, k.wrapped_key from record_sessions s left join record_keys k using (session_id) where s.session_id = $1',
        [sessionId],
      );
      const [row] = rows;
      if (!row) return null;
      const key = row.kek_id && row.wrapped_key ? { kekId: row.kek_id, wrapped: row.wrapped_key } : null;
      return { facts: factsOf(row), key };
    },
    async *pendingTombstones() {
      const { rows } = await client.query<{ entry: Buffer }>(
        'select entry from log_tombstones where log_index is null',
      );
      for (const row of rows) yield row.entry;
    },
    async *keylessSessions() {
      const { rows } = await client.query<{ session_id: string }>(
        'select session_id from record_sessions s where not exists (select from record_keys k where k.session_id = s.session_id)',
      );
      for (const row of rows) yield row.session_id;
    },
    strayRecords: () => strayRecords(client),
  };
}

const columns = 'r.strand, r.seq, r.at, r.header, r.sealed, s.session_id';
const loggedRecords = `
  select l.first_index + (r.position - l.first_position) as index, ${columns}
  from log_runs l
  join records r on r.writer_no = l.writer_no
    and r.position >= l.first_position and r.position < l.first_position + l.count
  left join record_strands s on s.strand = r.strand
  order by l.first_index, r.position`;
const pendingRecords = `
  select null::bigint as index, ${columns}
  from record_writers w
  join records r on r.writer_no = w.writer_no and r.position >= w.integrated
  left join record_strands s on s.strand = r.strand
  where not w.retired
  order by w.writer_no, r.position`;

/** 2000-01-01, PostgreSQL's epoch, in microseconds since 1970. */
const epochMicros = 946_684_800_000_000;

/** One row of the two queries above. */
function foundRecord([index, strand, seq, at, header, sealed, sessionId]: CopiedRow): FoundRecord {
  return {
    index: index ? Number(index.readBigInt64BE()) : null,
    strand: strand ?? none,
    seq: Number(seq?.readBigInt64BE()),
    atMicros: at ? Number(at.readBigInt64BE()) + epochMicros : null,
    header: header ?? none,
    sealed: sealed ?? none,
    sessionId: sessionId?.toString('utf8') ?? null,
  };
}

const none = Buffer.alloc(0);

/** Records that neither of the two queries above gives. */
async function strayRecords(
  client: PoolClient,
): Promise<{ count: number; strand: string; seq: number } | null> {
  const { rows } = await client.query<{ count: string; strand: string; seq: string }>(
    `select count(*) over () as count, r.strand, r.seq from records r
     where not exists (select from record_writers w
                       where w.writer_no = r.writer_no and not w.retired and r.position >= w.integrated)
       and not exists (
         select from (select first_position, count from log_runs l
                      where l.writer_no = r.writer_no and l.first_position <= r.position
                      order by l.first_position desc limit 1) l
         where r.position < l.first_position + l.count)
     order by r.strand, r.seq limit 1`,
  );
  const [row] = rows;
  return row ? { count: Number(row.count), strand: row.strand, seq: Number(row.seq) } : null;
}
