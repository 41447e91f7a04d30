import { settleRow } from '../db/held-deciding.ts';
import { markOpened } from '../db/held-opening.ts';
import { type Cards, createTimekeeping } from './timekeeping.ts';
import { keepVotes, recordFact, type RecordingDeps } from './decision-record.ts';
import type { CountedVote, ExecuteResult, Outcome, WorkerActivities } from '../workflows/contract.ts';

/** What the worker's activities work with. */
export interface ActivitiesDeps extends RecordingDeps {
  /** Null where there is no Slack: the console and the command line read the rows. */
  readonly cards: Cards | null;
}

/**
 * The worker's activities. Decisions are recorded, then stored, then shown; a card that cannot be brought up to date
 * is tried again without holding back either.
 */
export function createActivities(deps: ActivitiesDeps): WorkerActivities {
  const { pool, cards } = deps;
  return {
    ...createTimekeeping(deps),
    announce: async ({ callId }) => {
      // The workflow runs, whether or not the gateway that started it lived to write that down.
      if (await markOpened(pool, callId)) await cards?.announce(callId);
      return { slack: cards !== null };
    },
    showProgress: async ({ callId, votes }) => {
      await keepVotes(deps, callId, votes);
      await cards?.refresh(callId);
    },
    settle: async ({ callId, outcome, votes, execution, because: said }) => {
      const call = await keepVotes(deps, callId, votes);
      if (!call) return { state: outcome };
      if (execution?.settled && call.state === execution.execution) return { state: call.state };
      const because = said ?? whyEnded(outcome, votes, execution);
      const masked = because === null ? null : (deps.recording?.maskText(because) ?? because);
      if (call.state === 'pending' || call.state === 'executing')
        await recordFact(deps, callId, call, 'outcome', { outcome, execution, because: masked });
      const state = await settleRow(pool, { callId, outcome, votes, execution, because: masked });
      const { correlationId } = call;
      deps.log.info({ callId, correlationId, outcome, state }, 'a held call is settled');
      return { state: state ?? outcome };
    },
    refreshCards: async ({ callId }) => {
      await cards?.refresh(callId);
    },
  };
}

function whyEnded(
  outcome: Outcome,
  votes: readonly CountedVote[],
  execution: ExecuteResult | null,
): string | null {
  if (execution) return execution.summary;
  const last = votes.at(-1);
  if (outcome === 'denied' && last)
    return last.reason ? `${last.person.name}: ${last.reason}` : `denied by ${last.person.name}`;
  if (outcome === 'expired')
    return last?.decision === 'approve'
      ? 'The approvals that were needed, or the client that was to have the result, did not come in time.'
      : 'Nobody decided in time.';
  return outcome === 'cancelled' ? 'The request was cancelled before it ran.' : null;
}
