import { z } from 'zod';
import { durationPattern, parseDuration } from '../../policy/durations.ts';
import { parseListen } from './listen.ts';

const text = z.string().min(1, 'must not be empty');
const listen = z
  .string({ error: 'must be `HOST:PORT`, such as `127.0.0.1:8470`' })
  .refine(
    (value) => parseListen(value) !== null,
    'must be `HOST:PORT`, such as `127.0.0.1:8470` or `[::1]:8470`',
  );
const httpUrl = z
  .string()
  .refine(isHttpUrl, 'must be an http:// or https:// URL without user, password, query or fragment');
const duration = z
  .string({ error: 'must be a duration such as `30s`, `10m` or `24h`' })
  .refine((value) => parseDuration(value) !== null, 'must be a duration such as `30s`, `10m` or `24h`')
  .meta({ pattern: durationPattern.source });
const count = z.int().min(1).max(1_000_000);
const headerValue = z.string().regex(/^[\t\x20-\x7e]*$/, 'must be printable ASCII on one line');
const secret = (description: string): z.ZodString =>
  text.describe(`${description} A secret: write \`\${NAME}\` or \`\${file:PATH}\`.`);

/** Hop-by-hop headers and those that the gateway sets itself: configuring them would do nothing, or harm. */
const ownHeaders =
  /^(?:host|connection|content-length|content-type|transfer-encoding|accept|te|upgrade|keep-alive|mcp-.*)$/i;
const headerName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be an HTTP header name')
  .refine((value) => !ownHeaders.test(value), 'is a header that Holdpoint sets itself');

const agents = z
  .strictObject({
    listen: listen.default('127.0.0.1:8470').describe('Where agents connect.'),
    publicUrl: httpUrl.optional().describe('What agents type, without the path. Default: from `listen`.'),
    allowedOrigins: z
      .array(text)
      .default([])
      .describe('Browser origins that may call, besides the public URL.'),
    allowedHosts: z
      .array(text)
      .default([])
      .describe('Host headers that are accepted, besides the public URL and the listener.'),
    limits: z
      .strictObject({
        bodyBytes: z.int().min(1024).max(67_108_864).default(4_194_304).describe('Longest request body.'),
        depth: z.int().min(8).max(512).default(64).describe('Deepest nesting of a message.'),
        sessions: count.default(10_000).describe('Sessions open at the same time, in one gateway.'),
        streams: count.default(10_000).describe('Streams open at the same time, in one gateway.'),
        heldCallsPerCaller: count.default(100).describe('Held calls that one caller may have open.'),
      })
      .prefault({}),
  })
  .prefault({})
  .describe('The side that agents see.');

const consoleSettings = z
  .strictObject({
    listen: listen
      .default('127.0.0.1:8471')
      .describe('Where the web console listens. Never the address of the agents.'),
    publicUrl: httpUrl
      .optional()
      .describe('What people type; links on cards start with it. Default: from `listen`.'),
    login: z
      .strictObject({
        issuer: httpUrl.describe('OpenID Connect issuer.'),
        clientId: text.describe('Client id of the console at that issuer.'),
        clientSecret: secret('Secret of the client.'),
        groupsClaim: text.default('groups').describe('Claim that lists the directory groups of a person.'),
        scope: text.default('openid email profile offline_access').describe('What is asked for at login.'),
      })
      .optional()
      .describe(
        'How people log in. Without it the console works on loopback only, with a link printed at start.',
      ),
    auditors: z
      .strictObject({
        people: z.array(text).default([]).describe('E-mail addresses or OIDC subjects.'),
        groups: z.array(text).default([]).describe('Directory groups.'),
      })
      .refine(
        ({ people, groups }) => people.length + groups.length > 0,
        'names nobody; name `people` or `groups`',
      )
      .optional()
      .describe(
        'Who may look at every request and recording. Default: nobody; without `login`, whoever is at the console.',
      ),
  })
  .refine(
    ({ auditors, login }) => auditors === undefined || login !== undefined,
    '`auditors` are known by their login; set `login` too',
  )
  .prefault({})
  .describe('The web console.');

const slack = z
  .strictObject({
    botToken: z
      .string()
      .regex(/^xox[be]-\S+$|^xoxe\.xoxb-\S+$/, 'must be a bot token (`xoxb-…`)')
      .describe('Bot token. A secret. `SLACK_BOT_TOKEN` sets it too.'),
    appToken: z
      .string()
      .regex(/^xapp-\S+$/, 'must be an app-level token (`xapp-…`)')
      .optional()
      .describe('App-level token, for Socket Mode. A secret. `SLACK_APP_TOKEN` sets it too.'),
    signingSecret: secret('Signing secret, for HTTP mode.').optional(),
    listen: listen.optional().describe('Where HTTP mode listens for `POST /slack/events`.'),
    apiUrl: httpUrl
      .default('https://slack.com/api/')
      .describe("Slack's Web API, or a server that speaks like it."),
  })
  .refine(
    ({ appToken, signingSecret }) => (appToken === undefined) !== (signingSecret === undefined),
    'needs either `appToken` (Socket Mode) or `signingSecret` with `listen` (HTTP mode), not both',
  )
  .refine(
    ({ signingSecret, listen: at }) => (signingSecret === undefined) === (at === undefined),
    '`signingSecret` and `listen` go together (HTTP mode); Socket Mode needs neither',
  )
  .describe('Slack. Left out: no Slack.');

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

const key = z
  .string()
  .refine(
    (value) => decodeKey(value) !== null,
    'must be 32 bytes in base64url (43 characters); `openssl rand -base64 32 | tr +/ -_ | tr -d =` makes one',
  );

const keys = z
  .strictObject({
    encryption: z
      .union([key, z.array(key).min(1, 'must hold at least one key')])
      .optional()
      .describe(
        'Key-encryption keys, 32 bytes in base64url. The first one seals, all of them open. A secret. Default: made in the data directory.',
      ),
    votes: z
      .strictObject({
        privateKey: secret(
          'Ed25519 key that signs decisions, PKCS8 PEM or JWK; for processes on which people decide.',
        ).optional(),
        publicKeys: z
          .record(
            text,
            z
              .string()
              .refine(
                (value) => decodeKey(value) !== null,
                'must be a raw Ed25519 public key in base64url (43 characters)',
              ),
          )
          .default({})
          .describe(
            'Ed25519 public keys (raw, base64url) of every process that may sign decisions, by key id.',
          ),
      })
      .prefault({}),
  })
  .prefault({})
  .describe('Keys. On the embedded default all of them are made in the data directory.');

const identity = z
  .strictObject({
    issuers: z
      .array(
        z.strictObject({
          issuer: httpUrl.describe("Issuer identifier, exactly as in the tokens' `iss`."),
          audience: z
            .union([text, z.array(text).min(1, 'must name at least one')])
            .optional()
            .describe('Accepted `aud`. Default: the URL of the connection that is called.'),
          groupsClaim: text
            .default('groups')
            .describe(
              'Claim that holds the groups; a dotted path for nested claims, such as `realm_access.roles`.',
            ),
          algorithms: z
            .array(
              z.enum([
                'RS256',
                'RS384',
                'RS512',
                'PS256',
                'PS384',
                'PS512',
                'ES256',
                'ES384',
                'ES512',
                'EdDSA',
                'Ed25519',
              ]),
            )
            .min(1, 'must allow at least one')
            .default(['RS256', 'PS256', 'ES256', 'EdDSA'])
            .describe('Signature algorithms that are accepted.'),
          clockSkew: duration.default('30s').describe("How far the issuer's clock may be off."),
          jwksUrl: httpUrl
            .optional()
            .describe('Where the keys are, for issuers without a discovery document.'),
        }),
      )
      .default([])
      .describe('OpenID Connect issuers whose tokens agents may present.'),
    anonymous: z
      .strictObject({
        subject: text.default('local-agent').describe('What such a caller is called.'),
        groups: z.array(text).default([]).describe('The groups that such a caller is in.'),
      })
      .optional()
      .describe('Who a caller without a token is. Refused unless every listener is on loopback.'),
  })
  .refine(
    ({ issuers, anonymous }) => issuers.length > 0 || anonymous !== undefined,
    'names neither `issuers` nor `anonymous`, so nobody could call',
  )
  .refine(
    ({ issuers }) => new Set(issuers.map(({ issuer }) => issuer)).size === issuers.length,
    'names an issuer twice',
  )
  .optional()
  .describe(
    'Who may call. Left out, with every listener on loopback: anyone on this machine, as `local-agent`.',
  );

const httpConnection = z.strictObject({
  url: z
    .string()
    .refine(isUpstreamUrl, 'must be an http:// or https:// URL without user, password or fragment')
    .describe("The MCP server's streamable HTTP endpoint."),
  headers: z.record(headerName, headerValue).default({}).describe('Headers sent with every request.'),
  credentials: z
    .strictObject({
      header: headerName.default('Authorization').describe('The header that carries it.'),
      value: headerValue.min(1, 'must not be empty').describe('A secret: write `${NAME}` or `${file:PATH}`.'),
    })
    .optional()
    .describe('The credential that the upstream server needs, so that agents need not hold it.'),
  connectTimeout: duration.default('10s').describe('How long connecting may take.'),
  idleTimeout: duration
    .default('10m')
    .describe('How long the upstream server may be silent within one exchange.'),
});

const stdioConnection = z.strictObject({
  command: z
    .array(text)
    .min(1, 'must name a program')
    .describe('Program and arguments; started without a shell.'),
  cwd: text.optional().describe('Working directory, relative to this file.'),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a variable name'), z.string())
    .default({})
    .describe('Environment of the process, beside PATH and HOME.'),
  maxProcesses: z
    .int()
    .min(1)
    .max(10_000)
    .default(32)
    .describe('Processes at the same time; one serves one client session.'),
  idleTimeout: duration
    .default('10m')
    .describe('How long the upstream server may be silent within one exchange.'),
});

/** Says it plainly where both kinds of connection would complain of the other's keys. */
function neitherOrBoth(connection: unknown): string | undefined {
  if (typeof connection !== 'object' || connection === null) return undefined;
  if ('url' in connection && 'command' in connection) return 'has both `url` and `command`; keep one';
  if ('url' in connection || 'command' in connection) return undefined;
  return 'needs `url` (streamable HTTP) or `command` (a program to start)';
}

const connectionName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits, `_` or `-`');

/** `holdpoint.yaml` as it is written. The JSON Schema, the environment variables and the docs are made from this. */
export const configSchema = z.strictObject({
  agents,
  metrics: z
    .strictObject({ listen: listen.describe('Where `GET /metrics` is answered.') })
    .optional()
    .describe('Prometheus metrics, on a listener of their own. Left out: none.'),
  console: consoleSettings,
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
  connections: z
    .record(
      connectionName,
      z.union([httpConnection, stdioConnection], { error: ({ input }) => neitherOrBoth(input) }),
    )
    .default({})
    .describe('The upstream MCP servers by name; agents reach them at `/mcp/<name>`.'),
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

/** 32 bytes from base64url (padding and the standard alphabet are accepted too); null when it is anything else. */
export function decodeKey(value: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_+/-]{43}=?$/.test(value)) return null;
  const bytes = Buffer.from(value, 'base64url');
  return bytes.length === 32 ? new Uint8Array(bytes) : null;
}

function isHttpUrl(value: string): boolean {
  return isUpstreamUrl(value) && !value.includes('?');
}

function isUpstreamUrl(value: string): boolean {
  if (!/^https?:\/\/[^\s]+$/.test(value) || !URL.canParse(value) || value.includes('#')) return false;
  const { username, password } = new URL(value);
  return username === '' && password === '';
}
