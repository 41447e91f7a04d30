import type { NoteSigner } from './log/note.ts';
import { signTombstone } from './log/tombstone.ts';

/** Risk tiers, the lowest first. A session has the highest that policy gave to anything in it. */
export const riskTiers = ['low', 'medium', 'high', 'critical'] as const;
export type RiskTier = (typeof riskTiers)[number];

/** How long sessions are kept after their last record. Of several rules the first that names a session applies. */
export interface RetentionRule {
  /** Null: every connection. */
  readonly connection: string | null;
  /** Null: every risk. */
  readonly risks: readonly RiskTier[] | null;
  /** Null: for ever. */
  readonly keepMs: number | null;
}

/** A session whose time is up. */
export interface Expired {
  readonly sessionId: string;
  readonly connection: string;
  readonly risk: RiskTier;
  readonly lastAt: Date;
  readonly records: number;
  /** Which of the rules it goes by; null when it was named itself. */
  readonly rule: number | null;
}

/** What gave back space. */
export interface Reclaimed {
  readonly records: number;
  readonly partitions: number;
}

/** What purging needs of the store. */
export interface PurgeStore {
  /**
   * Sessions whose rule says that their time is up, the oldest first; never one under legal hold, or one that was
   * purged.
   */
  expired(
    rules: readonly RetentionRule[],
    now: Date,
    after: Expired | null,
    limit: number,
  ): Promise<Expired[]>;
  /** One session as it would be purged; null when there is none, it was purged, or is under legal hold. */
  purgeable(sessionId: string): Promise<Expired | null>;
  /**
   * Destroys a session's key, everything that says whose it was, and what it can be found by; puts its tombstone on
   * the way into the log. All of it or nothing. False when it was purged or put under legal hold meanwhile.
   */
  destroy(sessionId: string, tombstone: Uint8Array): Promise<boolean>;
  /**
   * Gives back the space of sessions whose tombstones are in the log: drops partitions that hold nothing else, and
   * deletes records elsewhere, some at a time. Safe to interrupt and to repeat; never makes recorders wait for long.
   */
  reclaim(signal: AbortSignal): Promise<Reclaimed>;
  /** Whether tombstones are still on their way into the log. */
  tombstonesPending(): Promise<boolean>;
  /** Runs `work` unless another process purges at this moment, which gives null. */
  exclusively<T>(work: () => Promise<T>): Promise<T | null>;
  beginRun(run: { person: string; reason: string; due: number }): Promise<PurgeRun>;
}

/** One purge, as it is told of. */
export interface PurgeRun {
  progress(purged: number): Promise<void>;
  end(done: { purged: number; freed: Reclaimed; failed: string | null }): Promise<void>;
}

export interface PurgeDeps {
  readonly store: PurgeStore;
  /** Signs tombstones: the log's own key. */
  readonly signer: NoteSigner;
  readonly now: () => Date;
}

const pageSessions = 500;
const progressEvery = 50;

/** What would go. */
export async function* planPurge(
  store: Pick<PurgeStore, 'expired'>,
  rules: readonly RetentionRule[],
  now: Date,
): AsyncGenerator<Expired> {
  for (let last: Expired | null = null; ; ) {
    const page: Expired[] = await store.expired(rules, now, last, pageSessions);
    yield* page;
    last = page.at(-1) ?? null;
    if (page.length < pageSessions) return;
  }
}

/**
 * Purges one session: from here on nobody can read it, backups of its records included, as long as keys are not
 * backed up with them. The log keeps that it existed, that it was purged, by whom and why.
 * @returns false when it was purged or put under legal hold meanwhile
 */
export async function purgeSession(
  deps: Pick<PurgeDeps, 'signer' | 'now'> & { readonly store: Pick<PurgeStore, 'destroy'> },
  sessionId: string,
  because: { readonly person: string; readonly reason: string },
): Promise<boolean> {
  const atMicros = deps.now().getTime() * 1000;
  const entry = signTombstone(sessionId, atMicros, JSON.stringify(because), deps.signer);
  return deps.store.destroy(sessionId, entry);
}

/**
 * Purges sessions one after the other, then gives back the space of those that are in the log already. May be
 * interrupted anywhere, by the signal or by a kill: what is done is done whole, the next run goes on.
 * @param because.reason one text for all, or one for each
 * @returns how many were purged: not those that meanwhile were purged, or put under legal hold
 */
export async function purgeSessions(
  deps: PurgeDeps,
  going: readonly Expired[],
  because: { readonly person: string; readonly reason: string | ((session: Expired) => string) },
  options: { readonly signal: AbortSignal; readonly onProgress?: (done: number) => void },
): Promise<{ purged: number; freed: Reclaimed }> {
  const { reason, person } = because;
  const run = await deps.store.beginRun({
    person,
    reason: typeof reason === 'string' ? reason : 'retention',
    due: going.length,
  });
  let purged = 0;
  let freed: Reclaimed = { records: 0, partitions: 0 };
  let failed: string | null = null;
  try {
    for (const [index, session] of going.entries()) {
      if (options.signal.aborted) break;
      const why = typeof reason === 'string' ? reason : reason(session);
      if (await purgeSession(deps, session.sessionId, { person, reason: why })) purged += 1;
      if ((index + 1) % progressEvery !== 0) continue;
      await run.progress(purged);
      options.onProgress?.(index + 1);
    }
    freed = await deps.store.reclaim(options.signal);
  } catch (error) {
    failed = (error as Error).message;
    throw error;
  } finally {
    await run.end({ purged, freed, failed }).catch((error: unknown) => {
      // The purge's own error says more than that it could not be noted.
      if (failed === null) throw error;
    });
  }
  return { purged, freed };
}
