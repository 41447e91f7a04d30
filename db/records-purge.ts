import type { Expired, PurgeStore, RetentionRule } from '../recording/purge.ts';
import { inTransaction, type Pool } from './pool.ts';
import { partitionEnds } from './record-partitions.ts';
import { endedChannel } from './records.ts';

const deleteStrands = 200;

/** Purging in PostgreSQL. */
export function createPurgeStore(pool: Pool): PurgeStore {
  return {
    expired: (rules, now, after, limit) => expired(pool, rules, now, after, limit),
    async purgeable(sessionId) {
      const { rows } = await pool.query<ExpiredRow>(`${selectSessions} and s.session_id = $1`, [sessionId]);
      return rows[0] ? expiredOf(rows[0]) : null;
    },
    destroy: (sessionId, tombstone) => destroy(pool, sessionId, tombstone),
    async reclaim() {
      const partitions = await dropPartitions(pool);
      return { partitions, records: await deleteRecords(pool) };
    },
  };
}

interface ExpiredRow {
  session_id: string;
  connection: string;
  last_at: Date;
  records: string;
}

const selectSessions = `
  select s.session_id, s.connection, coalesce(t.records, 0) as records,
    greatest(s.opened_at, t.last_at) as last_at
  from record_sessions s
  left join lateral (
    select sum(l.seq + 1) as records, max(l.at) as last_at
    from record_strands st
    cross join lateral (select seq, at from records r where r.strand = st.strand order by seq desc limit 1) l
    where st.session_id = s.session_id
  ) t on true
  where s.destroyed_at is null and s.legal_hold is null`;

async function expired(
  pool: Pool,
  rules: readonly RetentionRule[],
  now: Date,
  after: Expired | null,
  limit: number,
): Promise<Expired[]> {
  if (rules.length === 0) return [];
  const values: unknown[] = [limit];
  const use = (value: unknown): string => `$${values.push(value)}`;
  const named = rules.flatMap((rule) => (rule.connection === null ? [] : [rule.connection]));
  const either = rules.map(({ connection, keepMs }) => {
    const before = `greatest(s.opened_at, t.last_at) < ${use(new Date(now.getTime() - keepMs))}`;
    const applies =
      connection === null
        ? `s.connection <> all(${use(named)}::text[])`
        : `s.connection = ${use(connection)}`;
    return `(${applies} and ${before})`;
  });
  const beyond = after
    ? `and (greatest(s.opened_at, t.last_at), s.session_id) > (${use(after.lastAt)}, ${use(after.sessionId)})`
    : '';
  const { rows } = await pool.query<ExpiredRow>(
    `${selectSessions} and (${either.join(' or ')}) ${beyond}
     order by greatest(s.opened_at, t.last_at), s.session_id limit $1`,
    values,
  );
  return rows.map(expiredOf);
}

function expiredOf(row: ExpiredRow): Expired {
  return {
    sessionId: row.session_id,
    connection: row.connection,
    lastAt: row.last_at,
    records: Number(row.records),
  };
}

async function destroy(pool: Pool, sessionId: string, tombstone: Uint8Array): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `update record_sessions set destroyed_at = now(), ended_at = coalesce(ended_at, now()),
         ended_because = coalesce(ended_because, 'purged'),
         caller_key = '', subject = '(purged)', client = null, credential_id = null, actors = '{}'
       where session_id = $1 and destroyed_at is null and legal_hold is null`,
      [sessionId],
    );
    if (rowCount !== 1) return false;
    await client.query('insert into log_tombstones (session_id, entry) values ($1, $2)', [
      sessionId,
      tombstone,
    ]);
    await client.query('delete from record_keys where session_id = $1', [sessionId]);
    await client.query('delete from record_facets where session_id = $1', [sessionId]);
    // Whoever still writes it stops; what it wrote since can be read by nobody either.
    await client.query('select pg_notify($1, $2)', [endedChannel, sessionId]);
    return true;
  });
}

/** Strands whose session's tombstone is in the log: only then may verification miss their records. */
const buriedStrands = `
  select st.strand from record_strands st
  join log_tombstones t on t.session_id = st.session_id and t.log_index is not null`;

async function dropPartitions(pool: Pool): Promise<number> {
  let dropped = 0;
  for (const { name, end } of await partitionEnds(pool)) {
    if (end.getTime() > Date.now()) continue;
    const { rows } = await pool.query<{ empty: boolean; free: boolean }>(
      `select not exists (select from ${name}) as empty,
              not exists (select from ${name} r where r.strand not in (${buriedStrands})) as free`,
    );
    if (!rows[0]?.free) continue;
    await pool.query(`drop table ${name}`);
    if (!rows[0].empty) dropped += 1;
  }
  return dropped;
}

/** In small transactions: an interrupted purge loses nothing of what it did. */
async function deleteRecords(pool: Pool): Promise<number> {
  let deleted = 0;
  for (;;) {
    const { rows } = await pool.query<{ strand: string }>(
      `select b.strand from (${buriedStrands}) b
       where exists (select from records r where r.strand = b.strand) limit ${deleteStrands}`,
    );
    if (rows.length === 0) return deleted;
    const { rowCount } = await pool.query('delete from records where strand = any($1::uuid[])', [
      rows.map((row) => row.strand),
    ]);
    deleted += rowCount ?? 0;
  }
}

/** Puts a session under legal hold, or releases it (null). @returns false when there is no such session */
export async function setLegalHold(pool: Pool, sessionId: string, reason: string | null): Promise<boolean> {
  const { rowCount } = await pool.query(
    'update record_sessions set legal_hold = $2 where session_id = $1 and destroyed_at is null',
    [sessionId, reason],
  );
  return rowCount === 1;
}
