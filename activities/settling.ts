import { type DecidedCall, decidedCall, settleRow, storeVotes } from '../db/held-deciding.ts';
import type { Pool } from '../db/pool.ts';
import type { Masked } from '../masking/masked.ts';
import type { EventKind, Recorder } from '../recording/event.ts';
import type { CountedVote, ExecuteResult, Outcome, WorkerActivities } from '../workflows/contract.ts';

/** Cards for people, wherever they are (`activities/cards.ts`). */
export interface Cards {
  announce(callId: string): Promise<void>;
  refresh(callId: string): Promise<void>;
}

/** What the worker's activities work with. */
export interface ActivitiesDeps {
  readonly pool: Pool;
  /** Null where there is no Slack: the console and the command line read the rows. */
  readonly cards: Cards | null;
  /** Null only where nothing is recorded at all. */
  readonly recording: DecisionRecording | null;
  readonly log: { info(facts: object, message: string): void };
}

/** Where decisions and outcomes are recorded, and how their words are masked. */
export interface DecisionRecording {
  readonly recorder: Recorder;
  /** Masks JSON text before it is recorded. */
  readonly maskJson: (json: string) => Masked<string>;
  /** Masks the words that agents and approvers are given. */
  readonly maskText: (text: string) => Masked<string>;
}

/**
 * The worker's activities. Decisions are recorded, then stored, then shown; a card that cannot be brought up to date
 * is tried again without holding back either.
 */
export function createActivities(deps: ActivitiesDeps): WorkerActivities {
  const { pool, cards } = deps;
  return {
    announce: async ({ callId }) => {
      await cards?.announce(callId);
    },
    showProgress: async ({ callId, votes }) => {
      await keepVotes(deps, callId, votes);
      await cards?.refresh(callId);
    },
    settle: async ({ callId, outcome, votes, execution, because: said }) => {
      const call = await keepVotes(deps, callId, votes);
      if (!call) return { state: outcome };
      const because = said ?? whyEnded(outcome, votes, execution);
      const masked = because === null ? null : (deps.recording?.maskText(because) ?? because);
      if (call.state === 'pending' || call.state === 'executing')
        await record(deps, callId, call, 'outcome', { outcome, execution, because: masked });
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

/** Records the votes that have not been recorded yet, then stores them. A repeat may record one twice, never none. */
async function keepVotes(
  deps: ActivitiesDeps,
  callId: string,
  votes: readonly CountedVote[],
): Promise<DecidedCall | null> {
  const call = await decidedCall(deps.pool, callId);
  if (!call) return null;
  for (const vote of votes.slice(call.votesRecorded)) {
    await record(deps, callId, call, 'decision', { ...vote });
    const { decision, via } = vote;
    deps.log.info({ callId, correlationId: call.correlationId, decision, via }, 'a decision counted');
  }
  await storeVotes(deps.pool, callId, votes);
  return call;
}

async function record(
  { recording }: ActivitiesDeps,
  callId: string,
  call: DecidedCall,
  kind: EventKind,
  facts: object,
): Promise<void> {
  if (!recording) return;
  const { recorder, maskJson } = recording;
  const event = {
    kind,
    direction: 'none',
    callId,
    method: call.method,
    tool: call.tool,
    verdict: 'hold',
    rule: call.rule,
    policyVersion: call.policyVersion,
    risk: call.risk,
    bytes: maskJson(JSON.stringify({ callId, ...facts })),
  } as const;
  try {
    await recorder.append(call.session, event);
  } catch (error) {
    // The session that asked may be sealed by now: what is decided later is kept in one of the call's own.
    if ((error as { code?: unknown }).code !== 'session_ended') throw error;
    await recorder.append({ ...call.session, sessionId: `run-${callId}` }, event);
  }
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
