import { z } from 'zod';
import { httpUrl, key, text } from './forms.ts';

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
  ],
  { error: ({ input }) => kindProblem(input) },
);

/** Says it plainly where every kind of checkpoint target would complain of the others' keys. */
function kindProblem(target: unknown): string | undefined {
  if (typeof target !== 'object' || target === null) return undefined;
  const named = ['file', 'webhook', 's3'].filter((kind) => kind in target);
  return named.length === 1 ? undefined : 'needs exactly one of `file`, `webhook`, `s3`';
}

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
  })
  .prefault({})
  .describe('The tamper-evident log over all recordings.');
