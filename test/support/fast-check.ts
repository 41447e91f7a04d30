import { randomInt } from 'node:crypto';
import { configureGlobal } from 'fast-check';

export * from 'fast-check';

const wanted = process.env['HOLDPOINT_FUZZ_SEED'] ?? '20261121';

/**
 * Properties try the same values each time, so that a failure is news about a change and can be had again;
 * `HOLDPOINT_FUZZ_SEED=random` (as `npm run fuzz` has it) or a number tries others.
 */
configureGlobal({ seed: wanted === 'random' ? randomInt(2 ** 31) : Number(wanted) });
