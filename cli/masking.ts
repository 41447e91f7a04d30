import { defaultMaskingConfig } from '../masking/check-config.ts';
import { createMaskingEngine } from '../masking/create.ts';
import type { Masker } from '../masking/engine.ts';

/** The masker of processes that know no policy: everything that is detected by default. */
export function defaultMasker(): Masker {
  return createMaskingEngine(defaultMaskingConfig).masker('default');
}
