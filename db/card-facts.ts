import type { ApproverGroup, Extension, Quorum, StepUp } from '../policy/verdict.ts';
import type { GrantTerms } from '../workflows/contract.ts';
import type { CallContext } from './held-context.ts';
import type { ShownOffer } from './held-opening.ts';
import type { Queryable } from './pool.ts';
import { taskOfCall, type UnknownTask } from './unknown-tasks.ts';

/** A held call as cards and the Slack app need it. */
export interface CardFacts {
  readonly callId: string;
  readonly digest: string;
  readonly workflowId: string;
  readonly state: string;
  readonly connection: string;
  readonly method: string;
  readonly tool: string;
  /** The caller as the gateway identified it (policy/caller.ts, `Caller`). */
  readonly caller: {
    readonly key: string;
    readonly subject: string;
    readonly email: string | null;
    readonly client: string | null;
    readonly actors: readonly string[];
  };
  readonly rule: string;
  readonly reason: string | null;
  readonly risk: string;
  readonly shownArgs: string;
  /** What the agent says that the call is for, masked; null when it says nothing. */
  readonly intent: string | null;
  readonly sessionId: string;
  readonly approvers: readonly ApproverGroup[];
  readonly approvalsNeeded: number;
  /** Null in calls of 0.1.0: any `approvalsNeeded` people. */
  readonly quorum: Quorum | null;
  /** What approving takes beside being an approver. */
  readonly stepUp?: StepUp | null;
  /** Groups that joined by escalation. */
  readonly joined: readonly string[];
  readonly extension: Extension | null;
  readonly extensions: readonly {
    readonly person: { readonly name: string };
    readonly byMs: number;
    readonly via: string;
    readonly atMs: number;
  }[];
  /** Since when the clock stands still; null while it runs. */
  readonly clockStoppedAt: Date | null;
  /** What approvers may release beside the call. */
  readonly grantOffer: ShownOffer | null;
  /** The grant that was given with it. */
  readonly grant: CardGrant | null;
  /** What helps to decide. */
  readonly context: CallContext | null;
  /** What somebody has to find out about a call of unknown outcome. */
  readonly task: UnknownTask | null;
  /** The votes that counted, as the worker stored them. */
  readonly decisions: readonly StoredVote[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly endedAt: Date | null;
  readonly endedBecause: string | null;
}

/** A grant as the card of its call shows it. */
export interface CardGrant {
  readonly grantId: string;
  readonly calls: number;
  readonly used: number;
  readonly expiresAtMs: number;
  readonly revokedAtMs: number | null;
  readonly revokedBy: string | null;
  /** Whether it covers further calls now. */
  readonly open: boolean;
}

/** A vote in `held_calls.decisions` (workflows/contract.ts, `CountedVote`). */
export interface StoredVote {
  readonly person: { readonly keys: readonly string[]; readonly name: string };
  readonly decision: 'approve' | 'deny';
  readonly reason: string | null;
  readonly grant?: GrantTerms | null;
  readonly bounds?: string | null;
  readonly via: string;
  readonly atMs: number;
  readonly groups?: readonly string[];
}

const listColumns = `call_id as "callId", digest, workflow_id as "workflowId", state, connection, method, tool,
  caller, rule, reason, risk, intent, session_id as "sessionId", approvers, approvals_needed as "approvalsNeeded", decisions,
  grant_offer as "grantOffer", context, ${taskOfCall} as task,
  (select jsonb_build_object('grantId', g.grant_id, 'calls', g.calls, 'used', g.used,
     'expiresAtMs', floor(extract(epoch from g.expires_at) * 1000)::bigint,
     'revokedAtMs', floor(extract(epoch from g.revoked_at) * 1000)::bigint,
     'revokedBy', g.revoked_by #>> '{person,name}',
     'open', g.revoked_at is null and g.used < g.calls and g.expires_at > now())
   from approval_grants g where g.call_id = held_calls.call_id) as "grant",
    created_at as "createdAt", expires_at as "expiresAt", ended_at as "endedAt", ended_because as "endedBecause",
  step_up as "stepUp", quorum, extension, extensions, clock_stopped_at as "clockStoppedAt",
  array(select joining ->> 'name' from jsonb_array_elements(escalation) with ordinality stage(terms, nth),
    jsonb_array_elements(terms -> 'to') joining where nth <= escalated) as joined`;

/** What a card shows of a held call, or null when there is no such call. */
export async function cardFacts(db: Queryable, callId: string): Promise<CardFacts | null> {
  const { rows } = await db.query<CardFacts>(
    `select ${listColumns}, shown_args as "shownArgs" from held_calls where call_id = $1`,
    [callId],
  );
  return rows[0] ?? null;
}

/** The same of several calls, in the order of their ids; those that are not known are left out. */
export async function cardFactsOf(db: Queryable, callIds: readonly string[]): Promise<readonly CardFacts[]> {
  const { rows } = await db.query<CardFacts>(
    `select ${listColumns}, shown_args as "shownArgs" from held_calls where call_id = any($1)
     order by array_position($1, call_id)`,
    [callIds],
  );
  return rows;
}

/** A held call as lists need it: without its arguments, which may be large. */
export type ListedCall = Omit<CardFacts, 'shownArgs'>;

/** Held calls that still wait for a decision, soonest expiry first. */
export async function openCalls(db: Queryable, limit: number): Promise<readonly ListedCall[]> {
  const { rows } = await db.query<ListedCall>(
    `select ${listColumns} from held_calls where state = 'pending' order by expires_at, call_id limit $1`,
    [limit],
  );
  return rows;
}

/** Calls of which nobody knows what became of them and nobody has said yet, oldest first. */
export async function unjudgedCalls(db: Queryable, limit: number): Promise<readonly ListedCall[]> {
  const { rows } = await db.query<ListedCall>(
    `select ${listColumns} from held_calls
     where call_id in (select call_id from unknown_tasks where mark is null order by opened_at limit $1)
     order by ended_at, call_id`,
    [limit],
  );
  return rows;
}

/** What a person decided lately, on whatever surface, newest first: known by any of their keys. */
export async function callsDecidedBy(
  db: Queryable,
  keys: readonly string[],
  limit: number,
): Promise<readonly ListedCall[]> {
  const votes = keys.map((key) => JSON.stringify([{ person: { keys: [key] } }]));
  const { rows } = await db.query<ListedCall>(
    `select ${listColumns} from held_calls where decisions @> any($1::jsonb[])
     order by coalesce(decided_at, created_at) desc, call_id limit $2`,
    [votes, limit],
  );
  return rows;
}
