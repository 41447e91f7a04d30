import { z } from 'zod';
import { durationPattern, parseDuration } from './durations.ts';
import { offerTerms } from './offers-schema.ts';

/** Name of a rule, an approver group or a masking profile. */
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    'must be 1 to 63 letters, digits, `_`, `.` or `-`, starting with a letter or digit',
  );

/** A duration such as `30m`. */
export const duration = z
  .string({ error: 'must be a duration such as `30m`, `1h30m` or `2d`' })
  .regex(durationPattern, 'must be a duration such as `30m`, `1h30m` or `2d`')
  .refine(
    (value) => !durationPattern.test(value) || parseDuration(value) !== null,
    'must be longer than nothing and at most 366 days',
  );

const people = z.int().min(1).max(20);

const need = z.union(
  [name, z.strictObject({ group: name, approvals: people.optional().describe('Default: 1.') })],
  { error: ({ input }) => (typeof input === 'object' ? undefined : 'must be the name of an approver group') },
);

const several = (words: string) =>
  z.array(need).min(1, 'must name at least one approver group').describe(words);

const approvers = z
  .union([
    z.array(name).min(1, 'must name at least one approver group'),
    z.strictObject({ any: several('One of the groups gives all of its approvals.') }),
    z.strictObject({
      all: several(
        'Every group gives its approvals; one person fills one place, whatever groups they are in.',
      ),
    }),
  ])
  .describe(
    'Approver groups. A list: `approvals` distinct people of any of them. `{ any: […] }` and `{ all: […] }`: one or every group gives its own approvals (`{ group: dba, approvals: 2 }`).',
  );

const stage = z.strictObject({
  after: duration.describe('After the request was made.'),
  to: z
    .union([name, z.array(name).min(1, 'must name at least one approver group')], {
      error: 'must be the name of an approver group, or a list of such names',
    })
    .describe('Groups that join. Their members may stand in for a member of any group.'),
});

/** What a rule that holds says beside `then: hold`. */
export const holdTerms = {
  approvers,
  approvals: people.optional().describe('How many distinct people must approve. Default: 1.'),
  timeout: duration.optional().describe('How long people have to decide. Default: `30m`.'),
  reminders: z
    .array(duration)
    .max(10)
    .optional()
    .describe(
      'When people are reminded, after the request was made. Default: once, after half of a `timeout` of more than two minutes; `[]` for never.',
    ),
  escalation: z
    .array(stage)
    .min(1, 'must have at least one stage, or be left out')
    .max(10)
    .optional()
    .describe('Who joins when nobody has decided for so long.'),
  extension: z
    .strictObject({
      by: duration.describe('By how much an approver may extend a request.'),
      times: z.int().min(1).max(10).optional().describe('How many times in all. Default: 1.'),
    })
    .optional()
    .describe('Lets approvers extend a request that waits. Left out: nobody can.'),
  stepUp: z
    .enum(['login', 'passkey'], { error: 'must be `login` or `passkey`' })
    .optional()
    .describe(
      'What approving takes: `login`, a sign-in on the console within the last five minutes; `passkey`, a passkey used on the request itself (also enough for `login`). Slack then leads to the console. Left out: neither.',
    ),
  onSlackOutage: z
    .enum(['continue', 'freeze', 'deny'])
    .optional()
    .describe(
      'What happens while Slack cannot be reached: `continue` (default) lets time run on for those who decide in the console; `freeze` stops the clock; `deny` denies what nobody could be asked about in Slack.',
    ),
  onDisconnect: z
    .enum(['keep', 'cancel', 'run'])
    .optional()
    .describe(
      'What becomes of a held call whose client has gone: `keep` (default) waits for it to come back, `cancel` cancels, `run` runs it once approved and keeps the result.',
    ),
  ...offerTerms,
};

/** The terms of a hold as they are written. */
export type HoldTerms = z.output<z.ZodObject<typeof holdTerms>>;

const channel = z
  .string()
  .regex(/^[CG][A-Z0-9_]{2,}$/, 'must be a Slack channel id such as `C0DBA` (not its name)');

/** An approver group as it is written. */
export const approverGroup = z
  .strictObject({
    slackChannel: channel
      .optional()
      .describe(
        'Id of the channel where the card is posted. Being in it gives no right to decide, unless `channelMembers` says so.',
      ),
    fallbackChannel: channel
      .optional()
      .describe('Id of the channel where the card is posted when Slack refuses `slackChannel`.'),
    channelMembers: z
      .literal(true, { error: 'can only be `true`; leave it out otherwise' })
      .optional()
      .describe(
        'Whoever is in `slackChannel` may decide. Mind who can join it: for a public channel that is everybody in the workspace.',
      ),
    slackUserGroup: z
      .string()
      .regex(/^S[A-Z0-9_]{2,}$/, 'must be a Slack user group id such as `S0DBA`')
      .optional()
      .describe('Id of a Slack user group whose members may decide.'),
    people: z
      .array(z.string().min(1, 'must not be empty').max(320))
      .min(1, 'must name at least one person, or be left out')
      .optional()
      .describe('E-mail addresses, OIDC subjects, or `slack:TEAM/USER`.'),
    groups: z
      .array(z.string().min(1, 'must not be empty').max(200))
      .min(1, 'must name at least one group, or be left out')
      .optional()
      .describe('Directory groups (OIDC or SAML) whose members may decide.'),
  })
  .describe('A set of people who may decide. Any one way of belonging is enough.');

/** An approver group as it is written. */
export type ApproverGroupFile = z.output<typeof approverGroup>;
