import { type MaskingConfig, type MaskingProblem, readMaskingConfig } from '../masking/config.ts';
import { createMaskingEngine } from '../masking/create.ts';
import type { Masker } from '../masking/engine.ts';
import { checkUserDetector } from '../masking/user-detectors.ts';

/** What is wrong with the `masking:` section of a policy; nothing when it is right. */
export function maskingProblems(raw: unknown): readonly MaskingProblem[] {
  const read = readMaskingConfig(raw, checkUserDetector);
  return read.ok ? [] : read.problems;
}

/** The `masking:` section of a policy that was checked when it was loaded. */
export function maskingConfigOf(raw: unknown): MaskingConfig {
  const read = readMaskingConfig(raw, checkUserDetector);
  if (!read.ok) throw new Error(`masking: ${read.problems.map(({ message }) => message).join('; ')}`);
  return read.config;
}

/** The masker of processes that know no policy: everything that is detected by default. */
export function defaultMasker(): Masker {
  return createMaskingEngine(maskingConfigOf(undefined)).masker('default');
}
