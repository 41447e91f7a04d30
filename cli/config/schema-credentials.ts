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
  })
  .refine(
    ({ value, secret: kept, clientCredentials, tokenExchange }) =>
      [value, kept, clientCredentials, tokenExchange].filter((one) => one !== undefined).length === 1,
    'needs exactly one of `value`, `secret`, `clientCredentials`, `tokenExchange`',
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
