import type { DataConverter } from '@temporalio/common';
import type { NativeConnection } from '@temporalio/worker';
import type { HoldPort } from '../hold-port.ts';
import { startActivityWorkers } from './activity-worker.ts';
import { createExecuteHeldCall, type ExecuteDeps } from './execute.ts';
import { createHold, type HoldDeps } from './hold.ts';
import { startReadBacks } from './read-back.ts';
import { createRunning } from './running.ts';
import { startSweeping } from './sweep.ts';
import { createWaiters } from './waiters.ts';

/** Everything that a gateway needs to hold calls. */
export interface HoldingDeps extends Omit<HoldDeps & ExecuteDeps, 'waiters' | 'running'> {
  readonly databaseUrl: string;
  readonly temporal: {
    readonly connection: NativeConnection;
    readonly namespace: string;
    readonly dataConverter?: DataConverter;
  };
  /** Told when this gateway can run approved calls no longer. */
  readonly onFailed: (error: unknown) => void;
}

/**
 * Starts holding: the hold step for the line, the workers that run approved calls, waking and sweeping. `close`
 * answers every waiting request as pending, lets running calls end, then stops.
 */
export async function startHolding(deps: HoldingDeps): Promise<HoldPort> {
  const waiters = createWaiters(deps.now);
  const running = createRunning();
  const parts = { ...deps, waiters, running };
  const port = createHold(parts);
  const sweeping = await startSweeping(parts);
  const readBacks = startReadBacks(parts);
  const workers = await startActivityWorkers({
    ...deps.temporal,
    replica: deps.replica,
    activities: createExecuteHeldCall(parts),
    onFailed: deps.onFailed,
  });
  return {
    ...port,
    async close() {
      await port.close();
      await workers.close();
      await readBacks.close();
      await sweeping.close();
    },
  };
}
