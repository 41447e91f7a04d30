import * as wf from '@temporalio/workflow';
import type { CountedVote, WorkerActivities } from './contract.ts';

/** Without a maximum: Slack may be away for hours, and the request goes on meanwhile. */
const cards = wf.proxyActivities<Pick<WorkerActivities, 'announce' | 'showProgress'>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** What people are shown: kept up to date beside the request, never in its way. */
export interface CardWork {
  /** Gives up what is still being tried. */
  stop(): Promise<void>;
}

/** Announces the request, then shows each change; several changes while one is being shown become one. */
export function startCardWork(callId: string, votes: () => readonly CountedVote[]): CardWork {
  const side = new wf.CancellationScope();
  let shown = 0;
  const announcing = side.run(() =>
    onTheSide('announced', () =>
      cards.announce.executeWithOptions({ summary: 'ask the approvers' }, [{ callId }]),
    ),
  );
  const following = side.run(async () => {
    for (;;) {
      await wf.condition(() => votes().length > shown);
      const now = [...votes()];
      shown = now.length;
      await onTheSide('brought up to date', () =>
        cards.showProgress.executeWithOptions({ summary: `show vote ${shown}` }, [{ callId, votes: now }]),
      );
    }
  });
  const ended = Promise.allSettled([announcing, following]);
  return {
    stop: async () => {
      side.cancel();
      await ended;
    },
  };
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
