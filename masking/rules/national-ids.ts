import { europeanIds } from './ids-europe.ts';
import { worldIds } from './ids-world.ts';
import type { NationalId } from './national-id.ts';

/** All identity numbers; where two could match, the first wins. */
export const nationalIds: readonly NationalId[] = [...worldIds, ...europeanIds];
