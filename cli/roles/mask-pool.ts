import { availableParallelism } from 'node:os';
import type { MaskingConfig } from '../../masking/config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import type { MaskingEngine } from '../../masking/engine.ts';
import { createMaskPool, type MaskPool } from '../../masking/large.ts';

/** The engine in force, with the threads that mask what is large for it. */
export interface PooledMasking {
  engine(): MaskingEngine;
  /** Puts another config in force. Who still has a masker of the one before goes on with it. */
  change(config: MaskingConfig): void;
  close(): Promise<void>;
}

/** One thread per processor but the event loop's, and never more than four: masking must not starve the rest. */
function threads(): number {
  return Math.max(1, Math.min(4, availableParallelism() - 1));
}

/** Makes the engine of a config and its pool, and follows changes of the config. */
export function startPooledMasking(config: MaskingConfig, pseudonymKey: Uint8Array): PooledMasking {
  const open = new Set<MaskPool>();
  const make = (next: MaskingConfig): MaskingEngine => {
    for (const pool of open) pool.retire();
    const pool = createMaskPool({ config: next, pseudonymKey }, { size: threads() });
    open.add(pool);
    return createMaskingEngine(next, pseudonymKey, pool);
  };
  let engine = make(config);
  return {
    engine: () => engine,
    change(next) {
      engine = make(next);
    },
    async close() {
      await Promise.all([...open].map((pool) => pool.close()));
    },
  };
}
