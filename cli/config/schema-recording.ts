import { z } from 'zod';
import { riskTiers } from '../../recording/purge.ts';
import { duration, httpUrl, key, text } from './forms.ts';

const webhookSecret = z
  .string()
  .regex(
    /^whsec_[A-Za-z0-9+/]{32,}={0,2}$/,
    'must be `whsec_` and at least 24 bytes in base64 (Standard Webhooks)',
  );

const checkpoint = z.union(
  [
    z.strictObject({
      file: text.describe('A file that is replaced with each checkpoint; relative to this file.'),
    }),
    z.strictObject({
      webhook: httpUrl.describe('A URL that each checkpoint is posted to (Standard Webhooks).'),
      secret: webhookSecret.optional().describe('Signs what is posted. A secret.'),
    }),
    z.strictObject({
      s3: z
        .strictObject({
          bucketUrl: httpUrl.describe('URL of the bucket.'),
          key: text.describe('Key of the object.'),
          region: text.describe('Region for the signature.'),
          accessKeyId: text.describe('Access key id.'),
          secretAccessKey: text.describe('Secret access key. A secret.'),
        })
        .describe('An object in an S3-compatible store.'),
    }),
    z.strictObject({
      slack: z
        .strictObject({
          channel: text.describe('Channel id, such as `C0AUDIT`; the app of `slack` must be in it.'),
          every: duration.default('1h').describe('How often, at most.'),
        })
        .describe('A Slack channel in which people see checkpoints, and may keep them.'),
    }),
  ],
  { error: ({ input }) => kindProblem(input) },
);

/** Says it plainly where every kind of checkpoint target would complain of the others' keys. */
function kindProblem(target: unknown): string | undefined {
  if (typeof target !== 'object' || target === null) return undefined;
  const named = ['file', 'webhook', 's3', 'slack'].filter((kind) => kind in target);
  return named.length === 1 ? undefined : 'needs exactly one of `file`, `webhook`, `s3`, `slack`';
}

/** How long to keep: longer than other durations may be. */
const keep = z
  .string()
  .regex(/^(?:forever|[1-9]\d{0,4}[hd])$/, 'must be a number of hours or days such as `90d`, or `forever`');

const retention = z
  .array(
    z.strictObject({
      connection: text.optional().describe('Sessions of this connection. Left out: of every one.'),
      risk: z
        .union([z.enum(riskTiers), z.array(z.enum(riskTiers)).min(1, 'must name at least one')])
        .optional()
        .describe('Sessions whose riskiest call was of this tier, or one of these. Left out: of any.'),
      keep: keep.describe("How long after a session's last record, such as `90d`, or `forever`."),
    }),
  )
  .superRefine((rules, context) => {
    const all = rules.findIndex(({ connection, risk }) => connection === undefined && risk === undefined);
    if (all >= 0 && all < rules.length - 1)
      context.addIssue({
        code: 'custom',
        path: [all + 1],
        message: 'never applies: the rule before it takes every session',
      });
  })
  .default([])
  .describe('How long sessions are kept; the first rule that names a session applies. Left out: for ever.');

/** The `recording` section. */
export const recording = z
  .strictObject({
    origin: z
      .string()
      .regex(
        /^[a-z0-9.-]+(?:\/[A-Za-z0-9._-]+)*$/,
        'must look like `holdpoint.example.com/log`: a name without scheme',
      )
      .default('holdpoint.local/log')
      .describe('Name under which checkpoints are signed; the same for all replicas, for ever.'),
    signingKey: key
      .optional()
      .describe(
        'Ed25519 private key that signs checkpoints, 32 bytes in base64url. A secret. Default: made in the data directory.',
      ),
    checkpoints: z
      .array(checkpoint)
      .min(1, 'must name at least one place, or be left out')
      .optional()
      .describe(
        'Where checkpoints are kept, out of reach of whoever can change the database. Default: a file in the data directory.',
      ),
    witnesses: z
      .array(
        z.strictObject({
          url: httpUrl.describe('Where the witness is asked.'),
          key: z
            .string()
            .regex(
              /^\S+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/,
              'must be a verification key such as `name+1a2b3c4d+AZ…`',
            )
            .describe('Its verification key.'),
        }),
      )
      .default([])
      .describe('Independent witnesses that sign that the log only grows (C2SP).'),
    retention,
    purgeEvery: duration
      .default('1h')
      .describe('How often a worker purges by `retention` and gives back the space of what was purged.'),
  })
  .prefault({})
  .describe('The tamper-evident log over all recordings.');
