import type { Logger } from 'pino';
import { markDelivered, returnOutcome, type TakenOutcome, takeOutcome } from '../../db/held-opening.ts';
import type { Pool } from '../../db/pool.ts';
import type { KeyRing } from '../../recording/key-ring.ts';
import type { Recorder } from '../../recording/event.ts';
import { maskAndRecord } from '../relay.ts';
import { type AnswerFacts, endedAnswer, withId } from './answers.ts';
import { unsealResult } from './sealed-call.ts';
import type { Waiter } from './waiters.ts';

/** What handing an outcome to a client needs. */
export interface HandOverDeps {
  readonly pool: Pool;
  readonly keyRing: KeyRing;
  readonly recorder: Recorder;
  readonly log: Logger;
}

/** Masks, records and writes one answer. @returns whether an open socket took all of it */
export async function answer(recorder: Recorder, waiter: Waiter, json: string): Promise<boolean> {
  const { masker, session, callId, method, tool } = waiter;
  const masked = await maskAndRecord({ recorder, masker, session, callId, method, tool }, json, null);
  return waiter.stream.respond(masked);
}

/**
 * Gives a client the outcome of a call that has ended. It counts as delivered only when an open socket has taken
 * the whole of it; until then an identical call is given it.
 */
export async function handOver(deps: HandOverDeps, waiter: Waiter, facts: AnswerFacts): Promise<void> {
  const { pool } = deps;
  const { callId } = waiter;
  const call = await takeOutcome(pool, callId);
  if (!call) throw new Error(`held call ${callId} is not in the database`);
  let taken = false;
  try {
    taken = await answer(deps.recorder, waiter, await outcomeOf(deps, waiter, facts, call));
  } finally {
    await (taken ? markDelivered(pool, callId) : returnOutcome(pool, callId));
  }
}

async function outcomeOf(
  deps: HandOverDeps,
  waiter: Waiter,
  facts: AnswerFacts,
  call: TakenOutcome,
): Promise<string> {
  const stored = call.result;
  if (!stored) return endedAnswer(waiter, facts, call);
  try {
    return withId(await unsealResult(deps.keyRing, call.callId, stored), waiter.idJson);
  } catch (error) {
    deps.log.error(
      { callId: call.callId, err: error },
      'the stored result of a held call cannot be unsealed',
    );
    return endedAnswer(waiter, facts, call);
  }
}
