import { sealedBefore } from '../../db/held-companions.ts';
import { isModern } from '../mcp/versions.ts';
import type { UpstreamSession } from '../upstreams/upstream.ts';
import type { CompanionOf } from './companions.ts';
import { offersOf } from './offers.ts';
import { checkPrecondition } from './precondition.ts';
import type { RunContext, RunDeps } from './run-call.ts';
import { unsealBefore } from './sealed-call.ts';

/**
 * Looks, right before a call is sent and on the session that will carry it, whether its precondition still holds.
 * @returns null, or in plain words what is wrong; what cannot be found out is wrong
 */
export async function preconditionObjection(
  deps: RunDeps,
  context: RunContext,
  upstream: UpstreamSession,
): Promise<string | null> {
  const { facts } = context.call;
  const { precondition } = offersOf(deps.policy(), facts.rule);
  if ((precondition?.holds.text ?? null) !== facts.precondition)
    return 'policy has changed what must hold before it is sent; ask anew';
  if (!precondition) return null;
  const { callId } = facts.bound;
  const stored = await sealedBefore(deps.pool, callId);
  // A call under a grant was never held for anybody: its only answer is the one of this moment.
  if (!stored && !context.grant) return 'what was true when it was held is no longer known';
  const before = stored && (await unsealBefore(deps.keyRing, callId, stored));
  const checked = await checkPrecondition(deps, companionOf(context, upstream), precondition, before);
  return checked.holds ? null : checked.because;
}

/** A call that runs, as its companions are called for it. */
export function companionOf(context: RunContext, upstream: UpstreamSession): CompanionOf {
  const { call, waiter, masker } = context;
  const { facts, json } = call;
  // A call of one era never goes on a session of the other.
  const sameEra = waiter && isModern(waiter.protocolVersion) === isModern(facts.protocolVersion);
  return {
    facts,
    json,
    protocolVersion: sameEra ? waiter.protocolVersion : facts.protocolVersion,
    upstream,
    masker,
    maskProfile: facts.maskProfile,
    record: (direction, bytes, unmasked) => context.record('message', direction, bytes, unmasked),
  };
}
