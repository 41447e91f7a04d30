// oxlint-disable unicorn/no-thenable -- `then` is the policy language's word; these objects are never awaited
import { z } from 'zod';
import { approverGroup, holdTerms, name } from './hold-schema.ts';

const text = z.string().min(1, 'must not be empty').max(500, 'must be at most 500 characters');

const globs = z
  .union([z.string(), z.array(z.string()).min(1, 'must name at least one')], {
    error: 'must be a glob such as `list_*`, or a list of globs',
  })
  .refine(
    (value) => [value].flat().every((glob) => glob !== ''),
    'must not contain an empty glob: it can never match',
  );

const risk = z
  .enum(['low', 'medium', 'high', 'critical'])
  .describe('How dangerous a matching call is. Shown to people.');
const mask = name.describe('Masking profile. Default: `default`.');
const reason = text.describe('Why, in words for the agent and for the people who decide.');

const match = z
  .strictObject({
    connection: globs.optional().describe('Name of the connection.'),
    method: globs.optional().describe('MCP method. Default: `tools/call`.'),
    tool: globs.optional().describe('Name of the tool or prompt, or URI of the resource.'),
    subject: globs.optional().describe("The caller's subject (OIDC `sub`, or `local-agent`)."),
    group: globs.optional().describe('At least one group of the caller.'),
  })
  .refine(
    (value) => Object.keys(value).length > 0,
    'must name at least one of connection, method, tool, subject, group',
  )
  .describe('All of what is named must match. Cheap: looked at before `when`.');

const common = {
  name: name.describe('Unique. Shown with every verdict.'),
  match: match.optional(),
  when: z
    .string()
    .min(1, 'must not be empty')
    .optional()
    .describe('CEL over `call`, `subject`, `session` and `now`; must give true for the rule to match.'),
  risk: risk.optional(),
  mask: mask.optional(),
};

const askIntent = z
  .boolean()
  .describe(
    'Whether the agent must say what a matching call is for. The tool then has one argument more, which never reaches the server.',
  );

const passRule = z.strictObject({ ...common, then: z.literal('pass'), askIntent: askIntent.optional() });
const denyRule = z.strictObject({ ...common, then: z.literal('deny'), reason: reason.optional() });
const holdRule = z.strictObject({
  ...common,
  then: z.literal('hold'),
  reason: reason.optional(),
  askIntent: askIntent.optional(),
  ...holdTerms,
});

const missingDefault =
  'is missing; say what happens to tool calls that no rule matches: `pass`, `deny`, or a hold';

const defaultVerdict = z
  .union(
    [
      z.enum(['pass', 'deny']),
      z.discriminatedUnion('then', [
        z.strictObject({
          then: z.literal('pass'),
          risk: risk.optional(),
          mask: mask.optional(),
          askIntent: askIntent.optional(),
        }),
        z.strictObject({
          then: z.literal('deny'),
          risk: risk.optional(),
          mask: mask.optional(),
          reason: reason.optional(),
        }),
        z.strictObject({
          then: z.literal('hold'),
          risk: risk.optional(),
          mask: mask.optional(),
          reason: reason.optional(),
          askIntent: askIntent.optional(),
          ...holdTerms,
        }),
      ]),
    ],
    { error: ({ input }) => (input === undefined ? missingDefault : undefined) },
  )
  .describe('The verdict for tool calls that no rule matches.');

const definitionMode = z.enum(['trust-on-first-use', 'approve', 'open'], {
  error: 'must be `trust-on-first-use`, `approve` or `open`',
});

const definitions = z
  .union([
    definitionMode,
    z.strictObject({
      mode: definitionMode.optional().describe('For connections that are not named below.'),
      connections: z.record(name, definitionMode).optional().describe('Modes by name of the connection.'),
      approvers: z
        .array(name)
        .min(1, 'must name at least one approver group, or be left out')
        .optional()
        .describe('Groups whose members may accept a definition. Default: every group under `approvers`.'),
    }),
  ])
  .describe(
    "What happens to a tool whose definition is new or has changed. `approve`: both wait for a person, out of the agents' sight. `trust-on-first-use`: the first one seen is accepted, a changed one waits. `open`: none waits. Default: `trust-on-first-use` where there are `approvers`, else `open`.",
  );

/** `policy.yaml` as it is written. The JSON Schema for editors is made from this. */
export const policySchema = z.strictObject({
  default: defaultVerdict,
  approvers: z.record(name, approverGroup).optional().describe('Approver groups by name.'),
  rules: z
    .array(z.discriminatedUnion('then', [passRule, denyRule, holdRule]))
    .optional()
    .describe('The first rule that matches gives the verdict.'),
  definitions: definitions.optional(),
  masking: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('Masking profiles by name; see docs/masking.md.'),
});

export type PolicyFile = z.output<typeof policySchema>;
export type RuleFile = NonNullable<PolicyFile['rules']>[number];
