import { checkMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { profileNames } from '../../masking/config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import type { MaskingEngine } from '../../masking/engine.ts';
import type { Policy } from '../../policy/policy.ts';
import { ruleFileReader } from '../masking.ts';
import { openPolicyFile } from '../policy-file.ts';
import type { RoleContext } from './context.ts';

/** The policy in force and the masking that goes with it; both follow the file. */
export interface Rules {
  policy(): Policy;
  masking(): MaskingEngine;
  /** Names of the masking profiles, the default one first. */
  profiles(): readonly string[];
  close(): void;
}

/** Loads the policy file and follows it. @throws ConfigError with file and line when it is wrong */
export async function openRules({ config, keys, log, together }: RoleContext): Promise<Rules> {
  const readText = ruleFileReader(config.policy);
  const file = await openPolicyFile(config.policy, {
    connections: Object.keys(config.connections),
    // A process of its own is not given Slack's tokens: whether Slack is there, the worker knows.
    slackConfigured: together ? config.slack !== null : null,
    checkMasking: (value) => checkMaskingConfig(value, readText),
    log,
  });
  const engineOf = (policy: Policy): MaskingEngine =>
    createMaskingEngine(loadMaskingConfig(policy.masking, readText), keys.pseudonymKey);
  let engine = engineOf(file.current());
  file.onChange((policy) => {
    engine = engineOf(policy);
  });
  return {
    policy: () => file.current(),
    masking: () => engine,
    profiles: () => profileNames(file.current().masking),
    close: () => file.close(),
  };
}
