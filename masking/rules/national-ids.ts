import { eastAsianIds } from './ids-asia-east.ts';
import { westAsianIds } from './ids-asia-west.ts';
import { eastEuropeanIds } from './ids-europe-east.ts';
import { northEuropeanIds } from './ids-europe-north.ts';
import { westEuropeanIds } from './ids-europe-west.ts';
import { latinAmericanIds } from './ids-latin-america.ts';
import { northAmericanIds } from './ids-north-america.ts';
import { southernIds } from './ids-south.ts';
import type { NationalId } from './national-id.ts';

/** All identity numbers; where two could match, the first wins, those with a word near before those without. */
export const nationalIds: readonly NationalId[] = [
  ...northAmericanIds,
  ...latinAmericanIds,
  ...eastAsianIds,
  ...westAsianIds,
  ...southernIds,
  ...westEuropeanIds,
  ...northEuropeanIds,
  ...eastEuropeanIds,
];
