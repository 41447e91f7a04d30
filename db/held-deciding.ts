import type { CountedVote, ExecuteResult, Outcome } from '../workflows/contract.ts';
import type { Queryable } from './pool.ts';

/** Stores the votes counted so far. A row that has ended stays as it is. */
export async function storeVotes(
  db: Queryable,
  callId: string,
  votes: readonly CountedVote[],
): Promise<void> {
  await db.query(
    `update held_calls set decisions = $2 where call_id = $1 and state = 'pending'
       and jsonb_array_length(decisions) < jsonb_array_length($2::jsonb)`,
    [callId, JSON.stringify(stored(votes))],
  );
}

/** How the row ends for a call that its workflow has finished with. */
export interface Settlement {
  readonly callId: string;
  readonly outcome: Outcome;
  readonly votes: readonly CountedVote[];
  readonly execution: ExecuteResult | null;
  /** Masked words for people and the agent; null keeps what the row says. */
  readonly because: string | null;
}

/**
 * Writes the end of a call. A pending row takes the outcome (an approved call that nobody claimed is `expired` when
 * nobody came for it, else `aborted`: it was refused before it was sent); a row that is still executing although its
 * execution is known to be lost becomes `unknown`; one that has ended only gets its votes.
 */
export async function settleRow(db: Queryable, end: Settlement): Promise<void> {
  const votes = JSON.stringify(stored(end.votes));
  const pendingState = end.outcome === 'approved' ? 'aborted' : end.outcome;
  await db.query(
    `update held_calls set
       decisions = case when jsonb_array_length(decisions) < jsonb_array_length($3::jsonb) then $3::jsonb else decisions end,
       decided_at = coalesce(decided_at, to_timestamp($4::double precision / 1000)),
       state = case when state = 'pending' then $2
                    when state = 'executing' and $5::boolean then 'unknown'
                    else state end,
       ended_because = case when state in ('pending', 'executing') then coalesce($6, ended_because) else ended_because end
     where call_id = $1`,
    [
      end.callId,
      pendingState,
      votes,
      end.votes.at(-1)?.atMs ?? null,
      end.execution?.execution === 'unknown',
      end.because,
    ],
  );
}

function stored(votes: readonly CountedVote[]): object[] {
  return votes.map((vote) => ({ ...vote }));
}
