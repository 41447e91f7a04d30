import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClickedDecision,
  type OpenDecision,
  postponeClick,
  settleClick,
  storeClick,
  takeClicks,
} from '../db/slack-decisions.ts';
import { settledBatch } from '../db/batches.ts';
import { batchWords } from './batch-words.ts';
import { type DecidingDeps, type Settled, settle } from './deciding.ts';
import { tell } from './telling.ts';
import type { Log } from './web-client.ts';

/** Long enough for every look-up of one try; a process that died is taken over from after this. */
const leaseMs = 30_000;
const sweepEveryMs = 2000;
const longestWaitMs = 60_000;
/** A click that cannot be settled for this long is given up, and the person told. */
const giveUpAfterMs = 15 * 60_000;
const stopWithinMs = 5000;

/** Clicks on their way to becoming votes. */
export interface DecisionQueue {
  /** Stores a click. Resolves once it is durable: only then may Slack be told that it arrived. */
  take(click: ClickedDecision): Promise<void>;
  /** Works on a stored click now. Never rejects: what fails is tried again, by this process or another. */
  work(updateId: string): Promise<void>;
  /** The same for every call of a click on all. */
  workOnAll(batchId: string): Promise<void>;
  /** Stores a click that is refused without a look at the call, and tells the person. */
  refuse(click: ClickedDecision, code: Settled['code'], text: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Persist, then acknowledge, then decide: no click is lost to a crash, an outage or a closed connection. Any process
 * goes on with what another one left behind.
 */
export function startDecisionQueue(deps: DecidingDeps & { log: Log }): DecisionQueue {
  const running = new Set<Promise<void>>();
  let stopped = false;
  const timer = setInterval(() => void track(sweep()), sweepEveryMs);

  function track(work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((error: unknown) => deps.log.error({ err: error }, 'stored decisions could not be read'))
      .finally(() => running.delete(tracked));
    running.add(tracked);
    return tracked;
  }

  async function sweep(only: { updateId?: string; batchId?: string } = {}): Promise<void> {
    if (stopped) return;
    const clicks = await takeClicks(deps.pool, { limit: 10, leaseMs, ...only });
    // One person who decides on many calls at once is looked up once.
    const userNow = askedOnce(deps.userNow);
    await Promise.all(clicks.map((click) => workOn(click, { ...deps, userNow })));
  }

  async function workOn(click: OpenDecision, once: DecidingDeps): Promise<void> {
    try {
      const settled = await settle(once, click);
      const first = await settleClick(deps.pool, click.updateId, settled);
      const { callId, correlationId } = click;
      if (first)
        deps.log.info({ callId, correlationId, code: settled.code }, 'a decision from Slack is settled');
      if (first && click.batchId) await tellOfAll(click);
      else if (first && settled.tell) await tell(deps, click, settled.text);
    } catch (error) {
      await tryLater(click, error);
    }
  }

  async function tellOfAll(click: OpenDecision): Promise<void> {
    const parts = await settledBatch(deps.pool, click.batchId ?? '');
    const text = parts && batchWords(parts, click.decision);
    if (text) await tell(deps, click, text);
  }

  async function tryLater(click: OpenDecision, error: unknown): Promise<void> {
    const { updateId, callId, attempts } = click;
    deps.log.warn({ err: error, callId, attempts }, 'a decision from Slack could not be settled yet');
    const ageMs = Date.now() - click.receivedAt.getTime();
    if (ageMs > giveUpAfterMs) {
      const text = 'Your decision could not be brought to the request in time. Nothing was decided by it.';
      const refused = { state: 'refused', code: 'MembershipUnknown', text } as const;
      if (!(await settleClick(deps.pool, updateId, refused))) return;
      if (click.batchId) await tellOfAll(click);
      else await tell(deps, click, text);
      return;
    }
    await postponeClick(deps.pool, updateId, Math.min(longestWaitMs, 1000 * 2 ** Math.min(attempts, 6)));
    if (attempts === 1)
      await tell(
        deps,
        click,
        'Your decision is stored. It does not count yet: a service is not answering. Holdpoint keeps trying.',
      );
  }

  return {
    take: (click) => storeClick(deps.pool, click),
    work: (updateId) => track(sweep({ updateId })),
    workOnAll: (batchId) => track(sweep({ batchId })),
    refuse: async (click, code, text) => {
      await storeClick(deps.pool, click);
      const first = await settleClick(deps.pool, click.updateId, { state: 'refused', code, text });
      // Slack waits for the acknowledgement of the click; telling the person does not hold it up.
      if (first) void track(tell(deps, click, text));
    },
    stop: async () => {
      stopped = true;
      clearInterval(timer);
      // What is not finished by then is stored: another process, or the next start, goes on with it.
      await Promise.race([Promise.all(running), sleep(stopWithinMs, undefined, { ref: false })]);
    },
  };
}

function askedOnce(userNow: DecidingDeps['userNow']): DecidingDeps['userNow'] {
  const asked = new Map<string, ReturnType<DecidingDeps['userNow']>>();
  return (user) => {
    const answer = asked.get(user) ?? userNow(user);
    asked.set(user, answer);
    return answer;
  };
}
