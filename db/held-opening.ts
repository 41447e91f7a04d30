import type { Masked } from '../masking/masked.ts';
import type { Caller } from '../policy/caller.ts';
import type {
  ApproverGroup,
  EscalationStage,
  Extension,
  OnDisconnect,
  OnSlackOutage,
  Quorum,
  Risk,
  StepUp,
} from '../policy/verdict.ts';
import type { CallContext } from './held-context.ts';
import {
  heldCallColumns,
  type HeldCallState,
  type SealedColumns,
  sealedIn,
  type SealedValue,
} from './held-execution.ts';
import { isFrozen } from './kill-switch.ts';
import { inTransaction, type Pool, type Queryable } from './pool.ts';

/** A policy's offer of grants, as people see it. */
export interface ShownOffer {
  readonly calls: number;
  readonly forMs: number;
  readonly scope: 'session' | 'caller';
  readonly where: readonly string[];
}

/** A call to be held, as its row shows it. What an approval is bound to is inside `request`, sealed. */
export interface NewHeldCall {
  readonly callId: string;
  readonly attachKey: Buffer;
  readonly digest: string;
  readonly workflowId: string;
  readonly connection: string;
  readonly method: string;
  readonly tool: string;
  readonly sessionId: string;
  readonly caller: Omit<Caller, 'claims'>;
  readonly rule: string;
  readonly reason: string | null;
  readonly risk: Risk;
  readonly policyVersion: string;
  readonly definitionHash: string | null;
  readonly approvers: readonly ApproverGroup[];
  readonly approvalsNeeded: number;
  readonly quorum: Quorum;
  readonly escalation: readonly EscalationStage[];
  readonly extension: Extension | null;
  readonly onSlackOutage: OnSlackOutage;
  /** What approving takes beside being an approver. */
  readonly stepUp?: StepUp | null;
  readonly onDisconnect: OnDisconnect;
  /** What approvers may release beside the call. */
  readonly grantOffer: ShownOffer | null;
  readonly shownArgs: Masked<string>;
  /** What the agent says that the call is for. */
  readonly intent: Masked<string> | null;
  readonly expiresAt: Date;
  /** As far as extensions may go. */
  readonly latestExpiresAt: Date;
  readonly correlationId: string;
  readonly request: SealedValue;
}

/** What became of opening: a request of its own, an open one to join, an outcome that waited, or a refusal. */
export type Opening =
  | { readonly kind: 'opened' }
  | { readonly kind: 'attached'; readonly callId: string }
  | { readonly kind: 'retained'; readonly callId: string }
  /** The outcome is just being handed to another client: ask again in a moment. */
  | { readonly kind: 'busy'; readonly callId: string }
  | { readonly kind: 'limit'; readonly open: number }
  /** The kill switch is on: nothing new is asked of anybody. */
  | { readonly kind: 'frozen' };

/** For how long an outcome is set aside for whoever is handing it over. */
const deliverySeconds = 30;

/**
 * Finds the identical call that is open or whose outcome nobody has had yet, or inserts this one, in one
 * transaction. Calls of one caller take turns, so that neither two identical ones nor the limit can slip through.
 * A `retained` outcome is set aside for this caller: confirm with {@link markDelivered} or {@link returnOutcome}.
 */
export async function openHeldCall(
  pool: Pool,
  call: NewHeldCall,
  { maxOpenPerCaller }: { maxOpenPerCaller: number },
): Promise<Opening> {
  return inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtextextended('held ' || $1, 0))`, [call.caller.key]);
    const found = await identicalCall(client, call.attachKey);
    if (found) return found;
    if (await isFrozen(client)) return { kind: 'frozen' };
    const { rows } = await client.query<{ open: number }>(
      `select count(*)::int as open from held_calls
       where caller ->> 'key' = $1 and state in ('pending', 'executing')`,
      [call.caller.key],
    );
    const open = rows[0]?.open ?? 0;
    if (open >= maxOpenPerCaller) return { kind: 'limit', open };
    await insert(client, call);
    return { kind: 'opened' };
  });
}

async function identicalCall(db: Queryable, attachKey: Buffer): Promise<Opening | null> {
  const open = await db.query<{ call_id: string }>(
    `select call_id from held_calls where attach_key = $1 and state in ('pending', 'executing')`,
    [attachKey],
  );
  if (open.rows[0]) return { kind: 'attached', callId: open.rows[0].call_id };
  const ended = await db.query<{ call_id: string; taken: boolean }>(
    `select call_id, coalesce(delivering_until > now(), false) as taken from held_calls
     where attach_key = $1 and delivered_at is null and ended_at is not null and state <> 'aborted'
       and retain_until > now()
     order by ended_at desc limit 1 for update`,
    [attachKey],
  );
  const [row] = ended.rows;
  if (!row) return null;
  if (row.taken) return { kind: 'busy', callId: row.call_id };
  await setAside(db, row.call_id);
  return { kind: 'retained', callId: row.call_id };
}

/**
 * The same for a client that names the call it came back for: joins it while it is open, and takes its outcome when
 * nobody has had it. Null when there is no such call; `delivered` when its outcome was handed over before.
 */
export async function comeBackTo(
  pool: Pool,
  callId: string,
): Promise<Opening | { readonly kind: 'delivered'; readonly callId: string } | null> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ open: boolean; delivered: boolean; taken: boolean }>(
      `select state in ('pending', 'executing') as open, delivered_at is not null as delivered,
         coalesce(delivering_until > now(), false) as taken
       from held_calls where call_id = $1 for update`,
      [callId],
    );
    const [row] = rows;
    if (!row) return null;
    if (row.open) return { kind: 'attached', callId };
    if (row.delivered) return { kind: 'delivered', callId };
    if (row.taken) return { kind: 'busy', callId };
    await setAside(client, callId);
    return { kind: 'retained', callId };
  });
}

async function insert(db: Queryable, call: NewHeldCall): Promise<void> {
  await db.query(
    `insert into held_calls (call_id, attach_key, digest, workflow_id, connection, method, tool, session_id, caller,
       rule, reason, risk, policy_version, definition_hash, approvers, approvals_needed, on_disconnect, shown_args,
       expires_at, correlation_id, grant_offer, base_expires_at, latest_expires_at, quorum, escalation, extension,
       on_slack_outage, intent, step_up, clock_stopped_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $19, $22,
       $23, $24, $25, $26, $27, $28,
       (select now() from clock_stops where $26 = 'freeze' and kind = 'slack' and ended_at is null))`,
    [
      call.callId,
      call.attachKey,
      call.digest,
      call.workflowId,
      call.connection,
      call.method,
      call.tool,
      call.sessionId,
      JSON.stringify(call.caller),
      call.rule,
      call.reason,
      call.risk,
      call.policyVersion,
      call.definitionHash,
      JSON.stringify(call.approvers),
      call.approvalsNeeded,
      call.onDisconnect,
      call.shownArgs,
      call.expiresAt,
      call.correlationId,
      call.grantOffer === null ? null : JSON.stringify(call.grantOffer),
      call.latestExpiresAt,
      JSON.stringify(call.quorum),
      JSON.stringify(call.escalation),
      JSON.stringify(call.extension),
      call.onSlackOutage,
      call.intent,
      call.stepUp ?? null,
    ],
  );
  const { kekId, wrapped, sealed } = call.request;
  await db.query(
    'insert into held_call_requests (call_id, kek_id, wrapped_key, sealed) values ($1, $2, $3, $4)',
    [call.callId, kekId, wrapped, sealed],
  );
}

/**
 * Notes that the workflow runs. It may have ended by then: people can be quick.
 * @returns false when the call was given up meanwhile: nobody must be asked about it
 */
export async function markOpened(db: Queryable, callId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update held_calls set opened_at = coalesce(opened_at, now()) where call_id = $1 and state <> 'aborted'`,
    [callId],
  );
  return rowCount === 1;
}

/** Stores what helps to decide on a call, before anybody is asked about it. */
export async function storeContext(db: Queryable, callId: string, context: CallContext): Promise<void> {
  await db.query('update held_calls set context = $2 where call_id = $1', [callId, JSON.stringify(context)]);
}

/** The outcome of a call, with its sealed result where there is one. */
export interface TakenOutcome extends HeldCallState {
  readonly result: SealedValue | null;
}

/**
 * Sets an outcome aside for the clients of this replica that waited for it, and reads it. Null when there is no such
 * call.
 */
export async function takeOutcome(db: Queryable, callId: string): Promise<TakenOutcome | null> {
  const { rows } = await db.query<Omit<TakenOutcome, 'result'> & SealedColumns>(
    `with aside as (${setsAside})
     select ${heldCallColumns}, result.kek_id, result.wrapped_key, result.sealed
     from held_calls left join held_call_results result using (call_id) where call_id = $1`,
    [callId, deliverySeconds],
  );
  const [row] = rows;
  return row ? { ...row, result: sealedIn(row) } : null;
}

const setsAside = `update held_calls set delivering_until = now() + make_interval(secs => $2)
  where call_id = $1 and ended_at is not null and delivered_at is null`;

async function setAside(db: Queryable, callId: string): Promise<void> {
  await db.query(setsAside, [callId, deliverySeconds]);
}

/** The outcome was handed to an open socket: no later call is given it. */
export async function markDelivered(db: Queryable, callId: string): Promise<void> {
  await db.query(
    `update held_calls set delivered_at = coalesce(delivered_at, now()), delivering_until = null where call_id = $1`,
    [callId],
  );
}

/** The outcome reached nobody: the next identical call may have it at once. */
export async function returnOutcome(db: Queryable, callId: string): Promise<void> {
  await db.query(
    'update held_calls set delivering_until = null where call_id = $1 and delivered_at is null',
    [callId],
  );
}
