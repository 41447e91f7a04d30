import { z } from 'zod';
import { flag, reason, time, words } from './schemas.ts';

export const sessionParam = z.strictObject({
  // Whatever a session was called: PostgreSQL takes all but this one character.
  id: z
    .string()
    .min(1)
    .max(300)
    // oxlint-disable-next-line no-control-regex -- it is what is refused
    .regex(/^[^\u0000]+$/),
});

/** By what sessions are chosen. */
const filter = {
  subject: words(300).optional(),
  person: words(300).optional().describe('Whose subject or stable key it is.'),
  connection: words(200).optional(),
  tool: words(200).optional(),
  verdict: z.enum(['pass', 'deny', 'hold']).optional(),
  rule: words(200).optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
};
export type SessionChoice = Readonly<{ [K in keyof typeof filter]?: string | undefined }>;

export const sessionsQuery = z.strictObject({
  ...filter,
  limit: z.coerce.number().int().min(1).max(1000).default(50),
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
  callerKey: z.string(),
  subject: z.string(),
  client: z.string().nullable(),
  credentialId: z.string().nullable(),
  openedAt: time,
  lastAt: time.nullable(),
  endedAt: time.nullable(),
  endedBecause: z.string().nullable(),
  destroyedAt: time.nullable().describe('When it was purged: nothing of what it said can be read since.'),
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
export const event = z.object({
  strand: z.string(),
  seq: z.number().int(),
  kind: z.string(),
  direction: z.enum(['client-to-upstream', 'upstream-to-client', 'none']),
  at: time.describe('ISO 8601, UTC, with microseconds.'),
  clock: time.describe('What the clock said, where it went back.'),
  callId: z.string().nullable(),
  method: z.string().nullable(),
  tool: z.string().nullable(),
  verdict: z.string().nullable(),
  rule: z.string().nullable(),
  policyVersion: z.string().nullable(),
  risk: z.string().nullable(),
  unmaskedLength: z.number().nullable(),
  changed: z
    .object({ subject: z.string(), credentialId: z.string().nullable() })
    .nullable()
    .describe("Whose event it was, when not the session's own any more."),
  confirmed: z.boolean().describe('False: it was never confirmed to its recorder, so it did not go on.'),
  leaf: z.string().describe('Leaf hash in the log, hexadecimal.'),
  text: z
    .string()
    .nullable()
    .describe('What was recorded, masked; null when it cannot be read, or is no text.'),
  base64: z.string().nullable().describe('The same, where it is no text.'),
  problem: z.enum(['unreadable', 'wrong_session', 'gap', 'cannot_unseal']).nullable(),
});
export const events = z.object({ session, events: z.array(event), next: z.string().nullable() });
export const streamQuery = z.strictObject({
  follow: flag.describe('Go on with what comes later, until the session has ended.'),
});

export const packageBody = z.strictObject({
  chosen: z
    .array(sessionParam.shape.id)
    .max(1000)
    .optional()
    .describe(
      'Ids of sessions, and people (subject or stable key), of whose sessions those count that the filter leaves. Left out: all that it leaves.',
    ),
  ...filter,
});

export const searchBody = z.strictObject({
  text: words(500),
  ...filter,
  limit: z.int().min(1).max(100_000).default(100),
});
export const found = z.object({
  session: z.string(),
  subject: z.string(),
  strand: z.string(),
  seq: z.number().int(),
  at: time,
  kind: z.string(),
  callId: z.string().nullable(),
  tool: z.string().nullable(),
  excerpt: z.string(),
});
export const matchBody = z.strictObject({
  sessions: z
    .array(sessionParam.shape.id)
    .max(1000)
    .optional()
    .describe('Left out: whatever the filter leaves.'),
  ...filter,
  base64: z.base64().describe('The whole message, byte for byte as it passed.'),
});
export const match = z.object({
  sessionId: z.string(),
  strand: z.string(),
  seq: z.number().int(),
  at: time,
  direction: z.string(),
  callId: z.string().nullable(),
  method: z.string().nullable(),
  tool: z.string().nullable(),
});

export const legalHolds = z.object({
  standing: z.array(
    z.object({
      number: z.number().int(),
      subject: z.string().nullable(),
      connection: z.string().nullable(),
      reason: z.string(),
      madeBy: z.string(),
      madeAt: time,
    }),
  ),
  sessions: z.array(z.object({ sessionId: z.string(), subject: z.string(), reason: z.string() })),
});
export const holdBody = z
  .strictObject({
    session: sessionParam.shape.id.optional(),
    subject: words(300).optional(),
    connection: words(200).optional(),
    reason,
  })
  .describe(
    'One session; or all of a person, a connection, or a person on a connection, those to come included.',
  );
export const held = z.object({ number: z.number().int().nullable().describe('Of a standing hold.') });
export const releaseBody = z
  .strictObject({
    session: sessionParam.shape.id.optional(),
    number: z.int().min(1).max(2_147_483_647).optional(),
    reason,
  })
  .describe('One session, or a standing hold by its number.');

export const proofQuery = z.strictObject({
  session: sessionParam.shape.id.optional().describe('Of a call that was not held.'),
});
export const proof = z.looseObject({ format: z.string(), callId: z.string() });

export const breakGlass = z.object({
  id: z.string(),
  state: z.enum(['waiting', 'open', 'refused', 'revoked', 'over']),
  session: z.string(),
  call: z.string().nullable(),
  reason: z.string(),
  minutes: z.number().int(),
  askedBy: z.string(),
  askedAt: time,
  answeredBy: z.string().nullable(),
  answeredAt: time.nullable(),
  until: time.nullable(),
  says: z.string().describe('Where it stands, in words.'),
});
export const breakGlasses = z.object({ requests: z.array(breakGlass) });
export const breakGlassBody = z.strictObject({
  session: sessionParam.shape.id,
  call: words(200).nullable().optional(),
  reason,
  minutes: z.int().min(1).max(480).default(60),
});
export const breakGlassAnswer = z.strictObject({ answer: z.enum(['agree', 'refuse']) });
export const openedCopy = z.object({
  at: time,
  direction: z.enum(['client-to-upstream', 'upstream-to-client', 'none']),
  callId: z.string().nullable(),
  method: z.string().nullable(),
  tool: z.string().nullable(),
  text: z.string().nullable().describe('As it was before masking; null when this key does not open it.'),
});
