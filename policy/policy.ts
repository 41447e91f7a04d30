import type { DefinitionRules } from './definitions.ts';
import type { Condition } from './expression.ts';
import type { ApproverGroup, HoldVerdict, Risk } from './verdict.ts';

/** On what terms a call is held: a hold verdict without where it came from. */
export type HoldEnding = Omit<
  HoldVerdict,
  'rule' | 'policyVersion' | 'risk' | 'maskProfile' | 'reason' | 'askIntent'
>;

/** How a verdict ends: the part of a rule after `then`. */
export type Ending = { readonly kind: 'pass' } | { readonly kind: 'deny' } | HoldEnding;

/** What a matching rule (or the default) gives. */
export interface Terms {
  readonly ending: Ending;
  readonly risk: Risk;
  readonly maskProfile: string;
  readonly reason: string | null;
  /** Whether the agent must say what the call is for. */
  readonly askIntent: boolean;
}

/** One compiled rule. Each of the tests is null when the rule does not name it. */
export interface Rule extends Terms {
  readonly name: string;
  readonly connection: GlobTest | null;
  readonly method: GlobTest;
  readonly tool: GlobTest | null;
  readonly subject: GlobTest | null;
  readonly group: GlobTest | null;
  readonly when: Condition | null;
}

export type GlobTest = (text: string) => boolean;

/** A policy in force: checked, compiled, immutable. Made by `compilePolicy`. */
export interface Policy {
  /** `sha256:` and the hash of what the policy says. */
  readonly version: string;
  readonly rules: readonly Rule[];
  readonly default: Terms;
  readonly approverGroups: Readonly<Record<string, ApproverGroup>>;
  readonly definitions: DefinitionRules;
  /** The `masking` section as written, already checked by the masking room; undefined when there is none. */
  readonly masking: Readonly<Record<string, unknown>> | undefined;
}
