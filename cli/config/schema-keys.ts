import { z } from 'zod';
import { decodeKey, httpUrl, key, secret, text } from './forms.ts';

const vault = z
  .strictObject({
    address: httpUrl.describe('Address, such as `https://vault.example:8200`.'),
    key: text.describe('Name of the transit key.'),
    mount: text.default('transit').describe('Where the transit engine is mounted.'),
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

const aws = z
  .strictObject({
    keyId: text.describe('ARN of a symmetric key or of an alias.'),
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

const gcp = z.strictObject({
  key: z
    .string()
    .regex(
      /^projects\/[^/\s?#]+\/locations\/[^/\s?#]+\/keyRings\/[^/\s?#]+\/cryptoKeys\/[^/\s?#:]+$/,
      'must look like `projects/P/locations/L/keyRings/R/cryptoKeys/K`',
    )
    .describe('Name of the key.'),
  serviceAccount: secret(
    "A service account's key file, its JSON. Left out: the machine's own service account.",
  )
    .refine(
      (value) => readServiceAccount(value) !== null,
      'must be the JSON of a service account key: client_email, private_key, token_uri',
    )
    .optional(),
  endpoint: httpUrl.default('https://cloudkms.googleapis.com').describe('Endpoint.'),
});

const azure = z
  .strictObject({
    vaultUrl: httpUrl.describe('URL of the vault or the managed HSM.'),
    key: z
      .string()
      .regex(/^[0-9A-Za-z-]{1,127}$/, 'must be the name of a key')
      .describe('Name of the key.'),
    algorithm: z
      .enum(['RSA-OAEP-256', 'A256KW'])
      .default('RSA-OAEP-256')
      .describe("How the key wraps; `A256KW` for a managed HSM's AES key."),
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

const kms = z.union(
  [
    z.strictObject({ vault: vault.describe("Vault's transit engine, or OpenBao's.") }),
    z.strictObject({ aws: aws.describe('AWS KMS.') }),
    z.strictObject({ gcp: gcp.describe('Google Cloud KMS.') }),
    z.strictObject({ azure: azure.describe('Azure Key Vault.') }),
  ],
  { error: ({ input }) => kindProblem(input) },
);

/** Says it plainly where every kind of service would complain of the others' keys. */
function kindProblem(service: unknown): string | undefined {
  if (typeof service !== 'object' || service === null || Array.isArray(service)) return undefined;
  const named = ['vault', 'aws', 'gcp', 'azure'].filter((kind) => kind in service);
  return named.length === 1 ? undefined : 'needs exactly one of `vault`, `aws`, `gcp`, `azure`';
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

/** The `keys` section. */
export const keys = z
  .strictObject({
    encryption: z
      .union([key, z.array(key).min(1, 'must hold at least one key')])
      .optional()
      .describe(
        'Key-encryption keys, 32 bytes in base64url. The first one seals, all of them open; with `kms`, they open what they sealed before, and key what is no record. A secret. Default: made in the data directory.',
      ),
    kms: z
      .union([kms, z.array(kms).min(1, 'must name at least one, or be left out')], {
        error: ({ input }) => kindProblem(input),
      })
      .optional()
      .describe(
        'A key service that wraps the data keys of recordings and held calls in place of `encryption`. Of several the first wraps, all open.',
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
