import type { Caller } from '../policy/caller.ts';
import type { ApproverGroup, EscalationStage, Extension, Quorum, Risk, StepUp } from '../policy/verdict.ts';
import type { CountedExtension, CountedVote } from '../workflows/contract.ts';
import type { CallContext } from './held-context.ts';
import type { ShownOffer } from './held-opening.ts';
import type { Queryable } from './pool.ts';
import { taskOfCall, type UnknownTask } from './unknown-tasks.ts';

/** States of a held call (migration 0001). */
export const heldStates = [
  'pending',
  'executing',
  'succeeded',
  'failed',
  'unknown',
  'denied',
  'expired',
  'cancelled',
  'aborted',
] as const;

export type HeldState = (typeof heldStates)[number];

/** A held call as people may see it: masked, without keys, results or anything sealed. */
export interface ShownCall {
  readonly callId: string;
  readonly state: HeldState;
  readonly digest: string;
  readonly workflowId: string;
  readonly connection: string;
  readonly method: string;
  readonly tool: string;
  readonly sessionId: string;
  readonly caller: Caller;
  readonly rule: string;
  readonly reason: string | null;
  readonly risk: Risk;
  readonly policyVersion: string;
  readonly definitionHash: string | null;
  readonly approvers: readonly ApproverGroup[];
  readonly approvalsNeeded: number;
  /** Null in calls of 0.1.0: any `approvalsNeeded` people. */
  readonly quorum: Quorum | null;
  /** What approving takes beside being an approver. */
  readonly stepUp?: StepUp | null;
  /** How it may be extended, and by whom it was. */
  readonly extension: Extension | null;
  readonly extensions: readonly CountedExtension[];
  readonly escalation: readonly EscalationStage[];
  /** How many stages of the escalation have been reached. */
  readonly escalated: number;
  /** Since when the clock stands still; null while it runs. */
  readonly clockStoppedAt: Date | null;
  /** What the agent says that the call is for, masked; null when it says nothing. Nothing proves it. */
  readonly intent: string | null;
  /** Masked arguments: JSON text, whole. */
  readonly shownArgs: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly votes: readonly CountedVote[];
  readonly decidedAt: Date | null;
  readonly executingAt: Date | null;
  readonly endedAt: Date | null;
  readonly endedBecause: string | null;
  /** What approvers may release beside the call. */
  readonly grantOffer: ShownOffer | null;
  /** The grant under which it ran without being asked about. */
  readonly grantId: string | null;
  readonly context: CallContext | null;
  /** What somebody has to find out about a call of unknown outcome. */
  readonly task: UnknownTask | null;
}

/** Which calls to list. Every member that is there narrows the list. */
export interface ShownFilter {
  readonly state?: HeldState;
  readonly connection?: string;
  /** Part of tool, subject, rule or call id, whatever its case. */
  readonly text?: string;
  /** Only calls made before this one's time, for the next page. */
  readonly before?: Date;
}

const columns = `call_id as "callId", state, digest, workflow_id as "workflowId", connection, method, tool,
  session_id as "sessionId", caller, rule, reason, risk, policy_version as "policyVersion",
  definition_hash as "definitionHash", approvers, approvals_needed as "approvalsNeeded", shown_args as "shownArgs", intent,
  created_at as "createdAt", expires_at as "expiresAt", decisions as votes, decided_at as "decidedAt",
  executing_at as "executingAt", step_up as "stepUp", quorum, extension, extensions, escalation, escalated,
  clock_stopped_at as "clockStoppedAt", ended_at as "endedAt", ended_because as "endedBecause",
  grant_offer as "grantOffer", grant_id as "grantId", context,
  ${taskOfCall} as task`;

/** Pending calls whose time is not up, soonest expiry first. */
export async function pendingCalls(db: Queryable, limit: number): Promise<ShownCall[]> {
  const { rows } = await db.query<ShownCall>(
    `select ${columns} from held_calls where state = 'pending' and (expires_at > now() or clock_stopped_at is not null)
      order by expires_at, call_id limit $1`,
    [limit],
  );
  return rows;
}

/** Calls of which nobody knows what became of them and nobody has said yet, oldest first. */
export async function unjudgedShown(db: Queryable, limit: number): Promise<ShownCall[]> {
  const { rows } = await db.query<ShownCall>(
    `select ${columns} from held_calls
      where call_id in (select call_id from unknown_tasks where mark is null order by opened_at limit $1)
      order by ended_at, call_id`,
    [limit],
  );
  return rows;
}

/** Calls that are no longer waiting (or match another state asked for), latest first. */
export async function recentCalls(db: Queryable, filter: ShownFilter, limit: number): Promise<ShownCall[]> {
  const { rows } = await db.query<ShownCall>(
    `select ${columns} from held_calls
      where ($1::text is null and (state <> 'pending' or expires_at <= now() and clock_stopped_at is null) or state = $1)
        and ($2::text is null or connection = $2)
        and ($3::text is null or strpos(lower(concat_ws(' ', call_id, tool, rule, caller->>'subject')), lower($3)) > 0)
        and ($4::timestamptz is null or created_at < $4)
      order by created_at desc, call_id limit $5`,
    [filter.state ?? null, filter.connection ?? null, filter.text ?? null, filter.before ?? null, limit],
  );
  return rows;
}

/** One call; null when there is none of that id. */
export async function shownCall(db: Queryable, callId: string): Promise<ShownCall | null> {
  const { rows } = await db.query<ShownCall>(`select ${columns} from held_calls where call_id = $1`, [
    callId,
  ]);
  return rows[0] ?? null;
}

/** Calls of these ids, by id; what there is none of is left out. */
export async function shownCalls(
  db: Queryable,
  callIds: readonly string[],
): Promise<ReadonlyMap<string, ShownCall>> {
  const { rows } = await db.query<ShownCall>(`select ${columns} from held_calls where call_id = any($1)`, [
    callIds,
  ]);
  return new Map(rows.map((call) => [call.callId, call]));
}

/** Changes whenever any held call is added or changes in a way that people can see. Cheap enough to ask every second. */
export async function callsVersion(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ version: string }>(
    `select concat_ws(':', count(*) filter (where state = 'pending'), count(*) filter (where state = 'executing'),
       coalesce(sum(jsonb_array_length(decisions)), 0), max(created_at), max(ended_at), max(executing_at),
       sum(escalated), sum(jsonb_array_length(extensions)), max(clock_stopped_at),
       (select concat_ws('/', count(*), max(taken_at), max(read_back_at)) from unknown_tasks where mark is null)) as version
       from held_calls where state in ('pending', 'executing') or created_at > now() - interval '1 day'`,
  );
  return rows[0]?.version ?? '';
}
