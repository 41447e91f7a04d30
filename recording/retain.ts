import { setTimeout as sleep } from 'node:timers/promises';
import { type Background, inBackground } from './background.ts';
import {
  type Expired,
  planPurge,
  type PurgeDeps,
  purgeSessions,
  type Reclaimed,
  type RetentionRule,
} from './purge.ts';

/** What keeping the configured retention needs. */
export interface RetainDeps extends PurgeDeps {
  /** Empty: nothing is purged by itself; the space of what was purged by hand is given back all the same. */
  readonly rules: readonly RetentionRule[];
  readonly everyMs: number;
  /** Records, before anything goes, how much will. */
  readonly recordAct: (
    act: string,
    details: Readonly<Record<string, string | number | null>>,
  ) => Promise<void>;
  /** Seals the sessions that nobody will end any more, so that each has an end. */
  readonly sealAbandoned: () => Promise<void>;
  readonly onDone: (done: { purged: number; freed: Reclaimed }) => void;
  readonly onError: (error: Error) => void;
}

const person = 'holdpoint retention';
/** Replicas that were started together do not all ask at the same moment. */
const firstAfterMs = 5000;

/**
 * Purges by the configured rules, again and again. Any number of processes may run it; one purges at a time.
 * @returns stops it; a session that is being purged is finished first
 */
export function startRetention(deps: RetainDeps): Background {
  return inBackground((signal) => run(deps, signal));
}

async function run(deps: RetainDeps, signal: AbortSignal): Promise<void> {
  const pause = (ms: number): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {}); // woken by stop()
  await pause(Math.min(firstAfterMs, deps.everyMs));
  while (!signal.aborted) {
    try {
      await purgeDue(deps, signal);
    } catch (error) {
      deps.onError(error as Error);
    }
    await pause(deps.everyMs);
  }
}

/** One round: what is due now. @returns null when another process purges at this moment, or nothing is to be done */
export async function purgeDue(
  deps: RetainDeps,
  signal: AbortSignal,
): Promise<{ purged: number; freed: Reclaimed } | null> {
  return deps.store.exclusively(async () => {
    await deps.sealAbandoned();
    const going: Expired[] = [];
    for await (const session of planPurge(deps.store, deps.rules, deps.now())) going.push(session);
    if (going.length === 0) {
      const freed = await deps.store.reclaim(signal);
      if (freed.records + freed.partitions > 0) deps.onDone({ purged: 0, freed });
      return { purged: 0, freed };
    }
    const records = going.reduce((sum, session) => sum + session.records, 0);
    await deps.recordAct('sessions.purge', { person, reason: 'retention', sessions: going.length, records });
    const reason = ({ rule }: Expired): string => `retention: ${ruleText(deps.rules[rule ?? 0])}`;
    const done = await purgeSessions(deps, going, { person, reason }, { signal });
    deps.onDone(done);
    return done;
  });
}

/** A rule in words: `connection postgres, risk high or critical: 90d`. */
export function ruleText(rule: RetentionRule | undefined): string {
  if (!rule) return 'no rule';
  const { connection, risks, keepMs } = rule;
  const what = [connection && `connection ${connection}`, risks && `risk ${risks.join(' or ')}`].filter(
    Boolean,
  );
  const hours = (keepMs ?? 0) / 3_600_000;
  const length = hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`;
  const keep = keepMs === null ? 'for ever' : length;
  return `${what.join(', ') || 'everything else'}: ${keep}`;
}
