import { z } from 'zod';
import { heldStates } from '../../db/held-calls-shown.ts';
import { longestValue, revocationKinds } from '../../db/revocations.ts';
import { roleNames } from '../roles.ts';

const time = z.string().describe('ISO 8601, UTC.');
/** Printable text that PostgreSQL takes. */
const words = (longest: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(longest)
    // oxlint-disable-next-line no-control-regex -- control characters are what is refused
    .regex(/^[^\u0000-\u001f\u007f]*[^\u0000-\u0020\u007f][^\u0000-\u001f\u007f]*$/);

export const none = z.strictObject({});
export const idParam = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[\w.:-]+$/),
});
export const sessionParam = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[\w.:~/-]+$/),
});
export const limit = z.coerce.number().int().min(1).max(500).default(50);

/** `application/problem+json` (RFC 9457). */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string(),
});

export const approvalsQuery = z.strictObject({
  state: z.enum(heldStates).optional(),
  connection: words(200).optional(),
  text: words(200).optional(),
  before: z.iso.datetime().optional().describe('Only requests made before this time: the next page.'),
  limit,
});

export const approval = z.object({
  id: z.string(),
  state: z.enum(heldStates),
  connection: z.string(),
  method: z.string(),
  tool: z.string(),
  subject: z.string(),
  client: z.string().nullable(),
  rule: z.string(),
  reason: z.string().nullable(),
  risk: z.string(),
  policyVersion: z.string(),
  digest: z.string(),
  argumentsJson: z.string().describe('The masked arguments: JSON text, whole.'),
  approvers: z.array(z.string()),
  approvalsNeeded: z.number().int(),
  decisions: z.array(
    z.object({
      name: z.string(),
      decision: z.string(),
      reason: z.string().nullable(),
      via: z.string(),
      at: time,
    }),
  ),
  createdAt: time,
  expiresAt: time,
  endedAt: time.nullable(),
  endedBecause: z.string().nullable(),
});
export const approvals = z.object({ approvals: z.array(approval), next: time.nullable() });

export const decisionBody = z.strictObject({
  decision: z.enum(['approve', 'deny']),
  reason: words(1000).optional().describe('Needed to deny: the agent reads it.'),
  digest: z.string().max(200).describe('The digest of what is decided on, as it was shown.'),
  tool: z.string().max(1000).optional().describe('Needed to approve a critical request: its tool.'),
});
export const decided = z.object({ counted: z.boolean(), text: z.string(), approval });

export const sessionsQuery = z.strictObject({
  subject: words(300).optional(),
  person: words(300).optional().describe('Whose subject or stable key it is.'),
  connection: words(200).optional(),
  tool: words(200).optional(),
  verdict: z.enum(['pass', 'deny', 'hold']).optional(),
  rule: words(200).optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  limit,
  after: z
    .string()
    .max(2000)
    .regex(/^[\w-]*$/)
    .optional()
    .describe('`next` of the page before.'),
});
export const session = z.object({
  id: z.string(),
  connection: z.string(),
  subject: z.string(),
  client: z.string().nullable(),
  openedAt: time,
  lastAt: time.nullable(),
  endedAt: time.nullable(),
  endedBecause: z.string().nullable(),
  records: z.number().int(),
  legalHold: z.string().nullable(),
});
export const sessions = z.object({ sessions: z.array(session), next: z.string().nullable() });

export const records = z.object({
  session,
  vkey: z.string().describe("The log's public key; compare it with one received by another way."),
  checkpoint: z
    .string()
    .nullable()
    .describe('The signed note that the proofs lead to (C2SP tlog-checkpoint).'),
  records: z.array(
    z.object({
      line: z.string().describe('One record as in an exported package (docs/recording-format.md).'),
      proof: z
        .array(z.string())
        .nullable()
        .describe('Inclusion proof, base64; null when the checkpoint does not cover the record yet.'),
    }),
  ),
  next: z.string().nullable(),
});

export const eventsQuery = z.strictObject({
  from: z
    .string()
    .max(12_000)
    .regex(/^[!-~]*$/)
    .optional()
    .describe('`next` of the page before.'),
});
export const events = z.object({
  session,
  events: z.array(
    z.object({
      strand: z.string(),
      seq: z.number().int(),
      kind: z.string(),
      direction: z.string(),
      at: time,
      callId: z.string().nullable(),
      method: z.string().nullable(),
      tool: z.string().nullable(),
      verdict: z.string().nullable(),
      rule: z.string().nullable(),
      policyVersion: z.string().nullable(),
      leaf: z.string().describe('Leaf hash in the log, hexadecimal.'),
      text: z.string().nullable().describe('What was recorded, masked; null when it cannot be read.'),
      problem: z.string().nullable(),
    }),
  ),
  next: z.string().nullable(),
});

const actor = z.object({ key: z.string(), name: z.string(), via: z.string() });
export const revocation = z.object({
  id: z.string(),
  kind: z.enum(revocationKinds),
  value: z.string(),
  reason: z.string(),
  revokedBy: actor,
  revokedAt: time,
  liftedBy: actor.nullable(),
  liftedAt: time.nullable(),
  liftedReason: z.string().nullable(),
});
export const revocations = z.object({ revocations: z.array(revocation) });
export const revokeBody = z.strictObject({
  kind: z.enum(revocationKinds),
  value: words(longestValue),
  reason: words(longestValue),
});
export const revoked = z.object({
  revocation,
  replicas: z.object({ confirmed: z.number().int(), alive: z.number().int() }),
  confirmedAfterMs: z.number(),
  inFlight: z.array(
    z.object({
      kind: z.enum(['request', 'stream', 'waiting', 'running']),
      connection: z.string(),
      method: z.string().nullable(),
      tool: z.string().nullable(),
      subject: z.string(),
      sessionId: z.string().nullable(),
      correlationId: z.string().nullable(),
      callId: z.string().nullable(),
      startedAt: time,
    }),
  ),
});

export const grantsQuery = z.strictObject({ open: z.enum(['true', 'false']).default('true'), limit });
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

export const token = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['personal', 'service']),
  owner: z.string(),
  scopes: z.array(z.string()).nullable(),
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time.nullable(),
  revokedAt: time.nullable(),
});
export const tokens = z.object({ tokens: z.array(token) });

export const definitionsQuery = z.strictObject({ limit });
export const definitions = z.object({
  definitions: z.array(
    z.object({
      id: z.string(),
      connection: z.string(),
      tool: z.string(),
      hash: z.string(),
      version: z.number().int(),
      state: z.string(),
      definitionJson: z.string(),
      foundAt: time,
    }),
  ),
});

export const policyCheckBody = z.strictObject({ text: z.string().max(60_000).describe('A policy file.') });
export const policyChecked = z.object({
  valid: z.boolean(),
  problems: z.array(z.object({ line: z.number().int().nullable(), path: z.string(), message: z.string() })),
});

export const status = z.object({
  me: z.object({ name: z.string(), subject: z.string(), roles: z.array(z.enum(roleNames)) }),
  pendingApprovals: z.number().int(),
  revocationsInForce: z.number().int(),
  gateways: z.number().int().describe('Gateways that are alive.'),
  policyVersion: z.string().nullable(),
});
export const done = z.object({ done: z.boolean() });
