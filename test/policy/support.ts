import assert from 'node:assert/strict';
import { compilePolicy, formatPolicyError, type CompileOptions } from '../../policy/compile.ts';
import type { Policy } from '../../policy/policy.ts';
import type { PolicyInput } from '../../policy/verdict.ts';

export const around: CompileOptions = {
  file: 'policy.yaml',
  connections: ['files', 'postgres', 'github'],
  slackConfigured: true,
  checkMasking: () => [],
};

/** A policy that must be fine. */
export function policyOf(text: string, options: Partial<CompileOptions> = {}): Policy {
  const result = compilePolicy(text, { ...around, ...options });
  if ('errors' in result) assert.fail(result.errors.map(formatPolicyError).join('\n'));
  return result.policy;
}

/** The errors of a policy that must be refused, one a line as people see them. */
export function errorsOf(text: string, options: Partial<CompileOptions> = {}): readonly string[] {
  const result = compilePolicy(text, { ...around, ...options });
  assert.ok('errors' in result, 'the policy should be refused');
  return result.errors.map(formatPolicyError);
}

interface Asked {
  readonly connection?: string;
  readonly method?: string;
  readonly tool?: string;
  readonly args?: unknown;
  readonly annotations?: Record<string, unknown>;
  readonly subject?: Partial<PolicyInput['caller']>;
  readonly calls?: number;
  readonly now?: string;
}

/** A call as the gateway would ask about it. */
export function inputOf({
  connection = 'files',
  method = 'tools/call',
  tool = 'read_file',
  ...asked
}: Asked = {}): PolicyInput {
  const now = new Date(asked.now ?? '2026-06-01T10:00:00Z');
  return {
    call: { connection, method, tool, args: asked.args ?? null, annotations: asked.annotations ?? {} },
    caller: {
      key: 'local:agent',
      subject: 'local-agent',
      issuer: null,
      email: null,
      name: null,
      groups: [],
      actors: [],
      client: null,
      credentialId: null,
      claims: {},
      ...asked.subject,
    },
    session: { id: 's1', startedAt: new Date('2026-06-01T09:00:00Z'), calls: asked.calls ?? 1 },
    now,
  };
}
