import type { CardFacts, CardGrant, ListedCall } from '../db/card-facts.ts';
import type { HeldState } from '../db/held-calls-shown.ts';
import type { CallContext } from '../db/held-context.ts';
import type { UnknownTask } from '../db/unknown-tasks.ts';
import type { ShownOffer } from '../db/held-opening.ts';
import type { Quorum, Risk, StepUp } from '../policy/verdict.ts';

/** A vote that counted, as a card shows it. */
export interface CardVote {
  readonly name: string;
  readonly decision: 'approve' | 'deny';
  readonly reason: string | null;
  /** Of a denial: within what the call may come again. */
  readonly bounds?: string | null;
  readonly via: string;
  readonly atMs: number;
  /** The approver groups to which the person belonged then. */
  readonly groups?: readonly string[];
}

/** Everything a card shows: display facts of a held call, masked, and never trusted. */
export interface CardRequest {
  readonly callId: string;
  readonly digest: string;
  /** State of the row in `held_calls`. */
  readonly state: HeldState;
  readonly connection: string;
  readonly method: string;
  readonly tool: string;
  readonly subject: string;
  readonly client: string | null;
  /** Who acts for the subject, outermost first. */
  readonly actors: readonly string[];
  readonly rule: string;
  readonly reason: string | null;
  readonly risk: Risk;
  /** What the agent says that the call is for: its own words, masked, which nothing proves. */
  readonly intent: string | null;
  /** The masked arguments: JSON text, whole. */
  readonly shownArgs: string;
  readonly approverGroups: readonly { readonly name: string; readonly slackUserGroup: string | null }[];
  readonly approvalsNeeded: number;
  readonly quorum: Quorum;
  /** What approving takes beside being an approver; Slack can only lead to where it is given. */
  readonly stepUp?: StepUp | null;
  /** Groups that joined by escalation. */
  readonly joined: readonly string[];
  /** By how much everybody may be given more time, and how many more times; null where policy allows none. */
  readonly extension: { readonly byMs: number; readonly left: number } | null;
  readonly extensions: readonly { readonly name: string; readonly byMs: number; readonly atMs: number }[];
  /** Since when the clock stands still; null while it runs. */
  readonly clockStoppedAtMs: number | null;
  readonly votes: readonly CardVote[];
  readonly sessionId: string;
  /** What approvers may release beside the call. */
  readonly grantOffer: ShownOffer | null;
  /** The grant that was given with it. */
  readonly grant: CardGrant | null;
  readonly context: CallContext | null;
  /** What somebody has to find out about a call of unknown outcome. */
  readonly task: UnknownTask | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly endedAtMs: number | null;
  readonly endedBecause: string | null;
}

/** A request as lists show it. */
export type ListedRequest = Omit<CardRequest, 'shownArgs'>;

/** What a card shows of a stored call. */
export function cardRequest(facts: CardFacts): CardRequest {
  return { ...listedRequest(facts), shownArgs: facts.shownArgs };
}

/** What a list shows of a stored call. */
export function listedRequest(facts: ListedCall): ListedRequest {
  const { caller, approvers, decisions } = facts;
  const { callId, digest, connection, method, tool, rule, reason, approvalsNeeded, endedBecause } = facts;
  return {
    stepUp: facts.stepUp ?? null,
    callId,
    digest,
    connection,
    method,
    tool,
    rule,
    reason,
    approvalsNeeded,
    endedBecause,
    quorum: facts.quorum ?? { kind: 'together', approvals: approvalsNeeded },
    joined: facts.joined,
    extension: facts.extension && {
      byMs: facts.extension.byMs,
      left: Math.max(0, facts.extension.times - facts.extensions.length),
    },
    extensions: facts.extensions.map(({ person, byMs, atMs }) => ({ name: person.name, byMs, atMs })),
    clockStoppedAtMs: facts.clockStoppedAt?.getTime() ?? null,
    state: facts.state as CardRequest['state'],
    risk: facts.risk as Risk,
    intent: facts.intent,
    subject: caller.subject,
    client: caller.client,
    actors: caller.actors,
    approverGroups: approvers.map(({ name, slackUserGroup }) => ({ name, slackUserGroup })),
    sessionId: facts.sessionId,
    grantOffer: facts.grantOffer,
    grant: facts.grant,
    context: facts.context,
    task: facts.task,
    votes: decisions.map(({ person, decision, reason, bounds, via, atMs, groups = [] }) => ({
      name: person.name,
      decision,
      reason,
      bounds: bounds ?? null,
      via,
      atMs,
      groups,
    })),
    createdAtMs: facts.createdAt.getTime(),
    expiresAtMs: facts.expiresAt.getTime(),
    endedAtMs: facts.endedAt?.getTime() ?? null,
  };
}
