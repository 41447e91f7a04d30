import { decide } from '../policy/decide.ts';
import type { Policy } from '../policy/policy.ts';
import type { Verdict } from '../policy/verdict.ts';
import type { Classified, Exchange } from './exchange.ts';
import type { RpcMessage } from './mcp/rpc-message.ts';
import { scopeOf } from './definitions/discover.ts';
import type { ToolDefinitions } from './definitions/registry.ts';

export interface ClassifyDeps {
  readonly policy: () => Policy;
  readonly definitions: ToolDefinitions;
  readonly now: () => Date;
}

/**
 * Asks policy about a request. Notifications and responses carry no decision of their own (what they belong to was
 * decided on before) and pass, under the default masking profile.
 */
export function classify(deps: ClassifyDeps, exchange: Exchange): Classified {
  const { message, session, caller } = exchange;
  const policy = deps.policy();
  if (message.kind !== 'request')
    return { ...exchange, verdict: passing(policy.version), target: '', recent: [] };
  session.calls++;
  const target = targetOf(message);
  const { connection } = session.facts;
  const verdict = decide(policy, {
    call: {
      connection,
      method: message.method,
      tool: target,
      args: message.params?.['arguments'] ?? null,
      annotations: deps.definitions.find(scopeOf(exchange.upstream, caller), target)?.annotations ?? {},
    },
    caller,
    session: { id: session.facts.sessionId, startedAt: session.startedAt, calls: session.calls },
    now: deps.now(),
  });
  const recent = session.recent;
  if (target !== '')
    session.recent = [
      { tool: target, verdict: verdict.kind, atMs: deps.now().getTime() },
      ...recent.slice(0, recentAtMost - 1),
    ];
  return { ...exchange, verdict, target, recent };
}

/** As many earlier requests of a session as an approver is shown. */
const recentAtMost = 6;

function passing(policyVersion: string): Verdict {
  return {
    kind: 'pass',
    rule: 'default',
    policyVersion,
    risk: 'low',
    maskProfile: 'default',
    reason: null,
    askIntent: false,
  };
}

/** The name by which policy knows what a request asks for. */
function targetOf(message: RpcMessage & { kind: 'request' }): string {
  const name = message.params?.['name'] ?? message.params?.['uri'];
  return typeof name === 'string' ? name : '';
}
