import { settleRow, storeVotes } from '../db/held-deciding.ts';
import type { Pool } from '../db/pool.ts';
import type { CountedVote, ExecuteResult, Outcome, WorkerActivities } from '../workflows/contract.ts';

/** Cards for people, wherever they are (`activities/cards.ts`). */
export interface Cards {
  announce(callId: string): Promise<void>;
  refresh(callId: string): Promise<void>;
}

/**
 * The worker's activities. The row comes first; cards follow it, and a card that cannot be brought up to date is
 * tried again without holding the row back.
 * @param deps.cards null where there is no Slack: the console and the command line read the rows
 */
export function createActivities(deps: { pool: Pool; cards: Cards | null }): WorkerActivities {
  return {
    announce: async ({ callId }) => {
      await deps.cards?.announce(callId);
    },
    showProgress: async ({ callId, votes }) => {
      await storeVotes(deps.pool, callId, votes);
      await deps.cards?.refresh(callId);
    },
    settle: async ({ callId, outcome, votes, execution }) => {
      await settleRow(deps.pool, {
        callId,
        outcome,
        votes,
        execution,
        because: because(outcome, votes, execution),
      });
    },
    refreshCards: async ({ callId }) => {
      await deps.cards?.refresh(callId);
    },
  };
}

function because(
  outcome: Outcome,
  votes: readonly CountedVote[],
  execution: ExecuteResult | null,
): string | null {
  if (execution) return execution.summary;
  const last = votes.at(-1);
  if (outcome === 'denied' && last)
    return last.reason ? `${last.person.name}: ${last.reason}` : `denied by ${last.person.name}`;
  if (outcome === 'expired')
    return votes.some(({ decision }) => decision === 'approve')
      ? 'it was approved, but nobody was there to receive it before the request ran out'
      : 'nobody decided in time';
  return outcome === 'cancelled' ? 'the request was cancelled before it ran' : null;
}
