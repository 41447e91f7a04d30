import { storeReadBack } from '../../db/held-companions.ts';
import { type Ready, readyCompanion } from './companions.ts';
import { offersOf } from './offers.ts';
import type { RunContext, RunDeps } from './run-call.ts';
import { type HeldFacts, sealReadBack } from './sealed-call.ts';

/** A read-back ready to be made: who makes it, and the call that only reads. */
export interface KeptReadBack {
  readonly facts: HeldFacts;
  /** The held request's own text stands for what it said of its client; its arguments are not kept. */
  readonly json: string;
  readonly tool: string;
  readonly ready: Ready;
}

/**
 * Keeps a rule's read-back, sealed, before the call is sent: once a call has ended its arguments are destroyed, and
 * nobody could make one any more. Where it cannot be kept, the call goes on without.
 */
export async function keepReadBack(deps: RunDeps, context: RunContext): Promise<void> {
  const { facts } = context.call;
  const { callId } = facts.bound;
  const { readBack } = offersOf(deps.policy(), facts.rule);
  if (!readBack) return;
  try {
    const ready = readyCompanion(
      deps,
      { ...context.call, protocolVersion: facts.protocolVersion },
      readBack,
      'read-back',
    );
    if ('because' in ready) {
      deps.log.warn({ callId, because: ready.because }, 'a held call goes on without its read-back');
      return;
    }
    const kept: KeptReadBack = { facts, json: ready.json, tool: readBack.tool, ready };
    await storeReadBack(deps.pool, callId, await sealReadBack(deps.keyRing, callId, JSON.stringify(kept)));
  } catch (error) {
    deps.log.error({ callId, err: error }, 'a held call goes on without its read-back');
  }
}
