import type { ReadyMaskReport } from '../../console/deps.ts';
import { checkMaskingConfig, loadMaskingConfig, type ReadText } from '../../masking/check-config.ts';
import { profileNames } from '../../masking/config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { createMaskPool } from '../../masking/large.ts';
import { compilePolicy } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import { ruleFileReader } from '../masking.ts';
import { compareRecorded } from '../recorded-report.ts';
import type { RoleContext } from './context.ts';

/**
 * Makes ready policies that people write elsewhere. Of rule files such a text may name those that came with it and those
 * of the policy in force: whoever writes it is not the one who may read this machine's files.
 */
export function readyMaskReport(
  { config, pool, keys, together }: RoleContext,
  rules: { readonly policy: () => Pick<Policy, 'masking'>; readonly policyText: () => string },
): ReadyMaskReport {
  return async (changed) => {
    const known = ruleFilesOf(rules.policy().masking);
    const read = ruleFileReader(config.policy);
    const sent = new Map(changed?.ruleFiles.map((file) => [file.path, file.text]));
    const readText: ReadText = (path) => {
      const text = sent.get(path);
      if (text !== undefined) return text;
      if (!known.includes(path))
        throw new Error('it did not come with the policy, and is none of the policy in force');
      return read(path);
    };
    const compiled = compilePolicy(changed?.text ?? rules.policyText(), {
      file: 'policy.yaml',
      connections: Object.keys(config.connections),
      slackConfigured: together ? config.slack !== null : null,
      checkMasking: (value) => checkMaskingConfig(value, readText),
    });
    if ('errors' in compiled)
      return { problems: compiled.errors.map(({ line, path, message }) => ({ line, path, message })) };
    const { policy } = compiled;
    const masking = loadMaskingConfig(policy.masking, readText);
    return {
      policyVersion: policy.version,
      profiles: profileNames(policy.masking),
      async run(wanted, watch) {
        const { pseudonymKey, keyRing } = keys;
        const threads = createMaskPool({ config: masking, pseudonymKey });
        try {
          const engine = createMaskingEngine(masking, pseudonymKey, threads);
          return await compareRecorded({ pool, keyRing }, { policy, engine }, wanted, watch);
        } finally {
          await threads.close();
        }
      },
    };
  };
}

/** The rule files that a policy's `masking` names, whatever else is wrong with it. */
export function ruleFilesOf(masking: unknown): readonly string[] {
  const files: unknown =
    typeof masking === 'object' && masking !== null && 'ruleFiles' in masking ? masking.ruleFiles : [];
  return Array.isArray(files) ? files.filter((file) => typeof file === 'string') : [];
}
