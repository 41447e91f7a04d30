import { randomInt } from 'node:crypto';

const wanted = process.env['HOLDPOINT_TEST_MODEL_SEED'] ?? '20261121';

/** The same scenarios each time, unless `HOLDPOINT_TEST_MODEL_SEED` is another number, or `random` as in `npm run soak`. */
export const seed = wanted === 'random' ? randomInt(2 ** 31) : Number(wanted);
