import { activationOf, type Activation } from './expression.ts';
import type { Policy, Rule, Terms } from './policy.ts';
import type { PolicyInput, Verdict } from './verdict.ts';

/** A rule whose `when` could not be evaluated for this call. */
interface Failure {
  readonly rule: Rule;
  readonly because: string;
}

/**
 * Policy's answer for one MCP request. The first rule that matches gives the verdict; requests other than
 * tools/call pass when no rule names them. Pure, synchronous, never throws.
 *
 * A `when` that cannot be evaluated never lets a call through: in a `deny` or `hold` rule the rule counts as
 * matching; in a `pass` rule it does not match, and the call can no longer pass by any later rule or the default:
 * where it would, it is held if the default is a hold, and denied otherwise.
 */
export function decide(policy: Policy, input: PolicyInput): Verdict {
  let activation: Activation | undefined;
  let failure: Failure | null = null;
  for (const rule of policy.rules) {
    if (!matches(rule, input)) continue;
    if (rule.when === null) return conclude(policy, rule.name, rule, failure);
    activation ??= activationOf(input);
    const result = rule.when.evaluate(activation);
    if (result === true) return conclude(policy, rule.name, rule, failure);
    if (result === false) continue;
    if (rule.ending.kind !== 'pass') return verdictOf(policy, rule.name, rule, noteOf(rule, result.failed));
    failure ??= { rule, because: result.failed };
  }
  if (input.call.method !== 'tools/call')
    return conclude(
      policy,
      'default',
      { ...policy.default, ending: { kind: 'pass' }, risk: 'low', reason: null },
      failure,
    );
  return conclude(policy, 'default', policy.default, failure);
}

/** Whether a rule speaks of a call, its `when` aside. */
export function matches(rule: Rule, { call, caller }: PolicyInput): boolean {
  return (
    rule.method(call.method) &&
    (rule.connection === null || rule.connection(call.connection)) &&
    (rule.tool === null || rule.tool(call.tool)) &&
    (rule.subject === null || rule.subject(caller.subject)) &&
    (rule.group === null || caller.groups.some(rule.group))
  );
}

/** A pass after a failed `pass` rule is no pass. */
function conclude(policy: Policy, name: string, terms: Terms, failure: Failure | null): Verdict {
  if (failure === null || terms.ending.kind !== 'pass') return verdictOf(policy, name, terms, null);
  const { rule, because } = failure;
  const ending = policy.default.ending.kind === 'hold' ? policy.default.ending : ({ kind: 'deny' } as const);
  const risk = policy.default.ending.kind === 'hold' ? policy.default.risk : rule.risk;
  return verdictOf(policy, rule.name, { ...rule, ending, risk }, noteOf(rule, because));
}

function noteOf(rule: Rule, because: string): string {
  return `Rule \`${rule.name}\` could not be evaluated: ${because}.`;
}

function verdictOf(policy: Policy, rule: string, terms: Terms, note: string | null): Verdict {
  const { ending, risk, maskProfile, askIntent } = terms;
  const reason =
    note === null ? terms.reason : [terms.reason, note].filter((part) => part !== null).join(' ');
  return { ...ending, rule, policyVersion: policy.version, risk, maskProfile, askIntent, reason };
}
