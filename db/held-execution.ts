import type { Masked } from '../masking/masked.ts';
import type { Pool, Queryable } from './pool.ts';
import { taskOfCall, type UnknownTask } from './unknown-tasks.ts';

/** How a held call ended in the gateway's hands. */
export type ExecutedState = 'succeeded' | 'failed' | 'unknown';
/** States in which a call is over for good. */
export type EndedState = ExecutedState | 'denied' | 'expired' | 'cancelled' | 'aborted';

/** A sealed value with its wrapped key. */
export interface SealedValue {
  readonly kekId: string;
  readonly wrapped: Uint8Array;
  readonly sealed: Uint8Array;
}

/** What execution and delivery read of a held call. */
export interface HeldCallState {
  readonly callId: string;
  readonly state: 'pending' | 'executing' | EndedState;
  readonly digest: string;
  readonly workflowId: string;
  readonly connection: string;
  readonly method: string;
  readonly tool: string;
  readonly rule: string;
  readonly expiresAt: Date;
  readonly endedBecause: string | null;
  readonly endedAt: Date | null;
  readonly openedAt: Date | null;
  readonly createdAt: Date;
  readonly execToken: string | null;
  /** As stored: `CountedVote[]`, but the database is no authority: read it with care. */
  readonly decisions: unknown;
  readonly approvers: unknown;
  /** What a person has found out about a call of unknown outcome. */
  readonly task: UnknownTask | null;
}

/** What a query selects of `held_calls` for a {@link HeldCallState}. */
export const heldCallColumns = `call_id as "callId", state, digest, workflow_id as "workflowId", connection, method, tool, rule,
  expires_at as "expiresAt", ended_because as "endedBecause", ended_at as "endedAt", opened_at as "openedAt",
  created_at as "createdAt", exec_token as "execToken", decisions, approvers,
  ${taskOfCall} as task`;

/** Reads one held call; null when there is none of that id. */
export async function heldCallState(db: Queryable, callId: string): Promise<HeldCallState | null> {
  const { rows } = await db.query<HeldCallState>(
    `select ${heldCallColumns} from held_calls where call_id = $1`,
    [callId],
  );
  return rows[0] ?? null;
}

/** A call as whoever is to execute it needs it. */
export interface CallToExecute extends HeldCallState {
  /** Its sealed raw request; null once it has ended. */
  readonly request: SealedValue | null;
  /** For how long its clock has stood still. */
  readonly stoppedMs: number;
  /** How many of its votes have been recorded. */
  readonly votesRecorded: number;
}

/** Reads one held call with all that executing it takes; null when there is none of that id. */
export async function callToExecute(db: Queryable, callId: string): Promise<CallToExecute | null> {
  const { rows } = await db.query<Omit<CallToExecute, 'request'> & SealedColumns>(
    `select ${heldCallColumns}, decisions_recorded as "votesRecorded",
       extract(epoch from clock_stood_still(created_at, on_slack_outage))::float8 * 1000 as "stoppedMs",
       request.kek_id, request.wrapped_key, request.sealed
     from held_calls left join held_call_requests request using (call_id) where call_id = $1`,
    [callId],
  );
  const [row] = rows;
  return row ? { ...row, request: sealedIn(row) } : null;
}

/** Those of the given calls that have ended. */
export async function endedAmong(db: Queryable, callIds: readonly string[]): Promise<HeldCallState[]> {
  const { rows } = await db.query<HeldCallState>(
    `select ${heldCallColumns} from held_calls where call_id = any($1) and state not in ('pending', 'executing')`,
    [callIds],
  );
  return rows;
}

/** Ids of the calls that ended within the last `withinMs`: what a lost notification would have told. */
export async function endedLately(db: Queryable, withinMs: number): Promise<string[]> {
  const { rows } = await db.query<{ call_id: string }>(
    `select call_id from held_calls where ended_at > now() - make_interval(secs => $1)`,
    [withinMs / 1000],
  );
  return rows.map((row) => row.call_id);
}

/**
 * Claims a call for execution by compare-and-set: pending, same digest, not expired, never claimed before, and the kill
 * switch is off. Committed when it resolves. Of any number of claims of one call, one at most is told true, ever.
 * @param votes the verified votes, kept with the row, so that no call is seen to run without who approved it
 */
export async function claim(pool: Pool, ask: ClaimAsk): Promise<boolean> {
  // One statement, and so a transaction of its own.
  return claimIn(pool, ask);
}

/** What is claimed, and by whom. */
export interface ClaimAsk {
  readonly callId: string;
  readonly digest: string;
  readonly execToken: string;
  readonly votes: unknown;
  /** By what a revocation may name whoever asked, what it runs with, and whoever approved. */
  readonly handles: readonly string[];
}

/** As {@link claim}, inside a transaction that its caller commits. */
export async function claimIn(
  db: Queryable,
  { callId, digest, execToken, votes, handles }: ClaimAsk,
): Promise<boolean> {
  const { rows } = await db.query<{ claimed: boolean }>(
    'select claim_held_call($1, $2, $3, $4, $5) as claimed',
    [callId, digest, execToken, JSON.stringify(votes), handles],
  );
  return rows[0]?.claimed === true;
}

/** Says that the executor lives. False when the call is no longer its own: it was given up as lost. */
export async function seen(db: Queryable, callId: string, execToken: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update held_calls set exec_seen_at = now() where call_id = $1 and exec_token = $2 and state = 'executing'`,
    [callId, execToken],
  );
  return rowCount === 1;
}

/** How a claimed call ended. */
export interface ExecutedEnd {
  readonly callId: string;
  readonly execToken: string;
  readonly state: ExecutedState;
  readonly because: Masked<string> | null;
  readonly retentionMs: number;
  readonly result: SealedValue | null;
  /** How many of its votes have been recorded, and when the last one was cast; null where that is left to others. */
  readonly decided?: { readonly recorded: number; readonly atMs: number } | null;
}

/**
 * Ends a claimed call and stores its sealed result in one statement.
 * @returns false when the call had ended already (given up as `unknown`); nothing is stored then
 */
export async function finish(db: Queryable, end: ExecutedEnd): Promise<boolean> {
  const { result, decided } = end;
  const { rowCount } = await db.query(
    `with ended as (
       update held_calls set state = $3, ended_because = $4, ended_at = now(),
         retain_until = now() + make_interval(secs => $5),
         decisions_recorded = greatest(decisions_recorded, $6),
         decided_at = coalesce(decided_at, to_timestamp($7::double precision / 1000))
       where call_id = $1 and exec_token = $2 and state = 'executing' returning call_id),
     kept as (
       insert into held_call_results (call_id, kek_id, wrapped_key, sealed)
       select call_id, $8, $9, $10 from ended where $8::text is not null)
     select from ended`,
    [
      end.callId,
      end.execToken,
      end.state,
      end.because,
      end.retentionMs / 1000,
      decided?.recorded ?? 0,
      decided?.atMs ?? null,
      result?.kekId ?? null,
      result?.wrapped ?? null,
      result?.sealed ?? null,
    ],
  );
  return rowCount === 1;
}

/** Ends a call that nobody has claimed. False when it was claimed, or had ended. */
export async function endPending(
  db: Queryable,
  end: { callId: string; state: 'aborted' | 'expired' | 'cancelled'; because: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update held_calls set state = $2, ended_because = $3 where call_id = $1 and state = 'pending'`,
    [end.callId, end.state, end.because],
  );
  return rowCount === 1;
}

/** Ends a call that nobody has claimed and whose time is up. False when it has time left, was claimed, or had ended. */
export async function endOverdue(
  db: Queryable,
  { callId, because }: { callId: string; because: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update held_calls set state = 'expired', ended_because = $2
     where call_id = $1 and state = 'pending' and expires_at <= now() and clock_stopped_at is null`,
    [callId, because],
  );
  return rowCount === 1;
}

/** What a sweep found dead, by the state that it was given. */
export interface Swept {
  readonly unknown: readonly string[];
  readonly aborted: readonly string[];
  readonly expired: readonly string[];
}

/**
 * Ends what nobody will end: calls whose executor has been silent for `silentMs` become `unknown` (they may have
 * run, so never `pending` again), calls whose workflow never came to be within `unopenedMs` become `aborted`, and
 * calls that are long over their time (their workflow was deleted or terminated) become `expired`.
 */
export async function sweepDead(
  db: Queryable,
  { silentMs, unopenedMs }: { silentMs: number; unopenedMs: number },
): Promise<Swept> {
  const unknown = await db.query<{ call_id: string }>(
    `update held_calls set state = 'unknown', ended_because =
       'The gateway that ran it was lost after it was claimed; whether it took effect is not known.'
     where state = 'executing' and exec_seen_at < now() - make_interval(secs => $1) returning call_id`,
    [silentMs / 1000],
  );
  const aborted = await db.query<{ call_id: string }>(
    `update held_calls set state = 'aborted', ended_because = 'It could not be put before an approver.'
     where state = 'pending' and opened_at is null and created_at < now() - make_interval(secs => $1)
     returning call_id`,
    [unopenedMs / 1000],
  );
  const expired = await db.query<{ call_id: string }>(
    `update held_calls set state = 'expired', ended_because = 'Its approval workflow did not end it.'
     where state = 'pending' and expires_at < now() - interval '10 minutes' and clock_stopped_at is null
     returning call_id`,
  );
  return { unknown: ids(unknown.rows), aborted: ids(aborted.rows), expired: ids(expired.rows) };
}

/** Deletes the stored results whose retention has ended. */
export async function purgeResults(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `delete from held_call_results using held_calls
     where held_calls.call_id = held_call_results.call_id and held_calls.retain_until < now()`,
  );
  return rowCount ?? 0;
}

/** A sealed value as tables have it; nulls where a join found none. */
export interface SealedColumns {
  readonly kek_id: string | null;
  readonly wrapped_key: Buffer | null;
  readonly sealed: Buffer | null;
}

/** The sealed value of a row, or null. */
export function sealedIn({ kek_id: kekId, wrapped_key: wrapped, sealed }: SealedColumns): SealedValue | null {
  return kekId !== null && wrapped && sealed ? { kekId, wrapped, sealed } : null;
}

function ids(rows: readonly { call_id: string }[]): string[] {
  return rows.map((row) => row.call_id);
}
