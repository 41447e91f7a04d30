import { z } from 'zod';
import { duration, listen, secret, text } from './forms.ts';
import { keys } from './schema-keys.ts';
import { secretStores } from './schema-credentials.ts';
import { connections } from './schema-connections.ts';
import { identity } from './schema-identity.ts';
import { recording } from './schema-recording.ts';
import { roles } from './schema-roles.ts';
import { agents, consoleSettings, slack } from './schema-listeners.ts';

const temporal = z
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
  })
  .refine(
    ({ tls }) => typeof tls !== 'object' || (tls.cert === undefined) === (tls.key === undefined),
    '`tls.cert` and `tls.key` go together',
  )
  .refine(
    ({ address, uiPort }) => uiPort === undefined || address === 'embedded',
    '`uiPort` is for the embedded server only; remove it',
  )
  .prefault({})
  .describe('Where the approval workflows run.');

/** `holdpoint.yaml` as it is written. The JSON Schema, the environment variables and the docs are made from this. */
export const configSchema = z.strictObject({
  agents,
  metrics: z
    .strictObject({ listen: listen.describe('Where `GET /metrics` is answered.') })
    .optional()
    .describe('Prometheus metrics, on a listener of their own. Left out: none.'),
  console: consoleSettings,
  roles,
  slack: slack.optional(),
  database: z
    .strictObject({
      url: z
        .string()
        .regex(/^(?:embedded$|postgres(?:ql)?:\/\/)/, 'must be `embedded` or a postgres:// URL')
        .default('embedded')
        .describe('`embedded` starts a local PostgreSQL; otherwise a postgres:// URL (a secret).'),
    })
    .prefault({})
    .describe('PostgreSQL: records, held calls.'),
  temporal,
  keys,
  identity,
  connections,
  secretStores,
  policy: text.optional().describe('The policy file, relative to this file. Default: `policy.yaml`.'),
  hold: z
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
    })
    .prefault({})
    .describe('Held calls.'),
  recording,
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
        .default('info')
        .describe('The least that is logged.'),
    })
    .prefault({})
    .describe('The log, JSON lines on standard error.'),
});

export type ConfigFile = z.output<typeof configSchema>;
