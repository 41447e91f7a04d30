import type { Policy } from '../../policy/policy.ts';
import type { Exchange } from '../exchange.ts';
import type { RpcRequest } from '../mcp/rpc-message.ts';
import { discover, type DiscoverDeps, scopeOf } from './discover.ts';
import { mayStateIntent, takeIntent } from './intent.ts';

export interface PrepareDeps extends DiscoverDeps {
  readonly policy: () => Policy;
}

/**
 * Makes a tool call ready to be looked at: what must be known of its tool is found out, and a stated intent is taken
 * out, so that policy, digest and server see the call without it.
 * @throws GatewayError `database_unavailable`; RecordingError
 */
export async function prepare(deps: PrepareDeps, exchange: Exchange): Promise<Exchange> {
  const { message } = exchange;
  if (message.kind !== 'request' || message.method !== 'tools/call') return exchange;
  const mayState = mayStateIntent(message);
  const known = definitionOf(deps, exchange, message);
  if (!known && (mayState || readsAnnotations(deps.policy()))) await discover(deps, exchange, message);
  if (!mayState) return exchange;
  const json = definitionOf(deps, exchange, message)?.json ?? null;
  const stated = takeIntent(message, json);
  return stated
    ? { ...exchange, message: stated.request, stated: { intent: stated.intent, json: message.json } }
    : exchange;
}

function definitionOf({ definitions }: PrepareDeps, { upstream, caller }: Exchange, request: RpcRequest) {
  const name = request.params?.['name'];
  return typeof name === 'string' ? definitions.find(scopeOf(upstream, caller), name) : undefined;
}

const readers = new WeakMap<Policy, boolean>();

/** Whether a rule looks at what tools say of themselves: it must then say the same on every replica. */
function readsAnnotations(policy: Policy): boolean {
  let reads = readers.get(policy);
  if (reads === undefined) {
    reads = policy.rules.some(({ when }) => when?.names.has('call.annotations') || when?.names.has('call'));
    readers.set(policy, reads);
  }
  return reads;
}
