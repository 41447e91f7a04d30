import * as wf from '@temporalio/workflow';
import { startCardWork } from './card-work.ts';
import type { ApprovalInput, ExecuteResult, Outcome, WorkerActivities } from './contract.ts';
import { showState } from './display.ts';
import { leftMs, reconnectMs, runApproved } from './execution.ts';
import { openRequest, type Request } from './request.ts';

const ending = wf.proxyActivities<Pick<WorkerActivities, 'settle'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  summary: 'write how it ended',
});
/** The request is over; its cards are brought up to date for as long as that still helps anybody. */
const lastLook = wf.proxyActivities<Pick<WorkerActivities, 'refreshCards'>>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 minutes' },
  summary: 'show how it ended',
});

/** What the workflow ends with. `state` is the row's, which is the truth about execution. */
export interface ApprovalEnd {
  readonly state: string;
  readonly outcome: Outcome;
  readonly execution: ExecuteResult | null;
}

/**
 * One held call: waits for a quorum, a denial, its expiry or a cancellation, then has an approved call executed at
 * most once, and settles the row. It keeps references and votes, never arguments.
 */
export async function approval(input: ApprovalInput): Promise<ApprovalEnd> {
  const body = new wf.CancellationScope();
  const request = openRequest(input, {
    vote: (status) => showState(input, status, null),
    withdrawal: () => body.cancel(),
  });
  showState(input, request.status(), null);
  const cards = startCardWork(input.callId, () => request.votes());
  let execution: ExecuteResult | null = null;
  try {
    execution = await body.run(async () => {
      await untilDecided(input, request);
      if (request.outcome() !== 'approved') return null;
      const run = await runApproved(input, request);
      if (typeof run !== 'string') return run;
      request.end(run === 'client left' ? 'cancelled' : 'expired');
      return null;
    });
  } catch (error) {
    if (!wf.isCancellation(error)) throw error;
    request.end('cancelled');
  }
  return wf.CancellationScope.nonCancellable(() => settle(input, request, cards, execution));
}

/** Waits for a decision, until the request expires or, where policy says so, its client has left for good. */
async function untilDecided(input: ApprovalInput, request: Request): Promise<void> {
  const decided = (): boolean => request.outcome() !== null;
  const clientGone = (): boolean => input.onDisconnect === 'cancel' && request.holder() === null;
  while (!decided() && Date.now() < input.expiresAtMs) {
    await wf.condition(() => decided() || clientGone(), leftMs(input.expiresAtMs), {
      summary: 'until the request expires',
    });
    if (decided() || !clientGone()) continue;
    const back = await wf.condition(() => decided() || !clientGone(), reconnectMs, {
      summary: 'its client is gone: until it counts as gone',
    });
    if (!back) request.end('cancelled');
  }
  // A vote and the deadline may come in one moment: the vote was first, since it is here.
  if (!decided()) request.end('expired');
}

async function settle(
  input: ApprovalInput,
  request: Request,
  cards: { stop(): Promise<void> },
  execution: ExecuteResult | null,
): Promise<ApprovalEnd> {
  const { callId } = input;
  const outcome = request.outcome() ?? 'cancelled';
  const votes = [...request.votes()];
  const because = outcome === 'cancelled' ? request.withdrawn() : null;
  const { state } = await ending.settle({ callId, outcome, votes, execution, because });
  showState(input, request.status(), { state, summary: execution?.summary ?? null });
  await cards.stop();
  try {
    await lastLook.refreshCards({ callId });
  } catch (error) {
    wf.log.error('the cards of an ended request could not be brought up to date', { callId, error });
  }
  await wf.condition(wf.allHandlersFinished);
  return { state, outcome, execution };
}
