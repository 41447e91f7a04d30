import * as wf from '@temporalio/workflow';
import { time } from './clock.ts';
import type { ApprovalInput, ClockState, DecidingTerms } from './contract.ts';
import type { Request } from './request.ts';

/** What happens to a request while nobody decides. */
interface Moment {
  readonly afterMs: number;
  readonly summary: string;
  readonly act: (stoppedMs: number) => Promise<ClockState>;
  readonly after?: () => void;
}

/** While the clock stands still, it is looked at again after this long. */
const lookAgainMs = 60_000;

/**
 * Reminds and escalates at their times, beside everything else. Times count from the request, without those for which
 * the clock stood still.
 * @param changed called when groups have joined
 */
export function startTimeline(
  input: ApprovalInput,
  terms: DecidingTerms,
  request: Request,
  changed: () => void,
): { stop(): Promise<void> } {
  const side = new wf.CancellationScope();
  const ended = side
    .run(async () => {
      for (const moment of momentsOf(input, terms, request, changed)) await live(input, moment);
    })
    .catch((error: unknown) => {
      if (!wf.isCancellation(error)) wf.log.error('reminding or escalating failed', { error });
    });
  return {
    stop: async () => {
      side.cancel();
      await ended;
    },
  };
}

function momentsOf(
  { callId }: ApprovalInput,
  { remindersMs, escalation }: DecidingTerms,
  request: Request,
  changed: () => void,
): Moment[] {
  const reminders = remindersMs.map((afterMs, nth) => ({
    afterMs,
    summary: `reminder ${nth + 1}`,
    act: (stoppedMs: number) =>
      time.remind.executeWithOptions({ summary: `reminder ${nth + 1}` }, [{ callId, nth, stoppedMs }]),
  }));
  const stages = escalation.map(({ afterMs, groups }, stage) => ({
    afterMs,
    summary: `escalation to ${groups.join(', ')}`,
    act: (stoppedMs: number) =>
      time.escalate.executeWithOptions({ summary: `ask ${groups.join(', ')} too` }, [
        { callId, stage, stoppedMs },
      ]),
    after: () => {
      request.join(groups);
      changed();
    },
  }));
  // At the same moment people join first, so that they are reminded too.
  return [...stages, ...reminders].sort((a, b) => a.afterMs - b.afterMs);
}

async function live({ createdAtMs }: ApprovalInput, moment: Moment): Promise<void> {
  for (let shiftMs = 0; ; ) {
    const leftMs = createdAtMs + moment.afterMs + shiftMs - Date.now();
    if (leftMs > 0) await wf.sleep(leftMs, { summary: `until the ${moment.summary}` });
    const clock = await moment.act(shiftMs);
    // It did nothing when the clock had stood still longer than was known: its time comes later then.
    if (clock.stopped === null && clock.stoppedMs <= shiftMs) {
      moment.after?.();
      return;
    }
    shiftMs = clock.stoppedMs;
    if (clock.stopped !== null)
      await wf.sleep(lookAgainMs, { summary: `the clock stands still: until the ${moment.summary}` });
  }
}
