import * as wf from '@temporalio/workflow';
import {
  type ApprovalInput,
  type ExecuteResult,
  type GatewayActivities,
  type Outcome,
  taskQueues,
  type WorkerActivities,
} from './contract.ts';
import { openRequest, type Request } from './request.ts';

const cards = wf.proxyActivities<Pick<WorkerActivities, 'announce' | 'showProgress'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});
const ending = wf.proxyActivities<Pick<WorkerActivities, 'settle'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});
/** The request is over; its cards are brought up to date for as long as that still helps anybody. */
const lastLook = wf.proxyActivities<Pick<WorkerActivities, 'refreshCards'>>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 minutes' },
});

/** How long a replica may take to pick up an execution before it counts as gone. */
const pickUpMs = 2000;
/** Between attempts while the row cannot be claimed; nothing was sent then. */
const notClaimedPauseMs = 2000;
/** How long a client may be away under `onDisconnect: cancel`: a reconnect is no disconnect. */
const reconnectMs = 15_000;

/**
 * One held call: waits for a quorum, a denial, its expiry or a cancellation, then has an approved call executed at
 * most once, and settles the row. It keeps references and votes, never arguments.
 */
export async function approval(
  input: ApprovalInput,
): Promise<{ outcome: Outcome; execution: ExecuteResult | null }> {
  const side = new wf.CancellationScope();
  const cardWork: Promise<void>[] = [];
  const onTheSide = (work: () => Promise<void>): void => {
    cardWork.push(side.run(work).catch(ignoreCancellation));
  };
  const request: Request = openRequest(input, () => {
    if (request.outcome() === null)
      onTheSide(() => cards.showProgress({ callId: input.callId, votes: [...request.votes()] }));
  });
  onTheSide(() => cards.announce({ callId: input.callId }));
  let execution: ExecuteResult | null = null;
  try {
    await untilDecided(input, request);
    if (request.outcome() === 'approved') execution = await runForLiveCaller(input, request);
  } catch (error) {
    if (!wf.isCancellation(error)) throw error;
    request.end('cancelled');
  }
  return wf.CancellationScope.nonCancellable(async () => {
    side.cancel();
    await Promise.all(cardWork);
    const outcome = request.outcome() ?? 'expired';
    request.show(execution);
    await ending.settle({ callId: input.callId, outcome, votes: [...request.votes()], execution });
    await lastLook.refreshCards({ callId: input.callId }).catch((error: unknown) => {
      wf.log.error('the cards of an ended request could not be brought up to date', {
        callId: input.callId,
        error,
      });
    });
    await wf.condition(wf.allHandlersFinished);
    return { outcome, execution };
  });
}

async function untilDecided(input: ApprovalInput, request: Request): Promise<void> {
  const decided = (): boolean => request.outcome() !== null;
  const leftMs = (): number => Math.max(1, input.expiresAtMs - Date.now());
  if (input.onDisconnect !== 'cancel') {
    await wf.condition(decided, leftMs(), { summary: 'until the request expires' });
  } else {
    while (!decided() && Date.now() < input.expiresAtMs) {
      await wf.condition(() => decided() || request.holder() === null, leftMs(), {
        summary: 'until the request expires',
      });
      if (decided() || request.holder() !== null) continue;
      const back = await wf.condition(() => decided() || request.holder() !== null, reconnectMs, {
        summary: 'the client is gone: until it counts as gone',
      });
      if (!back) request.end('cancelled');
    }
  }
  request.end(request.outcome() ?? 'expired');
}

/**
 * Has the call executed where its client waits. Under `keep` it waits for a client to come back; under `run` any
 * gateway will do.
 * @returns null when nobody came back in time: nothing was sent then, and the request has expired
 */
async function runForLiveCaller(input: ApprovalInput, request: Request): Promise<ExecuteResult | null> {
  const giveUpAtMs = Math.min(Date.now() + input.graceMs, input.expiresAtMs);
  while (Date.now() < input.expiresAtMs) {
    const holder = request.holder();
    if (holder === null && input.onDisconnect !== 'run') {
      const back = await wf.condition(() => request.holder() !== null, Math.max(1, giveUpAtMs - Date.now()), {
        summary: 'approved: until the client comes back',
      });
      if (!back) break;
      continue;
    }
    const result = await executeOn(holder ?? taskQueues.execute, input, request);
    if (result === 'not claimed')
      await wf.sleep(notClaimedPauseMs, { summary: 'the database was away: until the next attempt' });
    else if (result !== 'nobody there') return result;
    else if (holder !== null) request.lost(holder);
  }
  request.end('expired');
  return null;
}

/** One attempt, never repeated once a gateway may have picked it up. */
async function executeOn(
  taskQueue: string,
  input: ApprovalInput,
  request: Request,
): Promise<ExecuteResult | 'nobody there' | 'not claimed'> {
  const gateway = wf.proxyActivities<GatewayActivities>({
    taskQueue,
    retry: { maximumAttempts: 1 },
    scheduleToStartTimeout: taskQueue === taskQueues.execute ? '30 seconds' : pickUpMs,
    startToCloseTimeout: '24 hours',
    heartbeatTimeout: '10 seconds',
    summary: `run ${input.connection}/${input.tool} once`,
  });
  try {
    return await wf.CancellationScope.nonCancellable(() =>
      gateway.executeHeldCall({ callId: input.callId, digest: input.digest, votes: [...request.votes()] }),
    );
  } catch (error) {
    const cause = error instanceof wf.ActivityFailure ? error.cause : undefined;
    if (cause instanceof wf.TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START')
      return 'nobody there';
    if (cause instanceof wf.ApplicationFailure && cause.type === 'NoLiveCaller') return 'nobody there';
    if (cause instanceof wf.ApplicationFailure && cause.type === 'NotClaimed') return 'not claimed';
    return {
      execution: 'unknown',
      summary: 'The gateway that ran it was lost; whether it took effect is not known.',
    };
  }
}

function ignoreCancellation(error: unknown): void {
  if (!wf.isCancellation(error)) throw error;
}
