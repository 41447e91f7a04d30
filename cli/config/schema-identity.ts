import { z } from 'zod';
import { duration, httpUrl, text } from './forms.ts';

const issuer = z.strictObject({
  issuer: httpUrl.describe("Issuer identifier, exactly as in the tokens' `iss`."),
  audience: z
    .union([text, z.array(text).min(1, 'must name at least one')])
    .optional()
    .describe('Accepted `aud`. Default: the URL of the connection that is called.'),
  groupsClaim: text
    .default('groups')
    .describe('Claim that holds the groups; a dotted path for nested claims, such as `realm_access.roles`.'),
  groupsFrom: z
    .enum(['token', 'userinfo'])
    .default('token')
    .describe('Where that claim is: in the access token, or in what the UserInfo endpoint answers.'),
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
  jwksUrl: httpUrl.optional().describe('Where the keys are, for issuers without a discovery document.'),
});

/** What a credential may be used for. */
export const scope = z
  .string()
  .regex(
    /^mcp:[a-z0-9][a-z0-9_-]{0,62}(?::[a-z0-9][a-z0-9_-]{0,62})?$/,
    'must be `mcp:CONNECTION` or `mcp:CONNECTION:CLASS`',
  );

const workload = z.strictObject({
  issuer: httpUrl.describe('OpenID Connect issuer of the place where the machine runs.'),
  audience: z
    .union([text, z.array(text).min(1, 'must name at least one')])
    .describe('Accepted `aud`. Required: such issuers give tokens for any audience to anybody.'),
  match: z
    .record(text, text)
    .refine((claims) => Object.keys(claims).length > 0, 'must name at least one claim')
    .refine(
      (claims) => Object.values(claims).some((glob) => /[^*?]/.test(glob)),
      'matches anybody who has a token of this issuer; let one claim match something',
    )
    .describe('Claims (a dotted path for nested ones) and the glob (`*`, `?`) that each must match.'),
  subject: text.describe('What such a caller is called.'),
  groups: z.array(text).default([]).describe('The groups that such a caller is in.'),
  scopes: z
    .array(scope)
    .min(1, 'must name at least one')
    .optional()
    .describe('What it may call. Default: every connection.'),
  jwksUrl: httpUrl.optional().describe('Where the keys are, for issuers without a discovery document.'),
});

/** The `identity` section. */
export const identity = z
  .strictObject({
    issuers: z.array(issuer).default([]).describe('OpenID Connect issuers whose tokens agents may present.'),
    workloads: z
      .array(workload)
      .default([])
      .describe(
        'Machines that call with an OpenID Connect token of where they run (Kubernetes service accounts, GitHub Actions).',
      ),
    authorizationServer: z
      .strictObject({
        accessTokenLife: duration.default('5m').describe('How long an access token is good for.'),
        signInLife: duration
          .default('7d')
          .describe('How long a client may renew its tokens before the person signs in anew.'),
        registration: z
          .boolean()
          .default(true)
          .describe('Whether clients may register themselves (RFC 7591).'),
        clientDocuments: z
          .boolean()
          .default(true)
          .describe('Whether a client id may be the https URL of a document that describes the client.'),
      })
      .optional()
      .describe(
        'Lets clients sign in with nothing but the URL of a connection: the gateway is their authorization server, and people sign in on the console (`console.login`).',
      ),
    accessTokens: z
      .strictObject({
        longest: duration.default('366d').describe('How long an access token may be good for, at most.'),
      })
      .optional()
      .describe(
        'Personal and service access tokens (`hpat_…`), made in the console or by `holdpoint tokens create`. Accepted also when this is left out.',
      ),
    dpopNonces: z
      .boolean()
      .default(false)
      .describe(
        'Whether proofs for tokens that are bound to a key (DPoP) must carry a nonce of the gateway, at connections and at the token endpoint of the built-in server (RFC 9449 sections 8 and 9), so that none can be made in advance. Clients that know nonces ask once more by themselves.',
      ),
    anonymous: z
      .strictObject({
        subject: text.default('local-agent').describe('What such a caller is called.'),
        groups: z.array(text).default([]).describe('The groups that such a caller is in.'),
      })
      .optional()
      .describe('Who a caller without a token is. Refused unless every listener is on loopback.'),
  })
  .refine(
    ({ issuers, workloads, authorizationServer, accessTokens, anonymous }) =>
      issuers.length + workloads.length > 0 ||
      [authorizationServer, accessTokens, anonymous].some((way) => way !== undefined),
    'names none of `issuers`, `workloads`, `authorizationServer`, `accessTokens` and `anonymous`, so nobody could call',
  )
  .refine(
    ({ issuers }) => new Set(issuers.map(({ issuer: name }) => name)).size === issuers.length,
    'names an issuer twice',
  )
  .optional()
  .describe(
    'Who may call. Left out, with every listener on loopback: anyone on this machine, as `local-agent`.',
  );
