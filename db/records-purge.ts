import type { PoolClient } from 'pg';
import {
  type Expired,
  type PurgeRun,
  type PurgeStore,
  type RetentionRule,
  type RiskTier,
} from '../recording/purge.ts';
import { notHeld } from './legal-holds.ts';
import { inTransaction, type Pool } from './pool.ts';
import { reclaimSpace } from './records-reclaim.ts';
import { endedChannel } from './records.ts';

const purgeLock = 0x48505055;

/** Purging in PostgreSQL. */
export function createPurgeStore(pool: Pool): PurgeStore {
  return {
    expired: (rules, now, after, limit) => expired(pool, rules, now, after, limit),
    async purgeable(sessionId) {
      const { rows } = await pool.query<ExpiredRow>(
        `select c.*, null as rule from (${candidates}) c where c.session_id = $1`,
        [sessionId],
      );
      return rows[0] ? expiredOf(rows[0]) : null;
    },
    destroy: (sessionId, tombstone) => destroy(pool, sessionId, tombstone),
    reclaim: (signal) => reclaimSpace(pool, signal),
    async tombstonesPending() {
      const { rowCount } = await pool.query('select from log_tombstones where log_index is null limit 1');
      return rowCount === 1;
    },
    exclusively: (work) => exclusively(pool, work),
    beginRun: (run) => beginRun(pool, run),
  };
}

interface ExpiredRow {
  session_id: string;
  connection: string;
  risk: RiskTier;
  last_at: Date;
  records: string;
  rule: number | null;
}

const riskOf = `coalesce((select max(array_position(array['low', 'medium', 'high', 'critical'], f.value))
  from record_facets f where f.session_id = s.session_id and f.facet = 'risk'), 1)`;

/** A strand's last record tells its length: nothing is counted. */
const candidates = `
  select s.session_id, s.connection, s.opened_at, coalesce(t.records, 0) as records,
    (array['low', 'medium', 'high', 'critical'])[${riskOf}] as risk,
    greatest(s.opened_at, t.last_at) as last_at
  from record_sessions s
  left join lateral (
    select sum(l.seq + 1) as records, max(l.at) as last_at
    from record_strands st
    cross join lateral (select seq, at from records r where r.strand = st.strand order by seq desc limit 1) l
    where st.session_id = s.session_id
  ) t on true
  where s.destroyed_at is null and ${notHeld}`;

async function expired(
  pool: Pool,
  rules: readonly RetentionRule[],
  now: Date,
  after: Expired | null,
  limit: number,
): Promise<Expired[]> {
  const finite = rules.flatMap(({ keepMs }) => (keepMs === null ? [] : [keepMs]));
  if (finite.length === 0) return [];
  const values: unknown[] = [limit];
  const use = (value: unknown): string => `$${values.push(value)}`;
  const when = rules.map(({ connection, risks }, index) => {
    const terms = [
      connection !== null && `c.connection = ${use(connection)}`,
      risks !== null && `c.risk = any(${use(risks)}::text[])`,
    ].filter((term) => term !== false);
    return `when ${terms.join(' and ') || 'true'} then ${index}`;
  });
  const keepUntil = rules.map(({ keepMs }, index) =>
    keepMs === null
      ? `when ${index} then false`
      : `when ${index} then due.last_at < ${use(new Date(now.getTime() - keepMs))}::timestamptz`,
  );
  const beyond = after
    ? `and (due.last_at, due.session_id) > (${use(after.lastAt)}::timestamptz, ${use(after.sessionId)})`
    : '';
  // Opened after every rule's time, it cannot be due: most sessions are not looked at closely.
  const oldest = use(new Date(now.getTime() - Math.min(...finite)));
  const { rows } = await pool.query<ExpiredRow>(
    `select * from (
       select c.session_id, c.connection, c.risk, c.records,
         date_trunc('milliseconds', c.last_at) as last_at, case ${when.join(' ')} end as rule
       from (${candidates} and s.opened_at < ${oldest}::timestamptz) c
     ) due
     where case due.rule ${keepUntil.join(' ')} else false end ${beyond}
     order by due.last_at, due.session_id limit $1`,
    values,
  );
  return rows.map(expiredOf);
}

function expiredOf(row: ExpiredRow): Expired {
  return {
    sessionId: row.session_id,
    connection: row.connection,
    risk: row.risk,
    lastAt: row.last_at,
    records: Number(row.records),
    rule: row.rule,
  };
}

async function destroy(pool: Pool, sessionId: string, tombstone: Uint8Array): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `update record_sessions s set destroyed_at = now(), ended_at = coalesce(ended_at, now()),
         ended_because = coalesce(ended_because, 'purged'),
         caller_key = '', subject = '(purged)', client = null, credential_id = null, actors = '{}'
       where session_id = $1 and destroyed_at is null and ${notHeld}`,
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

/** The lock belongs to a connection: it is free again the moment that its process, or the connection, is gone. */
async function exclusively<T>(pool: Pool, work: () => Promise<T>): Promise<T | null> {
  const client: PoolClient = await pool.connect();
  let broken: Error | undefined;
  try {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [
      purgeLock,
    ]);
    if (!rows[0]?.mine) return null;
    try {
      return await work();
    } finally {
      await client.query('select pg_advisory_unlock($1)', [purgeLock]).catch((error: Error) => {
        broken = error;
      });
    }
  } finally {
    client.release(broken);
  }
}

async function beginRun(pool: Pool, run: { person: string; reason: string; due: number }): Promise<PurgeRun> {
  const { rows } = await pool.query<{ run_no: string }>(
    'insert into purge_runs (person, reason, due) values ($1, $2, $3) returning run_no',
    [run.person, run.reason, run.due],
  );
  const runNo = rows[0]?.run_no;
  return {
    async progress(purged) {
      await pool.query('update purge_runs set purged = $2, seen_at = now() where run_no = $1', [
        runNo,
        purged,
      ]);
    },
    async end({ purged, freed, failed }) {
      await pool.query(
        `update purge_runs set purged = $2, records = $3, partitions = $4, failed = $5, ended_at = now(),
           seen_at = now() where run_no = $1`,
        [runNo, purged, freed.records, freed.partitions, failed],
      );
    },
  };
}

/** A purge as it is shown. */
export interface ShownRun {
  readonly startedAt: Date;
  /** Null while it runs; and, once nothing has been seen of it for a while, of one that was interrupted. */
  readonly endedAt: Date | null;
  readonly seenAt: Date;
  readonly person: string;
  readonly reason: string;
  readonly due: number;
  readonly purged: number;
  readonly records: number;
  readonly partitions: number;
  readonly failed: string | null;
}

/** The latest purges, the newest first. */
export async function purgeRuns(pool: Pool, limit: number): Promise<ShownRun[]> {
  const { rows } = await pool.query<ShownRun & { records: string }>(
    `select started_at as "startedAt", ended_at as "endedAt", seen_at as "seenAt", person, reason, due, purged,
       records, partitions, failed from purge_runs order by run_no desc limit $1`,
    [limit],
  );
  return rows.map((row) => ({ ...row, records: Number(row.records) }));
}
