import type { Caller } from './caller.ts';
import type { Offers } from './offers.ts';

/** How dangerous policy thinks a call is. Shown on cards; `critical` is for step-up. */
export type Risk = 'low' | 'medium' | 'high' | 'critical';

/**
 * What happens to a held call whose client has gone: `keep` waits for a live caller, `cancel` cancels,
 * `run` runs it when approved and retains the result.
 */
export type OnDisconnect = 'keep' | 'cancel' | 'run';

/** A named set of people who may decide. Any one way of belonging is enough. */
export interface ApproverGroup {
  readonly name: string;
  /** Where the card is posted; being in the channel gives a right to decide only with `channelMembers`. */
  readonly slackChannel: string | null;
  /** Where the card is posted when Slack refuses the channel. */
  readonly fallbackChannel?: string | null;
  /** Whether whoever is in `slackChannel` at that moment may decide. */
  readonly channelMembers?: boolean;
  readonly slackUserGroup: string | null;
  /** E-mail, OIDC subject, or `slack:TEAM/USER`. */
  readonly people: readonly string[];
  /** Directory groups (OIDC or SAML). */
  readonly groups: readonly string[];
}

/** How many approvals one group has to give. */
export interface GroupNeed {
  readonly group: string;
  readonly approvals: number;
}

/**
 * Which approvals release a call. `together`: so many distinct people, each of any of the groups. `any`: one of the
 * groups gives all of its own. `all`: every group gives its own; one person fills one place only, whatever groups
 * they are in.
 */
export type Quorum =
  | { readonly kind: 'together'; readonly approvals: number }
  | { readonly kind: 'any' | 'all'; readonly needs: readonly GroupNeed[] };

/** Who joins when nobody has decided for so long. Whoever joins may stand in for a member of any group. */
export interface EscalationStage {
  /** After the request was made. */
  readonly afterMs: number;
  readonly to: readonly ApproverGroup[];
}

/**
 * How whoever approves must have proven themselves just before: by signing in anew on the console, or by a passkey there
 * (which is also enough where a sign-in is asked for).
 */
export type StepUp = 'login' | 'passkey';

/** By how much, and how many times, approvers may extend a request. */
export interface Extension {
  readonly byMs: number;
  readonly times: number;
}

/** What becomes of a request's deadline while Slack cannot be reached. */
export type OnSlackOutage = 'continue' | 'freeze' | 'deny';

/** What every verdict says about where it came from. */
interface Because {
  /** Name of the rule that matched, or `default`. */
  readonly rule: string;
  /** `sha256:` and the hex hash of the policy that was in force. */
  readonly policyVersion: string;
  readonly risk: Risk;
  /** Name of the masking profile to use. */
  readonly maskProfile: string;
  /** The rule's own words, for people and agents; null when it gives none. */
  readonly reason: string | null;
  /** Whether the agent must say what the call is for. */
  readonly askIntent: boolean;
}

/** Result of policy for one MCP message (DESIGN.md section 3). */
export type Verdict = PassVerdict | DenyVerdict | HoldVerdict;
export interface PassVerdict extends Because {
  readonly kind: 'pass';
}
export interface DenyVerdict extends Because {
  readonly kind: 'deny';
}
export interface HoldVerdict extends Because {
  readonly kind: 'hold';
  readonly approvers: readonly ApproverGroup[];
  /** The fewest distinct people who can release it, at least 1. */
  readonly approvalsNeeded: number;
  readonly quorum: Quorum;
  readonly timeoutMs: number;
  /** When people are reminded, after the request was made, in order. */
  readonly remindersMs: readonly number[];
  /** In order of time. */
  readonly escalation: readonly EscalationStage[];
  readonly extension: Extension | null;
  readonly onSlackOutage: OnSlackOutage;
  readonly onDisconnect: OnDisconnect;
  /** What approving takes beside being an approver; null or left out: nothing. */
  readonly stepUp?: StepUp | null;
  /** What else approvers may see and release. */
  readonly offers: Offers;
}

/** What policy looks at. `args` is the parsed `params.arguments` (or null), never re-serialised from here. */
export interface PolicyInput {
  readonly call: {
    readonly connection: string;
    readonly method: string;
    /** Tool, prompt or resource name; empty string when the method has none. */
    readonly tool: string;
    readonly args: unknown;
    readonly annotations: Readonly<Record<string, unknown>>;
  };
  readonly caller: Caller;
  readonly session: { readonly id: string; readonly startedAt: Date; readonly calls: number };
  readonly now: Date;
}
