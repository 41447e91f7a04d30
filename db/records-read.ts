import type { RecordReader, SessionFilter, SessionSummary, StoredRecord } from '../recording/reader.ts';
import type { Pool } from './pool.ts';
import { factsOf, type SessionRow } from './records.ts';

interface RecordRow {
  seq: string;
  header: Buffer;
  sealed: Buffer;
}

const recordsOf = (strand: string, rows: readonly RecordRow[]): StoredRecord[] =>
  rows.map((row) => ({ strand, seq: Number(row.seq), header: row.header, sealed: row.sealed }));

/** Reads sessions and records. */
export function createRecordReader(pool: Pool): RecordReader {
  return {
    async listSessions(filter) {
      const { where, values } = conditions(filter);
      const { rows } = await pool.query<SummaryRow>(
        `${selectSummary} ${where} order by s.opened_at desc, s.session_id desc limit ${limitOf(filter)}`,
        values,
      );
      return rows.map(summaryOf);
    },
    async session(sessionId) {
      const { rows } = await pool.query<SummaryRow>(`${selectSummary} where s.session_id = $1`, [sessionId]);
      const [row] = rows;
      if (!row) return null;
      const key = row.kek_id && row.wrapped_key ? { kekId: row.kek_id, wrapped: row.wrapped_key } : null;
      return { ...summaryOf(row), key };
    },
    async strands(sessionId) {
      const { rows } = await pool.query<{ strand: string }>(
        'select strand from record_strands where session_id = $1 order by opened_at, strand',
        [sessionId],
      );
      return rows.map((row) => row.strand);
    },
    async cursorAt(strands, event) {
      const [only, ...others] = strands;
      // Numbers have no gaps.
      if (others.length === 0) return only === undefined ? {} : { [only]: event };
      const { rows } = await pool.query<{ strand: string; next: string }>(
        `select strand, max(seq) + 1 as next from (
           select strand, seq from records where strand = any($1::uuid[])
           order by at, array_position($1::uuid[], strand) limit $2) before
         group by strand`,
        [strands, event],
      );
      return Object.fromEntries(rows.map(({ strand, next }) => [strand, Number(next)]));
    },
    async records(strand, fromSeq, limit) {
      const read = async (where: string, count: number): Promise<StoredRecord[]> => {
        const { rows } = await pool.query<RecordRow>(
          `select seq, header, sealed from records where strand = $1 and ${where} order by seq limit $3`,
          [strand, fromSeq, count],
        );
        return recordsOf(strand, rows);
      };
      // Numbers have no gaps, so both ends of the page are known. With one end open, statistics that have not seen
      // the strand yet make the planner fetch and sort all of it: seconds for a million records.
      const page = await read(`seq >= $2 and seq < $2::bigint + ${Math.trunc(limit)}`, limit);
      if (page.length === limit) return page;
      const beyond = await read(`seq >= $2::bigint + ${Math.trunc(limit)}`, limit - page.length);
      return [...page, ...beyond];
    },
    async lastRecords(strand, limit) {
      const { rows } = await pool.query<RecordRow>(
        'select seq, header, sealed from records where strand = $1 order by seq desc limit $2',
        [strand, limit],
      );
      return recordsOf(strand, rows);
    },
  };
}

interface SummaryRow extends SessionRow {
  opened_at: Date;
  last_at: Date | null;
  records: string;
  ended_because: string | null;
  destroyed_at: Date | null;
  legal_hold: string | null;
}

/** A strand's last record tells its length: no counting, however long the session. */
const selectSummary = `
  select s.*, k.kek_id, k.wrapped_key, coalesce(t.records, 0) as records, t.last_at
  from record_sessions s
  left join record_keys k using (session_id)
  left join lateral (
    select sum(l.seq + 1) as records, max(l.at) as last_at
    from record_strands st
    cross join lateral (select seq, at from records r where r.strand = st.strand order by seq desc limit 1) l
    where st.session_id = s.session_id
  ) t on true`;

function conditions(filter: SessionFilter): { where: string; values: unknown[] } {
  const values: unknown[] = [];
  const use = (value: unknown): string => `$${values.push(value)}`;
  const all: string[] = [];
  if (filter.subject !== undefined) all.push(`s.subject = ${use(filter.subject)}`);
  if (filter.person !== undefined) {
    const person = use(filter.person);
    all.push(`(s.subject = ${person} or s.caller_key = ${person})`);
  }
  if (filter.connection !== undefined) all.push(`s.connection = ${use(filter.connection)}`);
  if (filter.to !== undefined) all.push(`s.opened_at < ${use(filter.to)}`);
  if (filter.from !== undefined)
    all.push(`(s.ended_at is null or s.ended_at >= ${use(filter.from)}) and
              (t.last_at is null or t.last_at >= ${use(filter.from)})`);
  if (filter.after)
    all.push(`(s.opened_at, s.session_id) < (${use(filter.after.openedAt)}, ${use(filter.after.sessionId)})`);
  for (const { facet, value } of filter.facets ?? [])
    all.push(`exists (select from record_facets f where f.session_id = s.session_id
                      and f.facet = ${use(facet)} and f.value = ${use(value)})`);
  return { where: all.length > 0 ? `where ${all.join(' and ')}` : '', values };
}

function limitOf(filter: SessionFilter): number {
  return Math.min(Math.max(1, Math.trunc(filter.limit ?? 50)), 1000);
}

function summaryOf(row: SummaryRow): SessionSummary {
  return {
    facts: factsOf(row),
    openedAt: row.opened_at,
    lastAt: row.last_at,
    records: Number(row.records),
    endedAt: row.ended_at,
    endedBecause: row.ended_because,
    destroyedAt: row.destroyed_at,
    legalHold: row.legal_hold,
  };
}
