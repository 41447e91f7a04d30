import { z } from 'zod';
import { durationPattern, parseDuration } from './durations.ts';

const duration = z
  .string({ error: 'must be a duration such as `30m`, `1h30m` or `2d`' })
  .regex(durationPattern, 'must be a duration such as `30m`, `1h30m` or `2d`')
  .refine(
    (value) => !durationPattern.test(value) || parseDuration(value) !== null,
    'must be longer than nothing and at most 366 days',
  );
const expression = z.string().min(1, 'must not be empty').max(2000, 'must be at most 2000 characters');
/** Somebody waits for the answer: a client, and then an approver. */
const longestTimeoutMs = 15_000;

const companion = {
  tool: z.string().min(1, 'must not be empty').max(200).describe('A tool of the same connection.'),
  args: z
    .record(z.string(), expression)
    .optional()
    .describe('Its arguments: CEL over `call`, `subject` and `now`, by name.'),
  timeout: duration
    .refine((value) => (parseDuration(value) ?? 0) <= longestTimeoutMs, 'must be at most 15 seconds')
    .optional()
    .describe('How long it may take. Default: `5s`.'),
};

const grants = z
  .strictObject({
    calls: z.int().min(1).max(1000).describe('For how many further calls one approval may be given at most.'),
    for: duration
      .refine((value) => (parseDuration(value) ?? 0) <= 7 * 86_400_000, 'must be at most 7 days')
      .describe('For how long at most.'),
    scope: z
      .enum(['session', 'caller'])
      .optional()
      .describe(
        'Whether further calls must come from the same session (default) or only from the same caller.',
      ),
    where: z
      .array(expression)
      .min(1, 'must name at least one, or be left out')
      .max(10, 'must name at most 10')
      .optional()
      .describe(
        'CEL over `call`, `subject`, `now` and `approved.args` (the arguments that were approved); all must be true for a call to be covered.',
      ),
  })
  .describe('What an approver may release together with the call itself.');

/** Members of a hold that let an approver see and release more than one call. */
export const offerTerms = {
  grants: grants.optional(),
  preview: z
    .strictObject(companion)
    .optional()
    .describe('A call that only reads, made when the call is held; approvers see its masked answer.'),
  precondition: z
    .strictObject({
      ...companion,
      holds: expression.describe(
        'CEL over `result`, `before` (the result when the call was held), `call`, `subject` and `now`; must be true.',
      ),
    })
    .optional()
    .describe('A call that only reads, made when the call is held and again right before it is sent.'),
  readBack: z
    .strictObject(companion)
    .optional()
    .describe('A call that only reads, made when nobody knows whether the held call took effect.'),
};

/** The offers of a hold as they are written. */
export type OffersFile = { readonly [K in keyof typeof offerTerms]?: z.output<(typeof offerTerms)[K]> };
