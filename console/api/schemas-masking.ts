import { z } from 'zod';
import { time, words } from './schemas.ts';

export const tryBody = z.strictObject({
  text: z.string().max(4_194_304).describe('Plain text or JSON. It is kept and logged nowhere.'),
  profile: words(100).optional().describe('A masking profile of the policy in force; left out: `default`.'),
});
export const tried = z.object({
  profile: z.string(),
  profiles: z.array(z.string()).describe('Every profile that there is.'),
  isJson: z.boolean().describe('Whether the text was read as JSON.'),
  text: z.string().describe('As masking leaves it.'),
  findings: z
    .array(z.object({ detector: z.string(), path: z.string(), operator: z.string(), confidence: z.number() }))
    .describe('What was found and where; never values.'),
  tookMs: z.number(),
});

const name = words(300);
export const reportBody = z.strictObject({
  policy: z
    .string()
    .min(1)
    .max(500_000)
    .optional()
    .describe('The text of a changed policy file; left out: the policy in force. Kept nowhere.'),
  ruleFiles: z
    .array(
      z.strictObject({ path: name.describe('As the policy names it.'), text: z.string().max(2_000_000) }),
    )
    .max(20)
    .optional()
    .describe(
      'What its `masking.ruleFiles` hold. Those of the policy in force need not be sent; no other file is read.',
    ),
  from: z.iso
    .datetime()
    .optional()
    .describe('Left out: a day before `to`; with both left out, yesterday (UTC).'),
  to: z.iso.datetime().optional().describe('Exclusive. Left out: now.'),
  connection: words(200).optional(),
  profile: words(100).optional().describe('One for everything; left out: as the policy gives them.'),
  groups: z
    .array(name)
    .max(100)
    .optional()
    .describe('Groups that callers are taken to be in, for profiles by group: recordings do not tell.'),
});

const count = z.number().int();
export const report = z.object({
  id: z.string(),
  state: z
    .enum(['running', 'done', 'failed', 'lost'])
    .describe('`lost`: the process that compared has gone; ask for a new one.'),
  startedAt: time,
  policyVersion: z.string(),
  ownPolicy: z.boolean().describe('Whether the text of a policy was given.'),
  from: time,
  to: time,
  connection: z.string().nullable(),
  profile: z.string().nullable(),
  groups: z.array(z.string()).nullable(),
  sessions: count.describe('Read so far.'),
  messages: count.describe('Read so far.'),
  unreadable: count.describe('Sessions whose key was destroyed, and records that could not be opened.'),
});
export const reports = z.object({ reports: z.array(report) });
export const wholeReport = report.extend({
  byGroup: count
    .nullable()
    .describe('Messages that would have another profile in some group, where none were named.'),
  rows: z
    .array(
      z.object({
        change: z
          .enum(['added', 'gone', 'otherwise'])
          .describe('Would be masked too; would no longer be; would be masked in another way.'),
        detector: z.string(),
        operator: z.string().nullable(),
        connection: z.string(),
        tool: z.string(),
        times: count,
        messages: count,
        places: z.array(z.string()),
        morePlaces: z.boolean(),
      }),
    )
    .nullable()
    .describe('What came of it; null until it is done.'),
});
export type WholeReport = z.output<typeof wholeReport>;
export type Report = z.output<typeof report>;
export type TriedText = z.output<typeof tried>;
