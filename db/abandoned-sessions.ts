import type { Pool } from './pool.ts';

/**
 * Recorded sessions that nobody will end any more: their process was killed, or they have no end of their own (the
 * days of acts). Nothing was recorded in them for `quietMs`, no client can come back to them, and no call of theirs
 * is open.
 */
export async function abandonedSessions(pool: Pool, quietMs: number, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ session_id: string }>(
    `select s.session_id from record_sessions s
     where s.ended_at is null and s.destroyed_at is null
       and s.opened_at < now() - make_interval(secs => $1::float8 / 1000)
       and not exists (
         select from record_strands st
         cross join lateral (select at from records r where r.strand = st.strand order by seq desc limit 1) l
         where st.session_id = s.session_id and l.at >= now() - make_interval(secs => $1::float8 / 1000))
       and not exists (select from mcp_sessions m where m.session_id = s.session_id)
       and not exists (
         select from held_calls h where h.state in ('pending', 'executing')
           and (h.session_id = s.session_id or 'run-' || h.call_id = s.session_id))
     order by s.opened_at limit $2`,
    [quietMs, limit],
  );
  return rows.map((row) => row.session_id);
}
