import { z } from 'zod';
import { listen, text } from './forms.ts';
import { keys } from './schema-keys.ts';
import { secretStores } from './schema-credentials.ts';
import { connections } from './schema-connections.ts';
import { hold } from './schema-hold.ts';
import { identity } from './schema-identity.ts';
import { recording } from './schema-recording.ts';
import { roles } from './schema-roles.ts';
import { temporal } from './schema-temporal.ts';
import { agents, consoleSettings, slack } from './schema-listeners.ts';

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
  hold,
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
