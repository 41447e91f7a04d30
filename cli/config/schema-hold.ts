import { z } from 'zod';
import { duration, text } from './forms.ts';

const budget = z.union([duration, z.literal('unlimited')]);
const names = z.array(text).min(1, 'must name at least one');

const client = z.strictObject({
  connections: names.optional().describe('Connections that this is for; left out, all.'),
  subjects: names.optional().describe('Callers that this is for, by subject; left out, all.'),
  credentials: names
    .optional()
    .describe('Credentials that this is for, as recordings name them (`jti:…`, `sha256:…`); left out, all.'),
  replyBudget: budget.optional().describe('Instead of `hold.replyBudget`, or `unlimited`.'),
  progressBudget: budget.optional().describe('Instead of `hold.progressBudget`, or `unlimited`.'),
  elicit: z
    .enum(['page', 'wait'])
    .optional()
    .describe(
      "What a client that can be asked things is asked while its call waits: `page`, to visit the request's page; " +
        '`wait`, nothing but to keep a question open, for clients whose clock stands still meanwhile. No answer approves.',
    ),
});

/** The `hold` section. */
export const hold = z
  .strictObject({
    grace: duration
      .default('10m')
      .describe('How long a held call outlives its client under `onDisconnect: keep`.'),
    retention: duration
      .default('24h')
      .describe('How long a result nobody fetched is kept for a client that comes back.'),
    replyBudget: duration
      .default('50s')
      .describe('How long a held request waits before it is answered "pending".'),
    progressBudget: duration.default('210s').describe('The same for a client that asked for progress.'),
    clients: z
      .array(client)
      .default([])
      .describe(
        'Differently for some clients; the first that fits counts, and nothing is learned about those.',
      ),
  })
  .prefault({})
  .describe('Held calls.');
