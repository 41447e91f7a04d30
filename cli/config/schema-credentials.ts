import { z } from 'zod';
import { headerName, headerValue, httpUrl, secret, text } from './forms.ts';
import { awsAccess, azureAccess, gcpAccess, vaultAccess } from './schema-cloud.ts';

const storeName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be lower-case letters, digits, `_` or `-`');

const store = z.union(
  [
    z.strictObject({ vault: vaultAccess({}).describe('HashiCorp Vault, or OpenBao.') }),
    z.strictObject({ aws: awsAccess({}).describe('AWS Secrets Manager.') }),
    z.strictObject({
      gcp: gcpAccess('https://secretmanager.googleapis.com', {}).describe('Google Secret Manager.'),
    }),
    z.strictObject({ azure: azureAccess('the vault', {}).describe('Secrets of an Azure Key Vault.') }),
  ],
  { error: 'needs exactly one of `vault`, `aws`, `gcp`, `azure`, with its settings' },
);

/** The `secretStores` section. */
export const secretStores = z
  .record(storeName, store)
  .default({})
  .describe('Where credentials of connections are kept, by a name of your choice.');

/** One value in a store. */
export const secretReference = z.strictObject({
  store: storeName.describe('Name in `secretStores`.'),
  path: text.describe(
    'Vault: the path to read, such as `secret/data/github` or `database/creds/readonly`; elsewhere the name of the secret.',
  ),
  field: text.optional().describe('Member of the secret. Default: the whole text.'),
});

const tokenClient = z.strictObject({
  tokenUrl: httpUrl.describe('Token endpoint.'),
  clientId: text.describe('Client id of Holdpoint there.'),
  clientSecret: secret('Secret of the client.'),
  scope: text.optional().describe('Scopes to ask for.'),
  audience: text.optional().describe('`audience` to ask for.'),
  resource: httpUrl.optional().describe('`resource` to ask for (RFC 8707).'),
});

const codeClient = z
  .strictObject({
    issuer: httpUrl
      .optional()
      .describe(
        'Issuer of the authorization server. Default: the one that the upstream server names (RFC 9728).',
      ),
    authorizationUrl: httpUrl
      .optional()
      .describe('Authorization endpoint, where the server publishes no metadata.'),
    tokenUrl: httpUrl.optional().describe('Token endpoint, where the server publishes no metadata.'),
    clientId: text
      .optional()
      .describe(
        'Client id of Holdpoint there. Default: the address of a document about it, or what it gets by registering itself (RFC 7591).',
      ),
    clientSecret: secret('Secret of the client; left out for a public client.').optional(),
    scope: text.optional().describe('Scopes to ask for. Default: what the upstream server says.'),
    resource: httpUrl
      .optional()
      .describe('`resource` to ask for (RFC 8707). Default: what the upstream server says.'),
  })
  .refine(
    ({ authorizationUrl, tokenUrl }) => (authorizationUrl === undefined) === (tokenUrl === undefined),
    '`authorizationUrl` and `tokenUrl` go together',
  )
  .refine(
    ({ clientId, clientSecret }) => clientSecret === undefined || clientId !== undefined,
    '`clientSecret` needs `clientId`',
  )
  .refine(
    ({ authorizationUrl, clientId }) => authorizationUrl === undefined || clientId !== undefined,
    'needs `clientId` where the endpoints are given: nothing says how to register',
  );

/** `credentials` of an HTTP connection. */
export const httpCredentials = z
  .strictObject({
    header: headerName.optional().describe('The header that carries it. Default: Authorization.'),
    query: z
      .string()
      .regex(/^[\w.-]{1,100}$/, 'must be the name of a query parameter')
      .optional()
      .describe('The query parameter that carries it, in place of a header.'),
    prefix: headerValue
      .optional()
      .describe('Goes before it. Default: `Bearer ` for tokens in a header, else nothing.'),
    value: headerValue
      .min(1, 'must not be empty')
      .optional()
      .describe('The value itself. A secret: write `${NAME}` or `${file:PATH}`.'),
    secret: secretReference.optional().describe('A value in a secret store.'),
    clientCredentials: tokenClient
      .optional()
      .describe('A token for Holdpoint itself (OAuth 2.0 client credentials).'),
    tokenExchange: tokenClient
      .optional()
      .describe('A token on behalf of whoever calls, for their own (OAuth 2.0 token exchange, RFC 8693).'),
    authorizationCode: codeClient
      .optional()
      .describe(
        'Whoever calls signs in at the upstream server themselves (OAuth 2.1 authorization code); `{}` where the server says how.',
      ),
  })
  .refine(
    ({ value, secret: kept, clientCredentials, tokenExchange, authorizationCode }) =>
      [value, kept, clientCredentials, tokenExchange, authorizationCode].filter((one) => one !== undefined)
        .length === 1,
    'needs exactly one of `value`, `secret`, `clientCredentials`, `tokenExchange`, `authorizationCode`',
  )
  .refine(
    ({ query, authorizationCode }) => query === undefined || authorizationCode === undefined,
    'a token of `authorizationCode` goes in a header: OAuth 2.1 forbids it in a query',
  )
  .refine(
    ({ header, query }) => header === undefined || query === undefined,
    'is carried by a `header` or by `query`, not by both',
  );

/** `tls` of an HTTP connection. */
export const connectionTls = z
  .strictObject({
    cert: text.optional().describe('PEM of the client certificate; `${file:PATH}` reads it.'),
    key: secret('PEM of the client key.').optional(),
    ca: text.optional().describe('PEM of the certificate authorities to trust.'),
    serverName: text.optional().describe("Name expected in the server's certificate."),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), '`cert` and `key` go together');
