import type { SessionFacts } from '../recording/event.ts';
import type { CountedVote, ExecuteResult, Outcome } from '../workflows/contract.ts';
import type { Queryable } from './pool.ts';

/** What the worker reads of a held call. */
export interface DecidedCall {
  readonly state: string;
  readonly method: string;
  readonly tool: string;
  readonly rule: string;
  readonly risk: string;
  readonly correlationId: string;
  readonly policyVersion: string;
  /** The session that asked, as the recording knows it. */
  readonly session: SessionFacts;
  /** How many of its votes have been recorded. */
  readonly votesRecorded: number;
}

/** Reads one held call; null when there is none of that id. */
export async function decidedCall(db: Queryable, callId: string): Promise<DecidedCall | null> {
  const { rows } = await db.query<DecidedCall>(
    `select state, method, tool, rule, risk, correlation_id as "correlationId", policy_version as "policyVersion",
       decisions_recorded as "votesRecorded",
       jsonb_build_object('sessionId', session_id, 'connection', connection, 'callerKey', caller ->> 'key',
         'subject', caller ->> 'subject', 'client', caller ->> 'client',
         'credentialId', caller ->> 'credentialId') as session
     from held_calls where call_id = $1`,
    [callId],
  );
  return rows[0] ?? null;
}

/**
 * Stores the votes counted so far, all of which have been recorded, unless the row has more already. Changes nothing
 * else, so it may come late.
 */
export async function storeVotes(
  db: Queryable,
  callId: string,
  votes: readonly CountedVote[],
): Promise<void> {
  await db.query(
    `update held_calls set
       decisions_recorded = greatest(decisions_recorded, jsonb_array_length($2::jsonb)),
       decisions = case when jsonb_array_length(decisions) < jsonb_array_length($2::jsonb) then $2::jsonb else decisions end
     where call_id = $1`,
    [callId, JSON.stringify(votes)],
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
 * Writes the end of a call. A pending row takes the outcome, or `aborted` when it was approved and its execution
 * ended without a claim: nothing was sent then, and now nothing ever will be. A row that is still executing although
 * its execution is known to be lost becomes `unknown`. One that has ended only gets its votes.
 * @returns the state of the row afterwards, or null when there is no such row
 */
export async function settleRow(db: Queryable, end: Settlement): Promise<string | null> {
  const { rows } = await db.query<{ state: string }>(
    `update held_calls set
       decisions = case when jsonb_array_length(decisions) < jsonb_array_length($3::jsonb) then $3::jsonb else decisions end,
       decided_at = coalesce(decided_at, to_timestamp($4::double precision / 1000)),
       state = case when state = 'pending' then $2
                    when state = 'executing' and $5::boolean then 'unknown'
                    else state end,
       ended_because = case when state = 'pending' and $5::boolean
                              then 'The gateway that was to run it was lost before it was sent. Nothing ran.'
                            when state = 'pending' or (state = 'executing' and $5::boolean)
                            then coalesce($6, ended_because) else ended_because end
     where call_id = $1 returning state`,
    [
      end.callId,
      end.outcome === 'approved' ? 'aborted' : end.outcome,
      JSON.stringify(end.votes),
      end.votes.at(-1)?.atMs ?? null,
      end.execution?.execution === 'unknown',
      end.because,
    ],
  );
  return rows[0]?.state ?? null;
}

/**
 * Ends pending calls that no workflow will end: those of the given workflows, and those whose time was up ten minutes
 * ago (a workflow may look that late whether its clock has started again). Nothing can have been sent: a claim would have made them `executing`.
 * @returns the ids of the calls that ended
 */
export async function endWorkflowless(db: Queryable, lostWorkflowIds: readonly string[]): Promise<string[]> {
  const { rows } = await db.query<{ call_id: string }>(
    `update held_calls set
       state = case when workflow_id = any($1) then 'cancelled' else 'expired' end,
       ended_because = case when workflow_id = any($1)
         then 'Its approval workflow was stopped in Temporal before it ran.'
         else 'Nobody decided in time.' end
     where state = 'pending' and (workflow_id = any($1)
       or expires_at < now() - interval '10 minutes' and clock_stopped_at is null)
     returning call_id`,
    [lostWorkflowIds],
  );
  return rows.map((row) => row.call_id);
}
