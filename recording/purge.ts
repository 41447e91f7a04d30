import type { NoteSigner } from './log/note.ts';
import { signTombstone } from './log/tombstone.ts';

/** How long sessions are kept after their last record. */
export interface RetentionRule {
  /** Null: every connection that no other rule names. */
  readonly connection: string | null;
  readonly keepMs: number;
}

/** A session whose time is up. */
export interface Expired {
  readonly sessionId: string;
  readonly connection: string;
  readonly lastAt: Date;
  readonly records: number;
}

/** What purging needs of the store. */
export interface PurgeStore {
  /**
   * Sessions that nothing was recorded in since `keepMs` ago, the oldest first; never one under legal hold, or one
   * that was purged.
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
   * deletes records elsewhere, some at a time. Safe to interrupt and to repeat.
   * @returns how many records and partitions went
   */
  reclaim(): Promise<{ records: number; partitions: number }>;
}

const pageSessions = 500;

/** What would go. */
export async function* planPurge(
  store: PurgeStore,
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
  deps: { readonly store: PurgeStore; readonly signer: NoteSigner; readonly now: () => Date },
  sessionId: string,
  because: { readonly person: string; readonly reason: string },
): Promise<boolean> {
  const atMicros = deps.now().getTime() * 1000;
  return deps.store.destroy(
    sessionId,
    signTombstone(sessionId, atMicros, JSON.stringify(because), deps.signer),
  );
}
