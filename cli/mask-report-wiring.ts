import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import type { ChangedPolicy } from '../console/deps.ts';
import { type Adjust, withApi } from './api/open.ts';
import { run } from './commands/mask-report.ts';
import type { Invocation } from './main.ts';
import { ruleFileReader } from './masking.ts';
import { compileFile, readPolicy } from './policy-file.ts';
import { readyMaskReport, ruleFilesOf } from './roles/mask-report.ts';
import { surroundings } from './roles/rules.ts';
import { demonstrated } from './starter/demonstration.ts';

/** `holdpoint mask --report …`: an interrupt takes the report back. */
export async function maskReport(invocation: Invocation, usage: string): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  // A terminal's Ctrl-C may come twice: from it, and from the program that started this one.
  process.on('SIGINT', interrupt);
  const policyIn = async (file: string) => changedPolicy(resolve(invocation.cwd, file));
  try {
    return await withApi(
      invocation,
      (argv, deps) => run(argv, usage, { ...deps, policyIn, interrupted: interrupted.signal }),
      withConfiguredPolicy,
    );
  } finally {
    process.off('SIGINT', interrupt);
  }
}

/** Beside the database it is compared in this process, with the policy that is configured here. */
const withConfiguredPolicy: Adjust = async (deps, context) => {
  const config = demonstrated(context.config);
  const around = { ...context, config };
  const inForce = existsSync(config.policy) ? await compileFile(config.policy, surroundings(around)) : null;
  return {
    ...deps,
    maskReport: async (changed) => {
      const configured = inForce ?? (changed ? null : await compileFile(config.policy, surroundings(around)));
      const ready = readyMaskReport(around, {
        policy: () => ({ masking: configured?.policy.masking }),
        policyText: () => configured?.text ?? '',
      });
      return ready(changed);
    },
  };
};

/**
 * A policy file, and those of its rule files that can be read: what is missing is known where the policy is in force, or
 * told there with its line.
 * @throws ConfigError when it cannot be read
 */
async function changedPolicy(file: string): Promise<ChangedPolicy> {
  const text = await readPolicy(file);
  const read = ruleFileReader(file);
  const ruleFiles = ruleFilesOf(maskingOf(text)).flatMap((path) => {
    try {
      return [{ path, text: read(path) }];
    } catch {
      return [];
    }
  });
  return { text, ruleFiles };
}

/** Whatever is wrong with it is told where it is compiled. */
function maskingOf(text: string): unknown {
  try {
    const value: unknown = parse(text);
    return typeof value === 'object' && value !== null && 'masking' in value ? value.masking : undefined;
  } catch {
    return undefined;
  }
}
