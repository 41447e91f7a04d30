import { checkMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { profileNames } from '../../masking/config.ts';
import type { MaskingConfig } from '../../masking/config.ts';
import type { MaskingEngine } from '../../masking/engine.ts';
import type { Policy } from '../../policy/policy.ts';
import { ruleFileReader } from '../masking.ts';
import type { Surroundings } from '../../policy/checks.ts';
import { compileFile, openPolicyFile } from '../policy-file.ts';
import type { RoleContext } from './context.ts';
import { startPooledMasking } from './mask-pool.ts';

/** The policy in force and the masking that goes with it; both follow the file. */
export interface Rules {
  policy(): Policy;
  /** The text of the policy in force. */
  policyText(): string;
  /** Awaited before a changed policy is in force; when it rejects, the one in force stays for now. */
  beforeChange(step: (policy: Policy, text: string) => Promise<void>): void;
  /** Called after each change of policy. */
  onChange(listener: () => void): void;
  masking(): MaskingEngine;
  /** Names of the masking profiles, the default one first. */
  profiles(): readonly string[];
  close(): Promise<void>;
}

/** Tells what is wrong with the policy file before anything is started. @throws ConfigError with file and line */
export async function checkRules(context: Pick<RoleContext, 'config' | 'together'>): Promise<void> {
  await compileFile(context.config.policy, surroundings(context));
}

/** Loads the policy file and follows it. @throws ConfigError with file and line when it is wrong */
export async function openRules(context: RoleContext): Promise<Rules> {
  const { config, keys, log } = context;
  const readText = ruleFileReader(config.policy);
  const file = await openPolicyFile(config.policy, { ...surroundings(context), log });
  const configOf = (policy: Policy): MaskingConfig => loadMaskingConfig(policy.masking, readText);
  const masking = startPooledMasking(configOf(file.current()), keys.pseudonymKey);
  file.onChange((policy) => masking.change(configOf(policy)));
  return {
    policy: () => file.current(),
    policyText: () => file.text(),
    beforeChange: (step) => file.beforeChange(step),
    onChange: (listener) => file.onChange(listener),
    masking: () => masking.engine(),
    profiles: () => profileNames(file.current().masking),
    async close() {
      file.close();
      await masking.close();
    },
  };
}

/** What a policy is checked against in this process. */
export function surroundings({ config, together }: Pick<RoleContext, 'config' | 'together'>): Surroundings {
  const readText = ruleFileReader(config.policy);
  return {
    connections: Object.keys(config.connections),
    // A process of its own is not given Slack's tokens: whether Slack is there, the worker knows.
    slackConfigured: together ? config.slack !== null : null,
    checkMasking: (value) => checkMaskingConfig(value, readText),
  };
}
