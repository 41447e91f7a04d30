import type { Pool } from './pool.ts';

/**
 * How the log of recordings and the purging of it stand, in Prometheus' text format. The same from every worker: take
 * the maximum. What must not go unseen is the age of the latest checkpoint, and records that are not in the log.
 */
export async function recordMetrics(pool: Pool): Promise<string> {
  const { rows } = await pool.query<Record<string, string | null>>(
    `select
       (select size from log_state) as size,
       (select extract(epoch from now() - max(signed_at)) from log_checkpoints) as checkpoint_age,
       (select coalesce(extract(epoch from now() - min(r.at)), 0) from record_writers w
         cross join lateral (select at from records where writer_no = w.writer_no and position >= w.integrated
                             order by position limit 1) r
         where not w.retired) as behind,
       (select coalesce(extract(epoch from now() - min(made_at)), 0) from log_tombstones where log_index is null)
         as tombstone_age,
       (select extract(epoch from max(ended_at)) from purge_runs where failed is null) as purged_at,
       (select coalesce(sum(purged), 0) from purge_runs) as purged,
       (select coalesce(sum(records), 0) from purge_runs) as freed,
       (select coalesce(max(due - purged), 0) from purge_runs
         where ended_at is null and seen_at > now() - interval '1 minute') as under_way,
       (select count(*) from legal_holds where released_at is null) as holds`,
  );
  const [row = {}] = rows;
  const lines: string[] = [];
  const metric = (
    name: string,
    type: 'gauge' | 'counter',
    help: string,
    value: string | null | undefined,
  ): void => {
    if (value === null || value === undefined) return;
    lines.push(
      `# HELP holdpoint_${name} ${help}`,
      `# TYPE holdpoint_${name} ${type}`,
      `holdpoint_${name} ${value}`,
    );
  };
  metric('record_log_entries', 'counter', 'Entries of the log of recordings.', row['size']);
  metric(
    'record_log_checkpoint_age_seconds',
    'gauge',
    'Since something was last signed; grows while nothing is recorded, too.',
    row['checkpoint_age'],
  );
  metric(
    'record_log_behind_seconds',
    'gauge',
    'Age of the oldest record that is not in the log yet: a second or two, unless the log stands still.',
    row['behind'],
  );
  metric(
    'record_log_tombstone_age_seconds',
    'gauge',
    'Age of the oldest tombstone that is not in the log yet.',
    row['tombstone_age'],
  );
  metric('purge_last_success_timestamp_seconds', 'gauge', 'When a purge last ended well.', row['purged_at']);
  metric('purged_sessions_total', 'counter', 'Sessions whose keys were destroyed.', row['purged']);
  metric(
    'purged_records_freed_total',
    'counter',
    'Records whose space was given back one by one.',
    row['freed'],
  );
  metric(
    'purge_sessions_left',
    'gauge',
    'Sessions that the purge under way has still to purge.',
    row['under_way'],
  );
  metric('legal_holds', 'gauge', 'Standing legal holds in force.', row['holds']);
  return `${lines.join('\n')}\n`;
}
