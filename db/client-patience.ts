import type { Queryable } from './pool.ts';

/** Whose patience: a credential's on one connection, with or without a progress token. */
export interface Impatient {
  readonly who: string;
  readonly connection: string;
  readonly progress: boolean;
}

/** What was learned is forgotten after this long, so that a client that was set up anew gets its chance. */
const memoryDays = 7;

/** After how many ms a client is known to give up; null when nothing is known. */
export async function patienceOf(
  db: Queryable,
  { who, connection, progress }: Impatient,
): Promise<number | null> {
  const { rows } = await db.query<{ patience: number | null }>(
    `select patience_ms as patience from client_patience
     where who = $1 and connection = $2 and progress = $3 and seen_at > now() - make_interval(days => $4)`,
    [who, connection, progress, memoryDays],
  );
  return rows[0]?.patience ?? null;
}

/**
 * Learns from a client that gave up after `elapsedMs`. One that said that its time ran out (`certain`) is believed.
 * One that closed its connection may have been shut by its user: it is believed when it does so twice at the same
 * time, to 3 %, which timers do and people do not.
 */
export async function learnPatience(
  db: Queryable,
  { who, connection, progress }: Impatient,
  { elapsedMs, certain }: { elapsedMs: number; certain: boolean },
): Promise<void> {
  await db.query(
    `insert into client_patience as known (who, connection, progress, patience_ms, left_ms)
     values ($1, $2, $3, case when $5 then $4::int end, case when not $5::boolean then $4::int end)
     on conflict (who, connection, progress) do update set
       patience_ms = case
         when $5 or abs(known.left_ms - $4) <= greatest(250, $4 * 3 / 100)
           then least($4, case when known.seen_at > now() - make_interval(days => $6) then known.patience_ms end)
         else known.patience_ms end,
       left_ms = case when $5 then known.left_ms else $4 end,
       seen_at = now()`,
    [who, connection, progress, Math.round(elapsedMs), certain, memoryDays],
  );
}
