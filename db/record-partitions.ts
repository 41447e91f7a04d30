import type { Pool } from './pool.ts';

const dayMs = 24 * 60 * 60_000;
const lockKey = 0x48505054;

/**
 * Makes the partitions of today and the next days, where they are missing. Records of a day without one go into
 * the default partition, so failing here would protect nothing: a day whose records are there already keeps it.
 */
export async function ensurePartitions(pool: Pool, daysAhead = 7): Promise<void> {
  const today = Math.floor(Date.now() / dayMs) * dayMs;
  const days = Array.from({ length: daysAhead + 1 }, (_, index) => new Date(today + index * dayMs));
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'records'::regclass`,
  );
  const there = new Set(rows.map((row) => row.name));
  for (const day of days) if (!there.has(partitionName(day))) await addPartition(pool, day);
}

async function addPartition(pool: Pool, day: Date): Promise<void> {
  const from = day.toISOString();
  const to = new Date(day.getTime() + dayMs).toISOString();
  await pool.query(
    `do $$ begin
       perform pg_advisory_xact_lock(${lockKey});
       if not exists (select from records_default where at >= '${from}' and at < '${to}') then
         create table if not exists ${partitionName(day)} partition of records for values from ('${from}') to ('${to}');
       end if;
     end $$`,
  );
}

/** `records_20261121` */
function partitionName(day: Date): string {
  return `records_${day.toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/** Every partition of one day, with the end of that day; its name is safe to put into SQL. */
export async function partitionEnds(pool: Pool): Promise<{ name: string; end: Date }[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'records'::regclass and c.relname ~ '^records_[0-9]{8}$' order by 1`,
  );
  return rows.map(({ name }) => {
    const day = name.slice('records_'.length);
    const start = Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T00:00:00Z`);
    return { name, end: new Date(start + dayMs) };
  });
}
