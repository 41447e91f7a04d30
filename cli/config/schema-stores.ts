import { z } from 'zod';
import { httpUrl, secret, text } from './forms.ts';
import { readServiceAccount } from './schema-keys.ts';

/** How Vault is reached and logged in to. */
export const vaultAccess = z
  .strictObject({
    address: httpUrl.describe('Address, such as `https://vault.example:8200`.'),
    namespace: text.optional().describe('Namespace.'),
    token: secret('Token.').optional(),
    tokenFile: text
      .optional()
      .describe('A file that holds the token and is kept up to date, by Vault Agent for instance.'),
    appRole: z
      .strictObject({
        roleId: text.describe('Role id.'),
        secretId: secret('Secret id.'),
        mount: text.default('approle').describe('Where the method is mounted.'),
      })
      .optional()
      .describe('Login by AppRole.'),
    kubernetes: z
      .strictObject({
        role: text.describe('Role.'),
        jwtFile: text
          .default('/var/run/secrets/kubernetes.io/serviceaccount/token')
          .describe("The service account's token."),
        mount: text.default('kubernetes').describe('Where the method is mounted.'),
      })
      .optional()
      .describe('Login by a Kubernetes service account.'),
  })
  .refine(
    ({ token, tokenFile, appRole, kubernetes }) =>
      [token, tokenFile, appRole, kubernetes].filter((one) => one !== undefined).length === 1,
    'needs exactly one of `token`, `tokenFile`, `appRole`, `kubernetes`',
  );

/** How AWS is reached. */
export const awsAccess = z
  .strictObject({
    region: text.describe('Region.'),
    endpoint: httpUrl.optional().describe("Endpoint. Default: the region's own."),
    accessKeyId: text
      .optional()
      .describe('Access key id. Left out: the credentials of the task or the instance.'),
    secretAccessKey: secret('Secret access key.').optional(),
    sessionToken: secret('Session token of temporary credentials.').optional(),
  })
  .refine(
    ({ accessKeyId, secretAccessKey }) => (accessKeyId === undefined) === (secretAccessKey === undefined),
    '`accessKeyId` and `secretAccessKey` go together',
  );

/** How Google Cloud is reached. */
export const gcpAccess = z.strictObject({
  serviceAccount: secret(
    "A service account's key file, its JSON. Left out: the machine's own service account.",
  )
    .refine(
      (value) => readServiceAccount(value) !== null,
      'must be the JSON of a service account key: client_email, private_key, token_uri',
    )
    .optional(),
  endpoint: httpUrl.default('https://secretmanager.googleapis.com').describe('Endpoint.'),
});

/** How an Azure Key Vault is reached. */
export const azureAccess = z
  .strictObject({
    vaultUrl: httpUrl.describe('URL of the vault.'),
    tenantId: text.optional().describe("Tenant. Left out: the machine's managed identity is used."),
    clientId: text.optional().describe('Client id.'),
    clientSecret: secret('Client secret.').optional(),
    authority: httpUrl.default('https://login.microsoftonline.com').describe('Where tokens come from.'),
  })
  .refine(
    ({ tenantId, clientId, clientSecret }) =>
      [tenantId, clientId, clientSecret].filter((one) => one !== undefined).length % 3 === 0,
    '`tenantId`, `clientId` and `clientSecret` go together',
  );
