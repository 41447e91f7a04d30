import { z } from 'zod';
import { httpUrl, listen, secret, text } from './forms.ts';

const readers = z
  .strictObject({
    people: z
      .array(text)
      .min(1, 'must name at least one person, or be left out')
      .optional()
      .describe('Verified e-mail addresses, or OIDC subjects.'),
    groups: z
      .array(text)
      .min(1, 'must name at least one group, or be left out')
      .optional()
      .describe('Directory groups.'),
  })
  .refine(({ people, groups }) => people !== undefined || groups !== undefined, 'names nobody')
  .describe('Who may read payloads: what people decided and why. Raw arguments are never among them.');

const codecServer = z
  .strictObject({
    listen: listen.describe('Where it listens, apart from everything else.'),
    uiOrigin: z
      .string()
      .regex(/^https?:\/\/[^/\s]+$/, 'must be an origin such as `https://temporal.example`, without a path')
      .describe('Exact origin of the Temporal UI: no other page may ask.'),
    issuer: httpUrl.describe('OpenID Connect issuer at which people sign in to the Temporal UI.'),
    audience: text.describe("Accepted `aud` of the tokens that the UI passes on: the UI's client id."),
    groupsClaim: text.default('groups').describe('Claim that holds the groups.'),
    readers,
  })
  .describe(
    'Decodes payloads for the Temporal UI, in the worker process. The UI needs TEMPORAL_CODEC_ENDPOINT and TEMPORAL_CODEC_PASS_ACCESS_TOKEN=true.',
  );

const deployment = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,60}$/, 'must be 1 to 60 letters, digits, `_` or `-`')
      .default('holdpoint')
      .describe('Name of the worker deployment.'),
    buildId: z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,60}$/, 'must be 1 to 60 letters, digits, `_`, `-` or `.`')
      .describe(
        'Names this build of the workflows. Another one for every release that changes `workflows/`.',
      ),
  })
  .describe(
    'Worker versioning: a request stays with the build that it was opened under (PINNED). Left out: every worker takes up every request. A new build must be made current before it gets requests (docs/runbook.md).',
  );

/** The `temporal` section. */
export const temporal = z
  .strictObject({
    address: z
      .string()
      .regex(
        /^(?:embedded|[^\s:/]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5})$/,
        'must be `embedded` or `HOST:PORT`, such as `temporal:7233`',
      )
      .default('embedded')
      .describe('`embedded` starts a local Temporal server; otherwise HOST:PORT of the frontend.'),
    namespace: text.default('default').describe('Namespace of the workflows.'),
    uiPort: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .describe('Port of the Temporal UI on the embedded default. Default: 8472.'),
    apiKey: secret('API key (Temporal Cloud).').optional(),
    tls: z
      .union([
        z.boolean(),
        z.strictObject({
          ca: text.optional().describe('PEM of the certificate authority; `${file:PATH}` reads it.'),
          cert: text.optional().describe('PEM of the client certificate.'),
          key: secret('PEM of the client key.').optional(),
          serverName: text.optional().describe("Name expected in the server's certificate."),
        }),
      ])
      .optional()
      .describe('`true`, or certificates for mutual TLS. Default: on when `apiKey` is set, else off.'),
    deployment: deployment.optional(),
    codecServer: codecServer.optional(),
  })
  .refine(
    ({ tls }) => typeof tls !== 'object' || (tls.cert === undefined) === (tls.key === undefined),
    '`tls.cert` and `tls.key` go together',
  )
  .refine(
    ({ address, uiPort }) => uiPort === undefined || address === 'embedded',
    '`uiPort` is for the embedded server only; remove it',
  )
  .refine(
    ({ address, deployment: versioned, codecServer: server }) =>
      address !== 'embedded' || (versioned === undefined && server === undefined),
    '`deployment` and `codecServer` are for a Temporal server of your own; the embedded one has both by itself or needs neither',
  )
  .prefault({})
  .describe('Where the approval workflows run.');
