import { z } from 'zod';
import { count, duration, httpUrl, listen, secret, text } from './forms.ts';

/** The `agents` section. */
export const agents = z
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
        streamsPerCaller: count
          .default(1000)
          .describe('Streams and replies that one caller may have open at the same time, in one gateway.'),
        sessionsPerCaller: count
          .default(1000)
          .describe('Sessions that one caller may have open at the same time, in one gateway.'),
        tasksPerCaller: count
          .default(1000)
          .describe('Tasks (calls that clients follow by polling) that one caller may have stored.'),
        requestSeconds: z
          .int()
          .min(1)
          .max(600)
          .default(60)
          .describe('Within how many seconds a request must have come whole.'),
        heldCallsPerCaller: count.default(100).describe('Held calls that one caller may have open.'),
      })
      .prefault({}),
  })
  .prefault({})
  .describe('The side that agents see.');

const oidcLogin = z.strictObject({
  issuer: httpUrl.describe('OpenID Connect issuer.'),
  clientId: text.describe('Client id of the console at that issuer.'),
  clientSecret: secret('Secret of the client.'),
  groupsClaim: text
    .default('groups')
    .describe(
      'Claim that lists the directory groups of a person; a dotted path for nested claims, such as `realm_access.roles`.',
    ),
  scope: text
    .optional()
    .describe(
      'What is asked for at login. Default: `openid email profile offline_access`, and without `offline_access` where the provider refuses that.',
    ),
});

const certificate = z
  .string()
  .regex(/-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/, 'must be a PEM certificate');

const samlLogin = z.strictObject({
  saml: z.strictObject({
    idpEntityId: text.describe('Entity id of the identity provider, exactly as in its metadata.'),
    entryPoint: httpUrl.describe('Its single sign-on address (HTTP-Redirect binding).'),
    idpCerts: z
      .union([certificate, z.array(certificate).min(1, 'must name at least one')])
      .describe(
        'PEM of the certificates that it signs with; `${file:PATH}` reads one. Two while it rotates.',
      ),
    entityId: text
      .optional()
      .describe(
        'How the provider knows this console. Default: `console.publicUrl` and `/login/saml/metadata`.',
      ),
    groupsAttribute: text
      .default('groups')
      .describe('Attribute that lists the directory groups of a person.'),
    emailAttribute: text
      .optional()
      .describe('Attribute that holds the e-mail address. Left out: people have none here.'),
    nameAttribute: text.optional().describe('Attribute that holds the name to show.'),
    subjectAttribute: text
      .optional()
      .describe('Attribute that names a person for good. Default: the name id, which must not be transient.'),
    clockSkew: duration.default('30s').describe("How far the provider's clock may be off."),
    privateKey: secret('PEM of the key that signs requests, for providers that want them signed.').optional(),
    publicCert: certificate.optional().describe('PEM of its certificate, for the metadata.'),
  }),
});

/** Says it plainly where both kinds of login would complain of the other's keys. */
function neitherOrBoth({ input }: { readonly input: unknown }): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  if ('saml' in input)
    return Object.keys(input).length > 1 ? 'has both `saml` and other keys; keep one' : undefined;
  return 'issuer' in input ? undefined : 'needs `issuer` (OpenID Connect) or `saml`';
}

/** The `console` section. */
export const consoleSettings = z
  .strictObject({
    listen: listen
      .default('127.0.0.1:8471')
      .describe('Where the web console listens. Never the address of the agents.'),
    publicUrl: httpUrl
      .optional()
      .describe('What people type; links on cards start with it. Default: from `listen`.'),
    login: z
      .union([oidcLogin, samlLogin], { error: neitherOrBoth })
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

/** The `slack` section. */
export const slack = z
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
