import * as wf from '@temporalio/workflow';
import type { ApprovalInput, TimeActivities } from './contract.ts';
import type { Request } from './request.ts';

/** Asked at every deadline, and for as long as the clock stands still. */
export const time = wf.proxyActivities<Pick<TimeActivities, 'clock' | 'remind' | 'escalate' | 'failOver'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '30 seconds' },
});

const firstLookMs = 5_000;
const longestLookMs = 5 * 60_000;

/**
 * Whether the request's time is really up. The workflow's own timer knows nothing of a kill switch or an outage of
 * Slack that stops the clock, so the row is asked; while the clock stands still this waits.
 * @param done gives up waiting
 * @returns `runs` when there is time left (or `done`)
 */
export async function timeIsUp(
  input: ApprovalInput,
  request: Request,
  done: () => boolean,
): Promise<'up' | 'up while Slack is away' | 'runs'> {
  if (!input.terms) return Date.now() >= input.expiresAtMs ? 'up' : 'runs';
  for (let pauseMs = firstLookMs; ; pauseMs = Math.min(pauseMs * 2, longestLookMs)) {
    const signals = request.clockSignals();
    const clock = await time.clock.executeWithOptions({ summary: 'is the time really up?' }, [
      { callId: input.callId },
    ]);
    request.setClock(clock);
    if (done()) return 'runs';
    if (clock.stopped === null) {
      if (Date.now() < clock.expiresAtMs) return 'runs';
      return clock.slackDown ? 'up while Slack is away' : 'up';
    }
    await wf.condition(() => done() || request.clockSignals() !== signals, pauseMs, {
      summary: `the clock stands still: ${stopWords[clock.stopped]}`,
    });
  }
}

/** What the clock stands still for, in words. */
export const stopWords = {
  freeze: 'Holdpoint is frozen by the kill switch',
  slack: 'Slack cannot be reached',
} as const;
