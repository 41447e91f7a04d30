import { z } from 'zod';
import { longestValue, revocationKinds } from '../../db/revocations.ts';
import { roleNames } from '../roles.ts';
import { actor, text, time, words } from './schemas.ts';

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
  reason: text(longestValue),
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

export const token = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['personal', 'service']),
  subject: z.string(),
  owner: z.string(),
  groups: z.array(z.string()),
  scopes: z.array(z.string()).nullable(),
  createdBy: z.string(),
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time.nullable(),
  revokedAt: time.nullable(),
});
export const tokens = z.object({ tokens: z.array(token) });
export const tokenBody = z.strictObject({
  name: words(100),
  service: words(63).optional().describe('For a service of this name. Left out: for yourself.'),
  scopes: z.array(words(200)).max(200).nullable().optional().describe('null or left out: everything.'),
  groups: z.array(words(300)).max(500).optional().describe('Of yours; left out for yourself: all of them.'),
  lifeMs: z.number().positive().max(1e12).optional().describe('Left out: 90 days, or as long as is allowed.'),
});
export const madeToken = z.object({
  secret: z.string().describe('Shown this once.'),
  token: token.omit({ createdAt: true, lastUsedAt: true, revokedAt: true }),
});

export const signIns = z.object({
  signIns: z.array(
    z.object({
      id: z.string(),
      client: z.string(),
      clientName: z.string().nullable(),
      resource: z.string(),
      scopes: z.array(z.string()),
      signedInAt: time,
      expiresAt: time,
    }),
  ),
});
export const passkeys = z.object({
  passkeys: z.array(
    z.object({ id: z.string(), name: z.string(), addedAt: time, lastUsedAt: time.nullable() }),
  ),
});
export const connectionParam = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[\w.-]+$/),
});
export const connections = z.object({
  connections: z.array(
    z.object({
      name: z.string(),
      host: z.string().describe('Where you sign in.'),
      signedInAt: time.nullable(),
    }),
  ),
});

export const policyCheckBody = z.strictObject({ text: z.string().max(60_000).describe('A policy file.') });
export const policyChecked = z.object({
  valid: z.boolean(),
  problems: z.array(z.object({ line: z.number().int().nullable(), path: z.string(), message: z.string() })),
});

export const status = z.object({
  me: z.object({
    name: z.string(),
    subject: z.string(),
    groups: z.array(z.string()),
    roles: z.array(z.enum(roleNames)),
  }),
  pendingApprovals: z.number().int(),
  revocationsInForce: z.number().int(),
  frozen: z.boolean(),
  gateways: z.number().int().describe('Gateways that are alive.'),
  policyVersion: z.string().nullable(),
  version: z.string().describe("Holdpoint's own."),
});
