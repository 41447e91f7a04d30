import type { Masker } from '../../masking/engine.ts';
import type { Draft } from './draft.ts';
import { claimUnderGrant, type Granted, type GrantDeps } from './grants.ts';
import { argumentsOf } from './offers.ts';
import { runCall, type RunDeps } from './run-call.ts';
import { type HeldCall, type HeldFacts, unsealCall } from './sealed-call.ts';
import type { Waiter } from './waiters.ts';

/** What running a call under a grant needs. */
export interface GrantedDeps extends GrantDeps, RunDeps {
  /** As for approved calls: whether the caller may still make this call. */
  readonly recheck: (call: HeldFacts & { readonly argsJson: string | null }) => Promise<string | null>;
}

/** A call that an earlier approval covers, claimed, not sent yet. */
export interface GrantedCall extends Granted {
  readonly call: HeldCall;
}

/**
 * Claims a call that was just opened under a grant that covers it. Policy has looked at it a moment ago: what a deny
 * rule matches never comes here.
 * @returns null when people are to be asked
 */
export async function claimGranted(deps: GrantedDeps, { row }: Draft): Promise<GrantedCall | null> {
  const { callId, digest, request } = row;
  try {
    const call = await unsealCall(deps.keyRing, callId, request, digest);
    const argsJson = argumentsOf(call.json);
    if ((await deps.recheck({ ...call.facts, argsJson })) !== null) return null;
    const granted = await claimUnderGrant(deps, call, digest);
    return granted && { ...granted, call };
  } catch (error) {
    deps.log.error({ callId, err: error }, 'grants could not be looked at; people are asked');
    return null;
  }
}

/** Runs it, without a workflow: there is nothing to decide. The row is the truth about its end, as for every held call. */
export function runGranted(
  deps: GrantedDeps,
  { call, grantId, use, execToken }: GrantedCall,
  waiter: Waiter,
  masker: Masker,
): void {
  const { callId } = call.facts.bound;
  runCall(deps, { call, waiter, execToken, masker, grant: { grantId, use } }).then(
    ({ execution }) => deps.log.info({ callId, grantId, use, execution }, 'a call has run under a grant'),
    (error: unknown) =>
      deps.log.error({ callId, err: error }, 'the end of a call under a grant could not be stored'),
  );
}
