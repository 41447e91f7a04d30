import { wishRefresh } from '../db/grants.ts';
import { clockOf, joinStage, noteAnnounced, storeExtensions } from '../db/held-clock.ts';
import { decidedCall } from '../db/held-deciding.ts';
import type { ClockState, TimeActivities } from '../workflows/contract.ts';
import { recordFact, type RecordingDeps } from './decision-record.ts';

/** Cards for people, wherever they are (`activities/cards.ts`). */
export interface Cards {
  announce(callId: string): Promise<void>;
  refresh(callId: string): Promise<void>;
  /** Reminds the people around every card of a call that waits; nobody twice of the same. */
  remind(callId: string, nth: number): Promise<void>;
  /**
   * Asks elsewhere in place of the channels that could not be reached.
   * @returns whether at least one card stands, or will as soon as Slack has the time
   */
  failOver(callId: string): Promise<boolean>;
}

/** The activities that have to do with time. What is recorded is recorded before anybody is told. */
export function createTimekeeping(deps: RecordingDeps & { readonly cards: Cards | null }): TimeActivities {
  const { pool, cards } = deps;
  const clock = async (callId: string): Promise<ClockState> => {
    const state = await clockOf(pool, callId);
    if (!state) throw new Error(`held call ${callId} is not in the database`);
    return state;
  };
  const record = async (callId: string, facts: object): Promise<void> => {
    const call = await decidedCall(pool, callId);
    if (call) await recordFact(deps, callId, call, 'decision', facts);
  };
  /** Does it unless the clock stands still, or has stood for longer than the workflow knew. */
  const inTime = async (
    { callId, stoppedMs }: { callId: string; stoppedMs: number },
    act: () => Promise<void>,
  ): Promise<ClockState> => {
    const state = await clock(callId);
    if (state.stopped === null && state.stoppedMs <= stoppedMs) await act();
    return state;
  };
  return {
    clock: ({ callId }) => clock(callId),
    remind: (input) =>
      inTime(input, async () => {
        await cards?.remind(input.callId, input.nth);
      }),
    escalate: (input) =>
      inTime(input, async () => {
        const { callId, stage } = input;
        const joined = await joinStage(pool, callId, stage);
        if (joined) {
          const groups = joined.groups.map(({ name }) => name);
          await record(callId, { act: 'escalated', stage: stage + 1, joined: groups });
          deps.log.info({ callId, groups }, 'a request is escalated');
        }
        // In the background for the request: that Slack is away must not keep the groups from deciding elsewhere.
        await cards?.announce(callId).catch((error: unknown) => {
          deps.log.warn(
            { callId, err: error },
            'the groups of an escalation could not be asked in Slack yet',
          );
        });
      }),
    extended: async ({ callId, extensions, baseExpiresAtMs }) => {
      const fresh = await storeExtensions(pool, callId, extensions, baseExpiresAtMs);
      for (const extension of fresh > 0 ? extensions.slice(-fresh) : [])
        await record(callId, { act: 'extended', ...extension });
      // Whoever talks to Slack shows it and says so in the thread: the answer to the person need not wait for that.
      if (fresh > 0 && cards) await wishRefresh(pool, callId);
      return clock(callId);
    },
    failOver: async ({ callId }) => {
      const reached = (await cards?.failOver(callId)) ?? true;
      await noteAnnounced(pool, callId, reached);
      if (!reached)
        deps.log.warn(
          { callId },
          'no approver of a request could be reached in Slack; it can be decided elsewhere',
        );
      return { reached };
    },
  };
}
