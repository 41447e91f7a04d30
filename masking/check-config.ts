import { defaultProfile, readMaskingConfig } from './config.ts';
import type { MaskingConfig, MaskingProblem } from './config.ts';
import { checkUserDetector } from './user-detectors.ts';

/** What is wrong with the value of `masking:`; empty when it can be used. */
export function checkMaskingConfig(raw: unknown): MaskingProblem[] {
  const read = readMaskingConfig(raw, checkUserDetector);
  return read.ok ? [] : read.problems;
}

/**
 * Reads the value of `masking:` (absent: the default profile alone).
 * @throws Error when {@link checkMaskingConfig} would have complained; policy is checked when it is loaded
 */
export function loadMaskingConfig(raw: unknown): MaskingConfig {
  const read = readMaskingConfig(raw, checkUserDetector);
  if (read.ok) return read.config;
  throw new Error(
    `masking: ${read.problems.map((problem) => `${problem.path.join('.')}: ${problem.message}`).join('; ')}`,
  );
}

/** The config when policy says nothing of masking. */
export const defaultMaskingConfig: MaskingConfig = { profiles: { default: defaultProfile }, detectors: [] };
