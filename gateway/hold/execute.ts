import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallToExecute,
  callToExecute,
  claim,
  endOverdue,
  type HeldCallState,
  heldCallState,
} from '../../db/held-execution.ts';
import { isFrozen } from '../../db/kill-switch.ts';
import { revokedAmong } from '../../db/revocations.ts';
import type { ExecuteInput, ExecuteResult, GatewayActivities } from '../../workflows/contract.ts';
import type { Masker } from '../../masking/engine.ts';
import { giveGrant, type GrantDeps } from './grants.ts';
import { claimHandles } from '../containment/handles.ts';
import { at } from './json-text.ts';
import { checkQuorum, quorumOf } from './quorum.ts';
import { runCall, type RunDeps } from './run-call.ts';
import { type HeldCall, type HeldFacts, unsealCall } from './sealed-call.ts';
import type { Waiter } from './waiters.ts';

/** What executing needs. */
export interface ExecuteDeps extends RunDeps, GrantDeps {
  /** Raw Ed25519 public keys (base64url) that may sign votes, by key id. */
  readonly votePublicKeys: Readonly<Record<string, string>>;
  /**
   * Looks once more, right before the claim, whether the caller may still make this call: credentials revoked,
   * policy changed, tool definition changed.
   * @returns null, or in plain words why it may not run any more
   */
  readonly recheck: (call: HeldFacts & { readonly argsJson: string | null }) => Promise<string | null>;
}

/**
 * Failure types of `executeHeldCall`. Each means for certain that nothing was sent and nothing was claimed:
 * `NoLiveCaller`: nobody waits on this replica, and the call is not to run without; try again where somebody does.
 * `Frozen`: the kill switch is on; try again when it has been lifted.
 * `NotClaimed`: what must be known first (the row, whether policy still allows it) could not be found out; try again.
 */
export type ExecuteFailure = 'NoLiveCaller' | 'NotClaimed' | 'Frozen';

/** Makes the activity that claims a held call and sends it, at most once. */
export function createExecuteHeldCall(deps: ExecuteDeps): GatewayActivities {
  return {
    executeHeldCall: async (input) => {
      // From the first moment on: before the claim the database may be slow, and silence counts as being lost.
      const beating = setInterval(heartbeats(), beatMs);
      try {
        return await execute(deps, input);
      } finally {
        clearInterval(beating);
      }
    },
  };
}

const beatMs = 2000;

async function execute(deps: ExecuteDeps, input: ExecuteInput): Promise<ExecuteResult> {
  const { callId } = input;
  const row = await beforeClaim(() => callToExecute(deps.pool, callId));
  if (!row) return refused('there is no such held call');
  if (row.state !== 'pending') return whatIsStored(deps, row);

  const checked = await beforeClaim(() => check(deps, input, row));
  if ('because' in checked) {
    deps.log.warn({ callId, because: checked.because }, 'an approved call was refused before it was claimed');
    return refused(checked.because);
  }
  const { call } = checked;
  const waiter = liveWaiter(deps, callId);
  if (!waiter && call.facts.onDisconnect !== 'run')
    throw failure('NoLiveCaller', 'nobody waits for this call on this gateway');

  const masker = await beforeClaim(async () => waiter?.masker ?? maskerOf(deps, call.facts));
  const execToken = randomUUID();
  const handles = claimHandles(call.facts, input.votes);
  if (!(await claimOnce(deps, input, execToken, handles))) {
    const now = await beforeClaim(() => heldCallState(deps.pool, callId));
    const revoked = await beforeClaim(() => revokedAmong(deps.pool, handles));
    if (now?.state === 'pending' && revoked) return refused(`access of a ${revoked.kind} was revoked`);
    if (now?.state === 'pending' && (await beforeClaim(() => isFrozen(deps.pool))))
      throw failure('Frozen', 'the kill switch is on: nothing runs until it is lifted');
    if (now?.state === 'pending') {
      const overdue = { callId, because: 'It was approved too late to run.' };
      if (await beforeClaim(() => endOverdue(deps.pool, overdue)))
        return refused('it expired before it could run');
      // Frozen when it was claimed, and not any more.
      throw failure('NotClaimed', 'it could not be claimed just now');
    }
    return now ? whatIsStored(deps, now) : refused('there is no such held call');
  }
  await giveGrant(deps, call, input.votes);
  const votes = { all: input.votes, recorded: row.votesRecorded };
  const result = await runCall(deps, { call, waiter, execToken, masker, votes });
  const { correlationId } = call.facts;
  deps.log.info({ callId, correlationId, execution: result.execution }, 'an approved call has run');
  return result;
}

/** The masker of a call whose client waits elsewhere, or nowhere. */
function maskerOf(deps: ExecuteDeps, { maskProfile, restored }: HeldFacts): Masker {
  return deps.maskers().masker(maskProfile, restored ? { restored: new Map(restored) } : {});
}

/** All that must hold right before the claim. Trusts the sealed call and signatures, nothing beside them. */
async function check(
  deps: ExecuteDeps,
  input: ExecuteInput,
  row: CallToExecute,
): Promise<{ call: HeldCall } | { because: string }> {
  const { callId, digest } = input;
  if (row.digest !== digest) return { because: 'its digest is not the one that was approved' };
  if (!row.request) return { because: 'its stored request is gone' };
  let call: HeldCall;
  try {
    call = await unsealCall(deps.keyRing, callId, row.request, digest);
  } catch (error) {
    deps.log.error({ callId, err: error }, 'the stored request of a held call is not what was held');
    return { because: 'its stored request is not what was held' };
  }
  const { facts } = call;
  const expiresAtMs = latestDeadline(facts, row.stoppedMs);
  const quorum = checkQuorum(input.votes, {
    callId,
    digest,
    ...quorumOf(facts),
    expiresAtMs,
    publicKeys: deps.votePublicKeys,
  });
  if (!quorum.met) return { because: quorum.because };
  if (expiresAtMs <= deps.now()) return { because: 'it expired before it could run' };
  const args = at(call.json, ['params', 'arguments']);
  const argsJson = args && call.json.slice(args.start, args.end);
  const objection = await deps.recheck({ ...facts, argsJson });
  return objection === null ? { call } : { because: objection };
}

/**
 * As far as the sealed call lets its deadline move, whatever the row says: by policy's extensions, and by the time for
 * which its clock stood still. The deadline in force is the row's, which the claim compares.
 */
function latestDeadline({ bound, latestExpiresAtMs }: HeldFacts, stoppedMs: number): number {
  return (latestExpiresAtMs ?? bound.expiresAtMs) + stoppedMs;
}

/** The request whose client sees the call run: the one that came last and is still there. */
function liveWaiter({ waiters }: ExecuteDeps, callId: string): Waiter | null {
  return waiters.of(callId).findLast((waiter) => waiter.stream.alive) ?? null;
}

/** The claim, such that a connection that breaks at the commit leaves no doubt about who has it. */
async function claimOnce(
  deps: ExecuteDeps,
  { callId, digest, votes }: ExecuteInput,
  execToken: string,
  handles: readonly string[],
): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      if (await claim(deps.pool, { callId, digest, execToken, votes, handles })) return true;
      const row = await heldCallState(deps.pool, callId);
      return row?.state === 'executing' && row.execToken === execToken;
    } catch (error) {
      // Nothing was sent: should the claim have been made after all, the call ends as lost, not run.
      if (attempt === 5) throw failure('NotClaimed', 'the database could not be asked', error);
      await sleep(500);
    }
  }
}

/**
 * What became of a call that somebody else has claimed or ended. Never sends; waits while the other one is at it,
 * which ends at the latest when that one is given up as lost.
 */
async function whatIsStored(deps: ExecuteDeps, found: HeldCallState): Promise<ExecuteResult> {
  for (let row: HeldCallState | null = found; row; row = await heldCallState(deps.pool, found.callId)) {
    switch (row.state) {
      case 'succeeded':
      case 'failed':
      case 'unknown':
        return { execution: row.state, summary: row.endedBecause };
      case 'denied':
      case 'expired':
      case 'cancelled':
      case 'aborted':
        return refused(`it had ended as ${row.state}`);
      default:
        await sleep(1000);
    }
  }
  return refused('there is no such held call');
}

function refused(because: string): ExecuteResult {
  return { execution: 'failed', summary: `Nothing was sent: ${because}.` };
}

async function beforeClaim<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure('NotClaimed', 'what must be known before the claim could not be found out', error);
  }
}

function failure(type: ExecuteFailure, message: string, cause?: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    ...(cause instanceof Error && { cause }),
  });
}

/** A heartbeat of the current activity, callable from timers. */
function heartbeats(): () => void {
  const context = Context.current();
  return () => context.heartbeat();
}
