import { parseJson } from '../../gateway/mcp/parse-json.ts';
import { scopeOf } from '../../gateway/definitions/discover.ts';
import type { ToolDefinitions } from '../../gateway/definitions/registry.ts';
import type { HeldFacts } from '../../gateway/hold/sealed-call.ts';
import type { Upstreams } from '../../gateway/upstreams/upstreams.ts';
import { decide } from '../../policy/decide.ts';
import type { Policy } from '../../policy/policy.ts';

type Call = HeldFacts & { readonly argsJson: string | null };

export interface RecheckDeps {
  readonly policy: () => Policy;
  readonly definitions: Pick<ToolDefinitions, 'find' | 'standing'>;
  readonly upstreams: Pick<Upstreams, 'get'>;
}

/**
 * Looks at an approved call once more, right before it is claimed: what policy denies by now does not run, nor does a
 * call of a tool whose definition is not accepted any more, whoever approved it.
 * @returns null, or in plain words why it may not run
 */
export function recheckCall(deps: RecheckDeps): (call: Call) => Promise<string | null> {
  return async (call) => (await definitionObjection(deps, call)) ?? policyObjection(deps, call);
}

async function definitionObjection(
  { definitions, upstreams }: RecheckDeps,
  { bound, caller }: Call,
): Promise<string | null> {
  if (bound.method !== 'tools/call') return null;
  const { connection, tool } = bound;
  const standing = await definitions.standing(
    scopeOf(upstreams.get(connection) ?? { connection }, caller),
    tool,
  );
  if (typeof standing === 'string') return null;
  return `${connection} has changed the tool's definition, which nobody has accepted yet (${standing.definitionId})`;
}

function policyObjection(
  { policy, definitions, upstreams }: RecheckDeps,
  { bound, caller, session, argsJson }: Call,
): string | null {
  const current = policy();
  if (current.version === bound.policyVersion) return null;
  const { connection, tool } = bound;
  const scope = scopeOf(upstreams.get(connection) ?? { connection }, caller);
  const verdict = decide(current, {
    call: {
      connection: bound.connection,
      method: bound.method,
      tool: bound.tool,
      args: argsJson === null ? null : parseJson(argsJson),
      annotations: definitions.find(scope, tool)?.annotations ?? {},
    },
    caller,
    session: { id: session.sessionId, startedAt: new Date(bound.expiresAtMs), calls: 0 },
    now: new Date(),
  });
  if (verdict.kind !== 'deny') return null;
  return `policy has changed since, and its rule "${verdict.rule}" denies this call${verdict.reason ? `: ${verdict.reason}` : ''}`;
}
