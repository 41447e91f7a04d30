import * as wf from '@temporalio/workflow';
import { type ApprovalInput, type ExecuteResult, type GatewayActivities, taskQueues } from './contract.ts';
import { plainMarkdown } from './markdown.ts';
import { time, timeIsUp } from './clock.ts';
import type { Request } from './request.ts';

/** How long a replica may take to pick up an execution before it counts as not answering. */
const pickUpMs = 2_000;
/** The same for the queue that all gateways share: longer, since there is nowhere else to go. */
const sharedPickUpMs = 30_000;
/** How long a client may be away under `onDisconnect: cancel`: a reconnect is no disconnect. */
export const reconnectMs = 15_000;
const firstPauseMs = 2_000;
const longestPauseMs = 30_000;

/** What came of an approved call: how it ran, or that it was never sent because nobody was there to have it. */
export type Run = ExecuteResult | 'nobody came' | 'client left';

/** Whether an approved call can be given to a gateway without waiting for anybody. */
export function runsAtOnce(input: ApprovalInput, request: Request): boolean {
  return request.holder() !== null || input.onDisconnect === 'run';
}

/**
 * Has an approved call executed where its client waits. Under `keep` it waits for a client to come back, for the
 * grace period at most; under `cancel` only for a reconnect; under `run` any gateway will do. Never past the expiry.
 * @param delayed called when it cannot be run at once
 */
export async function runApproved(input: ApprovalInput, request: Request, delayed: () => void): Promise<Run> {
  const approvedAtMs = Date.now();
  const stoppedBefore = request.clock().stoppedMs;
  // While the clock stands still, the grace period does not run either.
  const giveUp = (): number => {
    const { expiresAtMs, stoppedMs } = request.clock();
    const graceEndsMs = approvedAtMs + input.graceMs + stoppedMs - stoppedBefore;
    return input.onDisconnect === 'keep' ? Math.min(graceEndsMs, expiresAtMs) : expiresAtMs;
  };
  let pauseMs = firstPauseMs;
  for (;;) {
    if (Date.now() >= giveUp() && !(await hasTime(input, request, giveUp))) return 'nobody came';
    const giveUpAtMs = giveUp();
    const holder = request.holder();
    if (!runsAtOnce(input, request)) {
      delayed();
      if (await clientComes(input, request, giveUpAtMs)) continue;
      if (input.onDisconnect === 'cancel') return 'client left';
      continue;
    }
    const attempt = await executeOn(holder ?? taskQueues.execute, input, request);
    if (typeof attempt !== 'string') return attempt;
    delayed();
    // Nothing was sent, and nothing can be while the kill switch is on.
    if (attempt === 'frozen' && input.terms) {
      await timeIsUp(input, request, () => false);
      continue;
    }
    // Nothing was sent. A replica without the client is forgotten; one that is silent may only be slow.
    if (holder !== null && (attempt === 'no live caller' || input.onDisconnect === 'run'))
      request.lost(holder);
    else if (holder !== null) request.last(holder);
    if (holder !== null && request.holder() !== holder) continue;
    await wf.condition(() => request.holder() !== holder, Math.min(pauseMs, leftMs(giveUpAtMs)), {
      summary: 'approved: until the gateway is tried again',
    });
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

/** Whether there is time left after all, once the clock has been asked; while it stands still this waits. */
async function hasTime(input: ApprovalInput, request: Request, giveUp: () => number): Promise<boolean> {
  if (!input.terms) return false;
  await timeIsUp(input, request, () => false);
  return Date.now() < giveUp();
}

async function clientComes(input: ApprovalInput, request: Request, giveUpAtMs: number): Promise<boolean> {
  const patienceMs =
    input.onDisconnect === 'cancel' ? Math.min(reconnectMs, leftMs(giveUpAtMs)) : leftMs(giveUpAtMs);
  return wf.condition(() => request.holder() !== null, patienceMs, {
    summary: 'approved: until its client comes back',
  });
}

/** Why an attempt has come to nothing. */
type NotSent = 'not picked up' | 'no live caller' | 'not claimed' | 'frozen' | 'lost before its claim';

/** One attempt, never repeated once a gateway may have begun. A string means for certain that nothing was sent. */
async function executeOn(
  taskQueue: string,
  input: ApprovalInput,
  request: Request,
): Promise<ExecuteResult | NotSent> {
  const gateway = wf.proxyActivities<GatewayActivities>({
    taskQueue,
    retry: { maximumAttempts: 1 },
    scheduleToStartTimeout: taskQueue === taskQueues.execute ? sharedPickUpMs : pickUpMs,
    startToCloseTimeout: '24 hours',
    heartbeatTimeout: '10 seconds',
    summary: plainMarkdown(`run ${input.tool} on ${input.connection} once`),
  });
  const { callId, digest } = input;
  try {
    // Whoever cancels from here on comes too late: the call may have happened.
    return await wf.CancellationScope.nonCancellable(() =>
      gateway.executeHeldCall({ callId, digest, votes: [...request.votes()] }),
    );
  } catch (error) {
    const cause = error instanceof wf.ActivityFailure ? error.cause : undefined;
    if (cause instanceof wf.TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START')
      return 'not picked up';
    if (cause instanceof wf.ApplicationFailure && cause.type === 'NoLiveCaller') return 'no live caller';
    if (cause instanceof wf.ApplicationFailure && cause.type === 'NotClaimed') return 'not claimed';
    if (cause instanceof wf.ApplicationFailure && cause.type === 'Frozen') return 'frozen';
    if (await lostBeforeClaim(callId)) return 'lost before its claim';
    wf.log.warn('an execution ended without an answer', { callId, error });
    return {
      execution: 'unknown',
      summary: 'The gateway that ran it was lost; whether it took effect is not known.',
    };
  }
}

/**
 * Whether a gateway was lost with a call that it had not claimed. Should it live after all and come to claim it later,
 * one of the two claims is made, as ever.
 */
async function lostBeforeClaim(callId: string): Promise<boolean> {
  if (!wf.patched('look-whether-a-lost-call-was-claimed')) return false;
  const { claimed } = await time.clock.executeWithOptions({ summary: 'was it claimed?' }, [{ callId }]);
  return claimed === false;
}

/** Time left, at least 1 ms: a timer of 0 is none. */
export function leftMs(untilMs: number): number {
  return Math.max(1, untilMs - Date.now());
}
