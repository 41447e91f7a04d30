import { z } from 'zod';
import type { Caller } from './caller.ts';
import { expectedTerms, furtherCall, isCovered, termsOf } from './case-terms.ts';
import { decide } from './decide.ts';
import type { Policy } from './policy.ts';
import { formatPath, placeOfProblem, problemsOf } from './problems.ts';
import type { PolicyError } from './compile.ts';
import type { PolicyInput, Verdict } from './verdict.ts';
import { readYaml } from './yaml-source.ts';

const expectation = z.strictObject({
  verdict: z.enum(['pass', 'deny', 'hold']).describe('What policy must answer.'),
  rule: z.string().optional().describe('Name of the rule that must give the answer; `default` for none.'),
  risk: z.enum(['low', 'medium', 'high', 'critical']).optional(),
  approvers: z.array(z.string()).optional().describe('Names of the approver groups, in order.'),
  approvals: z.int().optional(),
  mask: z.string().optional().describe('Masking profile.'),
  reason: z.string().optional(),
  terms: expectedTerms
    .optional()
    .describe('On what terms; whatever is named must be exactly so, `null` stands for none.'),
  further: z
    .array(furtherCall)
    .optional()
    .describe('Further calls of the same tool, and whether a grant that is given with this one covers them.'),
});

const testCase = z.strictObject({
  name: z.string().min(1, 'must not be empty').describe('What must hold, in a sentence.'),
  call: z.strictObject({
    connection: z.string(),
    tool: z.string().default(''),
    method: z.string().default('tools/call'),
    args: z.unknown().optional(),
    annotations: z.record(z.string(), z.unknown()).default({}),
  }),
  subject: z
    .strictObject({
      id: z.string().default('local-agent'),
      issuer: z.string().nullable().default(null),
      email: z.string().nullable().default(null),
      name: z.string().nullable().default(null),
      groups: z.array(z.string()).default([]),
      actors: z.array(z.string()).default([]),
      client: z.string().nullable().default(null),
      credential: z.string().nullable().default(null),
      credentialKind: z.enum(['anonymous', 'oauth', 'workload', 'token']).default('oauth'),
      scopes: z.array(z.string()).nullable().default(null),
      acr: z.string().nullable().default(null),
      amr: z.array(z.string()).default([]),
      authAgeSec: z.number().min(0).nullable().default(null),
      claims: z.record(z.string(), z.unknown()).default({}),
    })
    .prefault({}),
  session: z.strictObject({ calls: z.int().min(0).default(1) }).prefault({}),
  now: z.iso
    .datetime({ offset: true, error: 'must be a time such as `2026-01-31T09:00:00Z`' })
    .default('2026-01-01T12:00:00Z'),
  expect: expectation,
});

/** A file of cases as `holdpoint policy test` takes it. The JSON Schema for editors is made from this. */
export const casesSchema = z.strictObject({ cases: z.array(testCase).min(1, 'must hold at least one case') });

export type PolicyCase = z.output<typeof testCase>;

/** One case with what policy answered. `differences` is empty when it is as expected. */
export interface CaseResult {
  readonly name: string;
  readonly line: number;
  readonly differences: readonly {
    readonly key: string;
    readonly expected: string;
    readonly actual: string;
  }[];
  /** Where the answer came from. */
  readonly rule: string;
  readonly verdict: Verdict['kind'];
}

/** Runs every case of a file against a policy. Any text gives results or errors; nothing is thrown. */
export function testPolicy(
  policy: Policy,
  text: string,
  file: string,
): { readonly results: readonly CaseResult[] } | { readonly errors: readonly PolicyError[] } {
  const source = readYaml(text);
  if ('problems' in source)
    return { errors: source.problems.map((problem) => ({ file, path: '', ...problem })) };
  const parsed = casesSchema.safeParse(source.value ?? {});
  if (!parsed.success)
    return {
      errors: problemsOf(parsed.error, casesSchema).map((problem) => ({
        file,
        ...placeOfProblem(source, problem),
        path: formatPath(problem.path),
        message: problem.message,
      })),
    };
  const results = parsed.data.cases.map((one, index): CaseResult => {
    const input = inputOf(one);
    const verdict = decide(policy, input);
    const { line } = source.placeOf(['cases', index]);
    return {
      name: one.name,
      line,
      rule: verdict.rule,
      verdict: verdict.kind,
      differences: [...compare(one.expect, verdict), ...compareTerms(policy, one.expect, verdict, input)],
    };
  });
  return { results };
}

function inputOf({ call, subject, session, now }: PolicyCase): PolicyInput {
  const { id, credential, credentialKind, scopes, acr, amr, authAgeSec, ...rest } = subject;
  const at = new Date(now);
  const authenticatedAtMs = authAgeSec === null ? null : at.getTime() - authAgeSec * 1000;
  const proof = { kind: credentialKind, scopes, acr, amr, authenticatedAtMs };
  const caller: Caller = { ...rest, key: `test:${id}`, subject: id, credentialId: credential, proof };
  return {
    call: { ...call, args: call.args ?? null },
    caller,
    session: { id: 'test', startedAt: at, calls: session.calls },
    now: at,
  };
}

function compare(expected: PolicyCase['expect'], verdict: Verdict): CaseResult['differences'] {
  const actual: Readonly<Record<string, unknown>> = {
    verdict: verdict.kind,
    rule: verdict.rule,
    risk: verdict.risk,
    mask: verdict.maskProfile,
    reason: verdict.reason,
    ...(verdict.kind === 'hold'
      ? { approvers: verdict.approvers.map(({ name }) => name), approvals: verdict.approvalsNeeded }
      : {}),
  };
  const { terms: _, further: __, ...plain } = expected;
  return Object.entries(plain).flatMap(([key, value]) => {
    const wanted = show(value);
    const got = show(actual[key]);
    return wanted === got ? [] : [{ key, expected: wanted, actual: got }];
  });
}

function compareTerms(
  policy: Policy,
  { terms = {}, further = [] }: PolicyCase['expect'],
  verdict: Verdict,
  input: PolicyInput,
): CaseResult['differences'] {
  const actual = termsOf(policy, verdict, input);
  const wrong = Object.entries(terms).flatMap(([key, value]) => {
    const [wanted, got] = [show(value), show(actual[key])];
    return wanted === got ? [] : [{ key: `terms.${key}`, expected: wanted, actual: got }];
  });
  const differing = further.flatMap(({ args, covered }) => {
    const got = isCovered(verdict, input, args);
    return got === covered ? [] : [{ key: `further ${show(args)}`, expected: covered, actual: got }];
  });
  return [
    ...wrong,
    ...differing.map((one) => ({ ...one, expected: String(one.expected), actual: String(one.actual) })),
  ];
}

/** A value in words that compare: the order of keys does not count. */
function show(value: unknown): string {
  if (value === undefined || value === null) return '(none)';
  if (typeof value === 'string') return value;
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
