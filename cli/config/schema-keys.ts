import { z } from 'zod';
import { copyPublicKey, readCopyKey } from '../../recording/sealed-copy.ts';
import { decodeKey, key, secret, text } from './forms.ts';
import { awsAccess, azureAccess, gcpAccess, vaultAccess } from './schema-cloud.ts';

const vault = vaultAccess({
  key: text.describe('Name of the transit key.'),
  mount: text.default('transit').describe('Where the transit engine is mounted.'),
});

const aws = awsAccess({ keyId: text.describe('ARN of a symmetric key or of an alias.') });

const gcp = gcpAccess('https://cloudkms.googleapis.com', {
  key: z
    .string()
    .regex(
      /^projects\/[^/\s?#]+\/locations\/[^/\s?#]+\/keyRings\/[^/\s?#]+\/cryptoKeys\/[^/\s?#:]+$/,
      'must look like `projects/P/locations/L/keyRings/R/cryptoKeys/K`',
    )
    .describe('Name of the key.'),
});

const azure = azureAccess('the vault or the managed HSM', {
  key: z
    .string()
    .regex(/^[0-9A-Za-z-]{1,127}$/, 'must be the name of a key')
    .describe('Name of the key.'),
  algorithm: z
    .enum(['RSA-OAEP-256', 'A256KW'])
    .default('RSA-OAEP-256')
    .describe("How the key wraps; `A256KW` for a managed HSM's AES key."),
});

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

/** The public half of a break-glass key, base64url; null when it is none. */
function copyPublicKeyOf(privateKey: string): string | null {
  try {
    return copyPublicKey(readCopyKey(privateKey)).toString('base64url');
  } catch {
    return null;
  }
}

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
    breakGlass: z
      .strictObject({
        publicKey: key.describe(
          'X25519 public key, 32 bytes in base64url, that sealed copies are sealed to (`holdpoint keys generate --break-glass`). Gateways know this half only.',
        ),
        privateKey: secret(
          'Its private half, base64url or PEM; for the console, or the machine of whoever looks. A gateway that has it does not start.',
        )
          .refine((value) => copyPublicKeyOf(value) !== null, 'must be an X25519 private key')
          .optional(),
      })
      .refine(
        ({ publicKey, privateKey }) =>
          privateKey === undefined ||
          (copyPublicKeyOf(privateKey) ?? '') ===
            Buffer.from(decodeKey(publicKey) ?? []).toString('base64url'),
        '`privateKey` is not the private half of `publicKey`',
      )
      .optional()
      .describe('The keys of sealed copies (`connections.*.sealedCopy`), for break-glass.'),
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
