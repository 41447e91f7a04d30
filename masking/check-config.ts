import { defaultProfile, readMaskingConfig } from './config.ts';
import type { MaskingConfig, MaskingProblem, RuleReader } from './config.ts';
import { builtinDetectors } from './detectors.ts';
import { readGitleaksRules } from './gitleaks.ts';
import { checkUserDetector } from './user-detectors.ts';

/** Gives the text of a rule file named in policy; throws when there is none. */
export type ReadText = (path: string) => string;

/**
 * What is wrong with the value of `masking:`; empty when it can be used.
 * @param readText how `ruleFiles` are read; without it, a config that names some is refused
 */
export function checkMaskingConfig(raw: unknown, readText?: ReadText): MaskingProblem[] {
  const read = readMaskingConfig(raw, checkUserDetector, ruleReader(readText));
  return read.ok ? [] : read.problems;
}

/**
 * Reads the value of `masking:` (absent: the default profile alone).
 * @throws Error when {@link checkMaskingConfig} would have complained; policy is checked when it is loaded
 */
export function loadMaskingConfig(raw: unknown, readText?: ReadText): MaskingConfig {
  const read = readMaskingConfig(raw, checkUserDetector, ruleReader(readText));
  if (read.ok) return read.config;
  throw new Error(
    `masking: ${read.problems.map((problem) => `${problem.path.join('.')}: ${problem.message}`).join('; ')}`,
  );
}

/** The config when policy says nothing of masking. */
export const defaultMaskingConfig: MaskingConfig = {
  profiles: { default: defaultProfile },
  detectors: [],
  uses: [],
  restore: [],
};

/** A rule that cannot be used would be a rule that is ignored: the file is refused, with the names of such rules. */
function ruleReader(readText: ReadText | undefined): RuleReader | undefined {
  if (readText === undefined) return undefined;
  return (path) => {
    let text: string;
    try {
      text = readText(path);
    } catch {
      return { ok: false, reason: 'the file cannot be read' };
    }
    const read = readGitleaksRules(text);
    if (!read.ok) return read;
    const unusable = read.file.skipped.filter((rule) => !rule.reason.startsWith('it looks at paths'));
    if (unusable.length > 0) {
      return { ok: false, reason: unusable.map((rule) => `rule ${rule.name}: ${rule.reason}`).join('; ') };
    }
    // A rule with a built-in's name reports under that name; both are switched together.
    return {
      ok: true,
      detectors: read.file.detectors.map((rule) => ({
        ...rule,
        name: builtinDetectors.has(rule.name) ? `${rule.name}-file` : rule.name,
      })),
    };
  };
}
