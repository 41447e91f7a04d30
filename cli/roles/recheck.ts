import type { HeldFacts } from '../../gateway/hold/sealed-call.ts';
import { decide } from '../../policy/decide.ts';
import type { Policy } from '../../policy/policy.ts';

/**
 * Looks at an approved call once more, right before it is claimed: what policy denies by now does not run, whoever
 * approved it.
 * @returns null, or in plain words why it may not run
 */
export function recheckPolicy(
  policy: () => Policy,
): (call: HeldFacts & { readonly argsJson: string | null }) => Promise<string | null> {
  return async ({ bound, caller, session, argsJson }) => {
    const current = policy();
    if (current.version === bound.policyVersion) return null;
    const verdict = decide(current, {
      call: {
        connection: bound.connection,
        method: bound.method,
        tool: bound.tool,
        args: argsJson === null ? null : (JSON.parse(argsJson) as unknown),
        annotations: {},
      },
      caller,
      session: { id: session.sessionId, startedAt: new Date(bound.expiresAtMs), calls: 0 },
      now: new Date(),
    });
    if (verdict.kind !== 'deny') return null;
    return `policy has changed since, and its rule "${verdict.rule}" denies this call${verdict.reason ? `: ${verdict.reason}` : ''}`;
  };
}
