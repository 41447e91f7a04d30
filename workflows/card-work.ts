import * as wf from '@temporalio/workflow';
import { time } from './clock.ts';
import type { CountedVote, WorkerActivities } from './contract.ts';

/** Without a maximum: Slack may be away for hours, and the request goes on meanwhile. */
const cards = wf.proxyActivities<Pick<WorkerActivities, 'announce' | 'showProgress'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** The first tries, after which the approvers count as not reached. */
const firstTries = wf.proxyActivities<Pick<WorkerActivities, 'announce'>>({
  startToCloseTimeout: '30 seconds',
  scheduleToCloseTimeout: '2 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '20 seconds' },
  summary: 'ask the approvers',
});

/** What people are shown: kept up to date beside the request, never in its way. */
export interface CardWork {
  /** Whether there is, or may be, Slack to show anything in. */
  readonly inSlack: boolean;
  /** Gives up what is still being tried. */
  stop(): Promise<void>;
}

/**
 * Announces the request, then shows each change; several changes while one is being shown become one.
 * @param on.reached told whether any approver was reached in Slack, once the first tries have failed; null in requests
 * of 0.1.0
 * @param on.written whether what follows the votes at once writes them down: where there is no Slack, nothing need be
 * done before it
 */
export function startCardWork(
  callId: string,
  votes: () => readonly CountedVote[],
  on: { readonly reached: ((inSlack: boolean) => void) | null; readonly written: () => boolean },
): CardWork {
  const { reached, written } = on;
  const side = new wf.CancellationScope();
  let shown = 0;
  let inSlack = true;
  const announced = (answer: { slack: boolean } | undefined): void => {
    inSlack = answer?.slack ?? true;
  };
  const announcing = side.run(() =>
    onTheSide('announced', async () => {
      if (reached && (await askedAtOnce(callId, reached, announced))) return;
      announced(await cards.announce.executeWithOptions({ summary: 'ask the approvers' }, [{ callId }]));
      reached?.(true);
    }),
  );
  const following = side.run(async () => {
    for (;;) {
      await wf.condition(() => votes().length > shown && (inSlack || !written()));
      const now = [...votes()];
      shown = now.length;
      await onTheSide('brought up to date', () =>
        cards.showProgress.executeWithOptions({ summary: `show vote ${shown}` }, [{ callId, votes: now }]),
      );
    }
  });
  const ended = Promise.allSettled([announcing, following]);
  return {
    get inSlack() {
      return inSlack;
    },
    stop: async () => {
      side.cancel();
      await ended;
    },
  };
}

/** @returns true when every card stands after the first tries; else others were asked instead, as far as possible */
async function askedAtOnce(
  callId: string,
  told: (inSlack: boolean) => void,
  announced: (answer: { slack: boolean } | undefined) => void,
): Promise<boolean> {
  try {
    announced(await firstTries.announce({ callId }));
    return true;
  } catch (error) {
    if (wf.isCancellation(error)) throw error;
    const { reached } = await time.failOver.executeWithOptions(
      { summary: 'Slack does not answer: ask elsewhere' },
      [{ callId }],
    );
    told(reached);
    return false;
  }
}

/** A card that can never be shown must not end the request: it is said in the log, and the request goes on. */
async function onTheSide(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (wf.isCancellation(error)) throw error;
    wf.log.error(`the request could not be ${what}`, { error });
  }
}
