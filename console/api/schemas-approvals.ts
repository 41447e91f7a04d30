import { z } from 'zod';
import { heldStates } from '../../db/held-calls-shown.ts';
import type { CallContext } from '../../db/held-context.ts';
import { flag, limit, reason, text, time, words } from './schemas.ts';

export const approvalsQuery = z.strictObject({
  state: z
    .enum([...heldStates, 'ended'])
    .optional()
    .describe('Left out: those that wait. `ended`: whatever does not wait any more.'),
  connection: words(200).optional(),
  text: words(200).optional(),
  before: z.iso.datetime().optional().describe('Only requests made before this time: the next page.'),
  limit,
});

const decision = z.object({
  name: z.string(),
  decision: z.enum(['approve', 'deny']),
  reason: z.string().nullable(),
  via: z.string(),
  at: time,
});
const task = z.object({
  callId: z.string(),
  openedAt: z.string(),
  takenBy: z.string().nullable(),
  readBack: z.enum(['none', 'wanted', 'running', 'done']),
  shown: z.object({ ok: z.boolean(), text: z.string() }).nullable(),
  mark: z.enum(['happened', 'did-not-happen']).nullable(),
  reason: z.string().nullable(),
  markedBy: z.string().nullable(),
  markedAt: z.string().nullable(),
});

export const approval = z.object({
  id: z.string(),
  state: z.enum(heldStates),
  connection: z.string(),
  method: z.string(),
  tool: z.string(),
  subject: z.string(),
  callerKey: z.string(),
  client: z.string().nullable(),
  rule: z.string(),
  reason: z.string().nullable(),
  risk: z.string(),
  policyVersion: z.string(),
  digest: z.string(),
  argumentsJson: z.string().describe('The masked arguments: JSON text, whole.'),
  intent: z
    .string()
    .nullable()
    .describe('What the agent says that the call is for, masked. Nothing proves it.'),
  context: z
    .custom<CallContext | null>()
    .describe('What helps to decide: what came before, a preview, doubts. Masked.'),
  approvers: z.array(z.string()),
  approvalsNeeded: z.number().int(),
  quorum: z.string().describe('Who must approve, in words.'),
  decisions: z.array(decision),
  extensions: z.array(z.object({ name: z.string(), byMs: z.number(), via: z.string() })),
  extensionsLeft: z.number().int(),
  grantOffer: z
    .object({ calls: z.number().int(), forMs: z.number() })
    .nullable()
    .describe('What approvers may release beside the call.'),
  stepUp: z.string().nullable().describe('The proof that approving takes, in words.'),
  outcome: task.nullable().describe('What somebody has to find out about a call of unknown outcome.'),
  createdAt: time,
  expiresAt: time,
  endedAt: time.nullable(),
  endedBecause: z.string().nullable(),
});
export const approvals = z.object({ approvals: z.array(approval), next: time.nullable() });

export const decisionBody = z.strictObject({
  decision: z.enum(['approve', 'deny']),
  reason: reason.optional().describe('Needed to deny: the agent reads it.'),
  digest: z.string().max(200).describe('The digest of what is decided on, as it was shown.'),
  tool: z.string().max(1000).optional().describe('Needed to approve a critical request: its tool.'),
  bounds: text(200).optional().describe('With a denial: within what it would be fine. The agent reads it.'),
  grant: z
    .strictObject({ calls: z.int().min(1), minutes: z.number().positive() })
    .optional()
    .describe('With an approval: further calls like it, within what policy offers.'),
  passkey: z.string().max(20_000).optional().describe("The browser's answer, where a passkey is asked for."),
});
export const digestBody = z.strictObject({
  digest: z.string().max(200).describe('The digest of the request, as it was shown.'),
});
export const cancelBody = z.strictObject({ reason: reason.optional() });
export const decided = z.object({ counted: z.boolean(), text: z.string(), approval });
export const alike = z.object({ approvals: z.array(approval) });

export const outcomes = z.object({
  outcomes: z.array(
    z.object({
      callId: z.string(),
      connection: z.string(),
      tool: z.string(),
      endedAt: time.nullable(),
      task,
    }),
  ),
});
export const markBody = z.strictObject({
  mark: z.enum(['happened', 'did-not-happen']),
  reason: reason.describe('How you know.'),
});

export const grantsQuery = z.strictObject({ open: flag.default('true'), limit });
export const grant = z.object({
  id: z.string(),
  callId: z.string(),
  connection: z.string(),
  tool: z.string(),
  rule: z.string(),
  subject: z.string(),
  calls: z.number().int(),
  used: z.number().int(),
  givenBy: z.array(z.string()),
  createdAt: time,
  expiresAt: time,
  revokedAt: time.nullable(),
  open: z.boolean(),
});
export const grants = z.object({ grants: z.array(grant) });

export const freeze = z.object({
  frozen: z.boolean(),
  words: z.string().nullable().describe('How it came to be, in a sentence; null while calls run.'),
});
export const freezeBody = z.strictObject({ reason: reason.optional() });

export const definitionsQuery = z.strictObject({
  settled: flag.describe('Accepted and rejected ones too.'),
  limit: z.coerce.number().int().min(1).max(10_000).default(50),
});
export const definition = z.object({
  id: z.string(),
  state: z.string(),
  connection: z.string(),
  tool: z.string(),
  version: z.number().int(),
  hash: z.string(),
  definitionJson: z.string(),
  before: z
    .object({ version: z.number().int(), hash: z.string(), definitionJson: z.string() })
    .nullable()
    .describe('What is, or was last, accepted of the same tool.'),
  approvers: z.array(z.string()),
  foundAt: time,
  decidedBy: z.string().nullable(),
  decidedAt: time.nullable(),
});
export const definitions = z.object({ definitions: z.array(definition) });
export const definitionDecisionBody = z.strictObject({
  decision: z.enum(['approve', 'deny']),
  hash: z.string().max(200).describe('Of the definition that is decided on, as it was shown.'),
  reason: reason.optional(),
});
export const definitionDecided = z.object({ counted: z.boolean(), text: z.string(), definition });
