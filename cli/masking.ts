import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { defaultMaskingConfig, type ReadText } from '../masking/check-config.ts';
import { createMaskingEngine } from '../masking/create.ts';
import type { Masker } from '../masking/engine.ts';
import type { Approvals } from '../workflows/client.ts';

/** The masker of processes that know no policy: everything that is detected by default. */
export function defaultMasker(): Masker {
  return createMaskingEngine(defaultMaskingConfig).masker('default');
}

/** Reads the `ruleFiles` of a policy, each relative to the policy's own file. */
export function ruleFileReader(policyFile: string): ReadText {
  return (path) => readFileSync(resolve(dirname(policyFile), path), 'utf8');
}

/** Masks what people type as a reason before it is signed, sent to Temporal, stored or shown. */
export function maskingReasons(approvals: Approvals): Approvals {
  const masker = defaultMasker();
  return {
    ...approvals,
    decide: (request) =>
      approvals.decide({
        ...request,
        reason: request.reason === null ? null : masker.text(request.reason).text,
        ...(request.bounds && { bounds: masker.text(request.bounds).text }),
      }),
  };
}
