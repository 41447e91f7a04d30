import assert from 'node:assert/strict';
import type { RoleContext } from '../../cli/roles/context.ts';
import { readyMaskReport } from '../../cli/roles/mask-report.ts';
import type { PolicyInForce, ReadyMaskReport } from '../../console/deps.ts';
import type { Pool } from '../../db/pool.ts';
import { checkMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { profileNames } from '../../masking/config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import type { MaskingEngine } from '../../masking/engine.ts';
import { compilePolicy } from '../../policy/compile.ts';
import type { KeyRing } from '../../recording/key-ring.ts';

/** A policy in force without files, and masking reports with it. */
export interface ReportParts {
  readonly rules: PolicyInForce;
  readonly maskReport: ReadyMaskReport;
  readonly engine: MaskingEngine;
}

/** Puts the text of a policy in force for a test. */
export function reportParts(pool: Pool, keyRing: KeyRing, text: string): ReportParts {
  const compiled = compilePolicy(text, {
    file: 'policy.yaml',
    connections: null,
    slackConfigured: null,
    checkMasking: (value) => checkMaskingConfig(value),
  });
  assert.ok('policy' in compiled, JSON.stringify(compiled));
  const { policy } = compiled;
  const pseudonymKey = new Uint8Array(32);
  const engine = createMaskingEngine(loadMaskingConfig(policy.masking), pseudonymKey);
  const rules = {
    policy: () => policy,
    policyText: () => text,
    masking: () => engine,
    profiles: () => profileNames(policy.masking),
  };
  const context = {
    config: { policy: '/nowhere/policy.yaml', connections: { crm: {} }, slack: null },
    pool,
    keys: { keyRing, pseudonymKey },
    together: false,
  } as unknown as RoleContext;
  return { rules, engine, maskReport: readyMaskReport(context, rules) };
}
