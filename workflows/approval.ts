import * as wf from '@temporalio/workflow';
import { type CardWork, startCardWork } from './card-work.ts';
import { timeIsUp } from './clock.ts';
import type { ApprovalInput, ExecuteResult, Outcome, WorkerActivities } from './contract.ts';
import { showState } from './display.ts';
import { leftMs, reconnectMs, runApproved, runsAtOnce } from './execution.ts';
import { openRequest, type Request } from './request.ts';
import type { ApprovalSinks } from './sinks.ts';
import { startTimeline } from './timeline.ts';

const ending = wf.proxyActivities<Pick<WorkerActivities, 'settle'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  summary: 'write how it ended',
});
/** What the execution of a gateway of 0.3.0 has written already is only looked at: not worth a task of its own. */
const settled = wf.proxyLocalActivities<Pick<WorkerActivities, 'settle'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});
/** The request is over; its cards are brought up to date for as long as that still helps anybody. */
const lastLook = wf.proxyActivities<Pick<WorkerActivities, 'refreshCards'>>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '5 minutes' },
  summary: 'show how it ended',
});

const { approvals: worker } = wf.proxySinks<ApprovalSinks>();

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
    change: (status) => showState(input, status, null),
    withdrawal: () => body.cancel(),
  });
  const show = (): void => showState(input, request.status(), null);
  show();
  const { terms } = input;
  const reached = (inSlack: boolean): void => {
    if (!inSlack && terms?.onSlackOutage === 'deny' && request.outcome() === null)
      request.end('denied', nobodyAsked);
    request.setSlackAway(!inSlack);
    show();
  };
  let delayed = false;
  const cards = startCardWork(input.callId, () => request.votes(), {
    reached: terms ? reached : null,
    // Its end writes the votes down, or its claim does.
    written: () =>
      request.outcome() !== null &&
      (request.outcome() !== 'approved' || (!delayed && runsAtOnce(input, request))),
  });
  const timeline = terms ? startTimeline(input, terms, request, show) : null;
  let execution: ExecuteResult | null = null;
  try {
    execution = await body.run(async () => {
      await untilDecided(input, request);
      await timeline?.stop();
      if (request.outcome() !== 'approved') return null;
      const run = await runApproved(input, request, () => {
        delayed = true;
      });
      if (typeof run !== 'string') return run;
      request.end(run === 'client left' ? 'cancelled' : 'expired');
      return null;
    });
  } catch (error) {
    if (!wf.isCancellation(error)) throw error;
    request.end('cancelled');
  }
  return wf.CancellationScope.nonCancellable(async () => {
    await timeline?.stop();
    return settle(input, request, cards, execution);
  });
}

const nobodyAsked = 'Slack could not be reached, so no approver could be asked; policy denies the call then.';
const outageAtDeadline =
  'Slack could not be reached when the time was up, so the approvers may not have seen it; policy denies the call then.';

/** Waits for a decision, until the request expires or, where policy says so, its client has left for good. */
async function untilDecided(input: ApprovalInput, request: Request): Promise<void> {
  const decided = (): boolean => request.outcome() !== null;
  const clientGone = (): boolean => input.onDisconnect === 'cancel' && request.holder() === null;
  while (!decided()) {
    const { expiresAtMs } = request.clock();
    if (Date.now() >= expiresAtMs) {
      const time = await timeIsUp(input, request, () => decided() || clientGone());
      // A vote and the deadline may come in one moment: the vote was first, since it is here.
      if (!decided() && time !== 'runs') return endOverdue(input, request, time);
      if (decided()) return;
    }
    await wf.condition(() => decided() || clientGone(), leftMs(request.clock().expiresAtMs), {
      summary: 'until the request expires',
    });
    if (decided() || !clientGone()) continue;
    const back = await wf.condition(() => decided() || !clientGone(), reconnectMs, {
      summary: 'its client is gone: until it counts as gone',
    });
    if (!back) request.end('cancelled');
  }
}

function endOverdue(input: ApprovalInput, request: Request, time: 'up' | 'up while Slack is away'): void {
  if (time === 'up while Slack is away' && input.terms?.onSlackOutage === 'deny')
    request.end('denied', outageAtDeadline);
  else request.end('expired');
}

async function settle(
  input: ApprovalInput,
  request: Request,
  cards: CardWork,
  execution: ExecuteResult | null,
): Promise<ApprovalEnd> {
  const { callId } = input;
  const outcome = request.outcome() ?? 'cancelled';
  const votes = [...request.votes()];
  const byPerson = votes.some(({ decision }) => decision === 'deny');
  const because = outcome === 'cancelled' || (outcome === 'denied' && !byPerson) ? request.because() : null;
  const ends = execution?.settled ? settled : ending;
  const { state } =
    execution?.settled && execution.rowEnded
      ? { state: execution.execution }
      : await ends.settle({ callId, outcome, votes, execution, because });
  worker.ended(callId);
  showState(input, request.status(), { state, summary: execution?.summary ?? null });
  await cards.stop();
  if (cards.inSlack) await showEnd(callId);
  await wf.condition(wf.allHandlersFinished);
  return { state, outcome, execution };
}

async function showEnd(callId: string): Promise<void> {
  try {
    await lastLook.refreshCards({ callId });
  } catch (error) {
    wf.log.error('the cards of an ended request could not be brought up to date', { callId, error });
  }
}
