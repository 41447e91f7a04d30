import type { Extension, OnDisconnect, OnSlackOutage, Quorum, Risk, StepUp } from '../policy/verdict.ts';

/** Task queues (TEMPORAL-SLACK A1). A gateway also polls `replicaQueue(replica)`, for calls whose client it holds. */
export const taskQueues = { approvals: 'holdpoint-approvals', execute: 'holdpoint-execute' } as const;

/** The queue of one gateway replica. */
export function replicaQueue(replica: string): string {
  return `holdpoint-gateway-${replica}`;
}

export const workflowType = 'approval';
export const names = {
  opened: 'opened',
  decide: 'decide',
  attached: 'attached',
  detached: 'detached',
  withdraw: 'withdraw',
  extend: 'extend',
  clock: 'clock',
} as const;

/** Typed search attributes, registered at start. All keywords; never secrets or free text. */
export const searchAttributes = {
  connection: 'HoldpointConnection',
  tool: 'HoldpointTool',
  subject: 'HoldpointSubject',
  rule: 'HoldpointRule',
  risk: 'HoldpointRisk',
  state: 'HoldpointState',
} as const;

/** What one approval is bound to. {@link ApprovalInput}'s digest: `sha256:<hex>` over the RFC 8785 form of this. */
export interface Bound {
  readonly callId: string;
  readonly callerKey: string;
  readonly connection: string;
  readonly method: string;
  readonly tool: string;
  readonly definitionHash: string | null;
  /** SHA-256 hex over the canonical (RFC 8785) arguments. */
  readonly argsSha256: string;
  readonly policyVersion: string;
  readonly expiresAtMs: number;
}

/** Argument of the approval workflow: references and display facts, never raw arguments. */
export interface ApprovalInput {
  readonly callId: string;
  readonly digest: string;
  readonly connection: string;
  readonly tool: string;
  readonly subject: string;
  readonly client: string | null;
  readonly rule: string;
  readonly reason: string | null;
  readonly risk: Risk;
  readonly policyVersion: string;
  /** Names of the approver groups; a vote counts when its person belongs to one of them. */
  readonly approverGroups: readonly string[];
  readonly approvalsNeeded: number;
  /** Absent in requests of 0.1.0: any `approvalsNeeded` people of the groups, and the clock never stops. */
  readonly terms?: DecidingTerms;
  /** Every stable key of the requester (and whoever it acts for): none of them may vote. */
  readonly requesterKeys: readonly string[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly onDisconnect: OnDisconnect;
  /** How long an approved call waits for a live caller under `keep`. */
  readonly graceMs: number;
  /** The queue of the replica that holds the client's stream. */
  readonly holderQueue: string | null;
  /** Ed25519 public keys (raw, base64url) of the processes that may sign votes, by key id. */
  readonly votePublicKeys: Readonly<Record<string, string>>;
  readonly correlationId: string;
}

/** How a request is decided beside its groups and its deadline: policy's terms, groups by name only. */
export interface DecidingTerms {
  readonly quorum: Quorum;
  /** After the request was made, in order. */
  readonly remindersMs: readonly number[];
  /** In order of time. */
  readonly escalation: readonly { readonly afterMs: number; readonly groups: readonly string[] }[];
  readonly extension: Extension | null;
  readonly onSlackOutage: OnSlackOutage;
  /** What approving takes beside being an approver. */
  readonly stepUp?: StepUp | null;
}

/** How whoever approved had proven themselves just before, beside being signed in, and when. */
export interface VoteProof {
  readonly method: StepUp;
  readonly atMs: number;
}

/** A person's act on a request. */
export type Decision = 'approve' | 'deny';

/** A person, by every stable key known of them (`oidc:<issuer>#<sub>`, `slack:<team>/<user>`, `local:approver`). */
export interface Person {
  readonly keys: readonly string[];
  /** For people to read; never compared. */
  readonly name: string;
}

/**
 * What an approval offers beyond its own call: further calls of the same caller, connection, tool, tool definition and
 * policy version (all bound by the digest) that meet every predicate. It comes to be when the people who offer it would
 * suffice for the approval by themselves; of several offers the narrowest counts.
 */
export interface GrantTerms {
  /** How many further calls. */
  readonly calls: number;
  readonly untilMs: number;
  /** Only calls of this session; null for any of the caller's. */
  readonly sessionId: string | null;
  /** CEL over `call` and `approved`, as policy offers them; each must be true. */
  readonly where: readonly string[];
}

/** The claims of a vote: what a deciding surface signs (JWS, EdDSA, `typ: holdpoint-vote+jwt`). */
export interface VoteClaims {
  readonly voteId: string;
  readonly callId: string;
  readonly digest: string;
  readonly person: Person;
  readonly decision: Decision;
  readonly reason: string | null;
  /** Of an approval: what else it releases. */
  readonly grant?: GrantTerms | null;
  /** Of a denial: within which bounds a call like this one may be approved, in words the agent can act on. */
  readonly bounds?: string | null;
  /** Of an approval: how its person had proven themselves just before. */
  readonly proof?: VoteProof | null;
  /** The request's approver groups to which the person was seen to belong when they decided. */
  readonly groups: readonly string[];
  /** Where they decided: `slack`, `console`, `cli`. */
  readonly via: string;
  readonly decidedAtMs: number;
  /** Seconds since the epoch, as in RFC 7519. */
  readonly exp: number;
}

/** A vote that counted, as Temporal, the row and the proof keep it. */
export interface CountedVote {
  readonly jws: string;
  readonly person: Person;
  readonly decision: Decision;
  readonly reason: string | null;
  readonly grant?: GrantTerms | null;
  readonly bounds?: string | null;
  readonly proof?: VoteProof | null;
  readonly via: string;
  readonly atMs: number;
  /** The request's approver groups to which the person belonged then. Absent in votes of 0.1.0. */
  readonly groups?: readonly string[];
}

/** The claims of an extension: what a deciding surface signs (JWS, EdDSA, `typ: holdpoint-extension+jwt`). */
export interface ExtensionClaims {
  readonly extensionId: string;
  readonly callId: string;
  readonly digest: string;
  readonly person: Person;
  readonly groups: readonly string[];
  readonly via: string;
  readonly decidedAtMs: number;
  /** Seconds since the epoch, as in RFC 7519. */
  readonly exp: number;
}

/** An extension that counted. */
export interface CountedExtension {
  readonly jws: string;
  readonly person: Person;
  readonly byMs: number;
  readonly via: string;
  readonly atMs: number;
}

export type Outcome = 'approved' | 'denied' | 'expired' | 'cancelled';
export type Execution = 'succeeded' | 'failed' | 'unknown';
/** State of the workflow as seen from outside. */
export interface ApprovalStatus {
  readonly outcome: Outcome | null;
  readonly votes: readonly CountedVote[];
  readonly approvalsNeeded: number;
  /** What is missing, in words such as `one more approval from security`; empty when nothing is. */
  readonly stillNeeded: string;
  /** Groups that joined by escalation. */
  readonly joined: readonly string[];
  readonly extensions: readonly CountedExtension[];
  /** The deadline as the workflow knows it; while the clock stands still the row knows better. */
  readonly expiresAtMs: number;
  /** What the clock stands still for, as far as the workflow has had to ask. */
  readonly clockStopped: ClockState['stopped'];
  /** Whether no approver could be asked in Slack so far. */
  readonly slackAway: boolean;
}

/**
 * Why a decision was refused. The Update fails with an ApplicationFailure of this `type`; for
 * `AlreadyDecided` its message says who decided and when, and `details[0]` is the ApprovalStatus.
 */
export type VoteRefusal =
  | 'AlreadyDecided'
  | 'DuplicateVote'
  | 'SelfApproval'
  | 'NotAnApprover'
  | 'DigestMismatch'
  | 'ForgedVote'
  | 'VoteExpired'
  | 'StepUpNeeded'
  /** Policy allows no extension, or no further one. */
  | 'NotExtendable';

/** What the executing activity is given: the votes, to be verified again where the credentials are. */
export interface ExecuteInput {
  readonly callId: string;
  readonly digest: string;
  readonly votes: readonly CountedVote[];
}

/** How the execution ended. Also for a call that another attempt had already claimed. */
export interface ExecuteResult {
  readonly execution: Execution;
  /** Masked, for people; null when there is nothing to say. */
  readonly summary: string | null;
  /** The votes are recorded and the row has all of its end: nothing is left to be written. */
  readonly settled?: boolean;
  /** The row has ended as `execution` says: nobody need look at it. Gateways up to 0.3.0 did not say so. */
  readonly rowEnded?: boolean;
}

/** How a request's clock stands, as the row and the log of stops know it. `stoppedMs` is all of its stops together. */
export interface ClockState {
  readonly expiresAtMs: number;
  /** What the clock stands still for, or null while it runs. */
  readonly stopped: 'freeze' | 'slack' | null;
  readonly stoppedMs: number;
  readonly slackDown: boolean;
  /** Whether any gateway has claimed the call: if not, nothing of it can have been sent. */
  readonly claimed?: boolean;
}

/** Activities of the worker process. */
export interface WorkerActivities extends TimeActivities {
  /** Posts the card wherever the groups are to be asked. Safe to repeat. Says if there is Slack; 0.2.0 said nothing. */
  announce(input: { callId: string }): Promise<{ slack: boolean } | undefined>;
  /** Stores the votes counted so far and brings every card up to date. Safe to repeat. */
  showProgress(input: { callId: string; votes: readonly CountedVote[] }): Promise<void>;
  /**
   * Writes the end of a call that will not run (or whose execution is not known to have ended) and wakes whoever
   * waits. Safe to repeat; a row that has ended stays as it is.
   * @returns the state of the row, which is the truth about execution
   */
  settle(input: {
    callId: string;
    outcome: Outcome;
    votes: readonly CountedVote[];
    execution: ExecuteResult | null;
    /** Why it was cancelled, when whoever did it said so. */
    because: string | null;
  }): Promise<{ state: string }>;
  /** Brings every card up to date. Safe to repeat. */
  refreshCards(input: { callId: string }): Promise<void>;
}

/** The worker's activities that have to do with time. All are safe to repeat. */
export interface TimeActivities {
  /** How the request's clock stands; asked before a deadline is believed. */
  clock(input: { callId: string }): Promise<ClockState>;
  /** Reminds the people around every card, unless the clock stands still or has stood for longer than `stoppedMs`. */
  remind(input: { callId: string; nth: number; stoppedMs: number }): Promise<ClockState>;
  /** Lets the groups of a stage join and asks them, under the same condition. */
  escalate(input: { callId: string; stage: number; stoppedMs: number }): Promise<ClockState>;
  /** Records an extension and moves the row's deadline. Resolves once it is durable. */
  extended(input: {
    callId: string;
    extensions: readonly CountedExtension[];
    baseExpiresAtMs: number;
  }): Promise<ClockState>;
  /**
   * The approvers could not be asked for a while: fails over to other channels, and notes it.
   * @returns whether at least one card stands in Slack now
   */
  failOver(input: { callId: string }): Promise<{ reached: boolean }>;
}

/** Activities that gateways host, since only they hold upstream credentials. */
export interface GatewayActivities {
  /** Claims the row, sends the stored call at most once, stores the result, wakes the waiting request. */
  executeHeldCall(input: ExecuteInput): Promise<ExecuteResult>;
}

/** `approval/<connection>/<tool>/<callId>`, readable in the Temporal UI; hostile characters become `_`. */
export function workflowIdOf(call: { connection: string; tool: string; callId: string }): string {
  const safe = (text: string): string => text.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 60);
  return `approval/${safe(call.connection)}/${safe(call.tool)}/${call.callId}`;
}
