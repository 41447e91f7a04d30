import type { Caller } from './caller.ts';
import type { Policy, Rule } from './policy.ts';
import type { Verdict } from './verdict.ts';

/** What is known of calls before they are made. */
export interface Prospect {
  readonly connection: string;
  readonly method: string;
  /** null where it is asked of all tools at once. */
  readonly tool: string | null;
  readonly caller: Pick<Caller, 'subject' | 'groups'>;
}

/**
 * How calls may end that have yet to be made: every verdict that policy gives for some arguments, at some time. Errs
 * towards more: what is in the set need not come, what is not in it never does.
 */
export function foresee(policy: Policy, prospect: Prospect): ReadonlySet<Verdict['kind']> {
  const kinds = new Set<Verdict['kind']>();
  const afterFailure = policy.default.ending.kind === 'hold' ? 'hold' : 'deny';
  for (const rule of policy.rules) {
    if (!mayMatch(rule, prospect)) continue;
    kinds.add(rule.ending.kind);
    // A condition may be false, and one that fails in a `pass` rule lets nothing pass.
    if (rule.when !== null && rule.ending.kind === 'pass') kinds.add(afterFailure);
    const certain = rule.when === null && (rule.tool === null || prospect.tool !== null);
    if (certain) return kinds;
  }
  return kinds.add(prospect.method === 'tools/call' ? policy.default.ending.kind : 'pass');
}

function mayMatch(rule: Rule, { connection, method, tool, caller }: Prospect): boolean {
  return (
    rule.method(method) &&
    (rule.connection === null || rule.connection(connection)) &&
    (rule.tool === null || tool === null || rule.tool(tool)) &&
    (rule.subject === null || rule.subject(caller.subject)) &&
    (rule.group === null || caller.groups.some(rule.group))
  );
}
