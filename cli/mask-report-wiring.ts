import { resolve } from 'node:path';
import { loadMaskingConfig } from '../masking/check-config.ts';
import { profileNames } from '../masking/config.ts';
import { createMaskingEngine } from '../masking/create.ts';
import { opened } from './command-wiring.ts';
import { readMaskingPolicy } from './commands/mask.ts';
import type { Invocation } from './main.ts';
import { ruleFileReader } from './masking.ts';
import { acting } from './recording-wiring.ts';

/** `holdpoint mask --report …`: reads recordings, so who asks is recorded before anything is read. */
export async function maskReport(invocation: Invocation, usage: string): Promise<number> {
  const { run } = await import('./commands/mask-report.ts');
  const { argv, cwd, out, err } = invocation;
  return opened(invocation, async (parts) =>
    acting(invocation, parts, 'recordings.read', async ({ recordAct }) =>
      run(argv, usage, {
        pool: parts.pool,
        keyRing: parts.keys.keyRing,
        changed: async (named) => {
          const file = named === undefined ? parts.config.policy : resolve(cwd, named);
          const policy = await readMaskingPolicy(parts.config, file);
          return {
            policy,
            profiles: profileNames(policy.masking),
            engine: createMaskingEngine(
              loadMaskingConfig(policy.masking, ruleFileReader(file)),
              parts.keys.pseudonymKey,
            ),
          };
        },
        now: () => new Date(),
        recordAct,
        out,
        err,
      }),
    ),
  );
}
