import { endWorkflowless } from '../db/held-deciding.ts';
import { tellWorkflows } from '../db/revoked-calls.ts';
import type { Pool } from '../db/pool.ts';

/** What reconciling needs. */
export interface ReconcileDeps {
  readonly pool: Pool;
  /** Ids of the approval workflows that closed without settling their row: terminated, failed or timed out. */
  readonly lostWorkflows: (closedWithinMs: number) => Promise<readonly string[]>;
  /** Ends an approval workflow as cancelled. */
  readonly cancelWorkflow: (workflowId: string, because: string) => Promise<void>;
  readonly log: {
    warn(facts: object, text: string): void;
    info(facts: object, text: string): void;
  };
  readonly everyMs?: number;
}

/** Reconciling that runs. */
export interface Reconciling {
  /** Looks now; for those who cannot wait. */
  look(): Promise<void>;
  stop(): void;
}

/**
 * Ends pending calls that no workflow will end: its workflow was terminated in Temporal, or Temporal has lost it, so
 * that the deadline passed and nothing happened. Any number of workers may look; each call ends once.
 */
export function startReconciling(deps: ReconcileDeps): Reconciling {
  const everyMs = deps.everyMs ?? 30_000;
  const look = async (): Promise<void> => {
    // Twenty rounds back, so that a worker that was away for a while misses nothing.
    const lost = await deps.lostWorkflows(everyMs * 20);
    const ended = await endWorkflowless(deps.pool, lost);
    if (ended.length > 0)
      deps.log.info({ callIds: ended }, 'ended held calls whose approval workflow is gone; nothing was sent');
    // Held calls that a revocation ended while Temporal could not be told.
    await tellWorkflows(deps.pool, deps.cancelWorkflow);
  };
  const timer = setInterval(() => {
    look().catch((error: unknown) => {
      deps.log.warn({ err: error }, 'held calls could not be compared with Temporal; it is tried again');
    });
  }, everyMs);
  timer.unref();
  return { look, stop: () => clearInterval(timer) };
}
