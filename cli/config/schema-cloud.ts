import { z } from 'zod';
import { httpUrl, secret, text } from './forms.ts';

/** Some of a section's settings, read or not. */
type Settings = Readonly<Record<string, unknown>>;

const count = (settings: Settings, names: readonly string[]): number =>
  names.filter((name) => settings[name] !== undefined).length;

/**
 * How Vault, or OpenBao, is reached and logged in to.
 * @param more the settings that a use of it adds
 */
export function vaultAccess<More extends z.ZodRawShape>(more: More) {
  return z
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
      ...more,
    })
    .refine(
      (settings: Settings) => count(settings, ['token', 'tokenFile', 'appRole', 'kubernetes']) === 1,
      'needs exactly one of `token`, `tokenFile`, `appRole`, `kubernetes`',
    );
}

/** How AWS is reached. @param more the settings that a use of it adds */
export function awsAccess<More extends z.ZodRawShape>(more: More) {
  return z
    .strictObject({
      region: text.describe('Region.'),
      endpoint: httpUrl.optional().describe("Endpoint. Default: the region's own."),
      accessKeyId: text
        .optional()
        .describe('Access key id. Left out: the credentials of the task or the instance.'),
      secretAccessKey: secret('Secret access key.').optional(),
      sessionToken: secret('Session token of temporary credentials.').optional(),
      ...more,
    })
    .refine(
      (settings: Settings) => count(settings, ['accessKeyId', 'secretAccessKey']) !== 1,
      '`accessKeyId` and `secretAccessKey` go together',
    );
}

/** How Google Cloud is reached. @param more the settings that a use of it adds */
export function gcpAccess<More extends z.ZodRawShape>(endpoint: string, more: More) {
  return z.strictObject({
    serviceAccount: secret(
      "A service account's key file, its JSON. Left out: the machine's own service account.",
    )
      .refine(
        (value) => readServiceAccount(value) !== null,
        'must be the JSON of a service account key: client_email, private_key, token_uri',
      )
      .optional(),
    endpoint: httpUrl.default(endpoint).describe('Endpoint.'),
    ...more,
  });
}

/** How an Azure Key Vault is reached. @param more the settings that a use of it adds */
export function azureAccess<More extends z.ZodRawShape>(what: string, more: More) {
  return z
    .strictObject({
      vaultUrl: httpUrl.describe(`URL of ${what}.`),
      tenantId: text.optional().describe("Tenant. Left out: the machine's managed identity is used."),
      clientId: text.optional().describe('Client id.'),
      clientSecret: secret('Client secret.').optional(),
      authority: httpUrl.default('https://login.microsoftonline.com').describe('Where tokens come from.'),
      ...more,
    })
    .refine(
      (settings: Settings) => count(settings, ['tenantId', 'clientId', 'clientSecret']) % 3 === 0,
      '`tenantId`, `clientId` and `clientSecret` go together',
    );
}

/** What is used of a service account's key file; null when it is not one. */
export function readServiceAccount(json: string): {
  client_email: string;
  private_key: string;
  private_key_id?: string | undefined;
  token_uri: string;
} | null {
  try {
    return serviceAccount.parse(JSON.parse(json));
  } catch {
    return null;
  }
}

const serviceAccount = z.object({
  client_email: z.string(),
  private_key: z.string(),
  private_key_id: z.string().optional(),
  token_uri: httpUrl,
});
