import { importPKCS8, SignJWT } from 'jose';
import type { KeySource } from '../key-ring.ts';
import { askService, boundTo, expiringToken, textIn, unboundFrom } from './key-service.ts';

export interface GcpKmsSettings {
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K` */
  readonly key: string;
  readonly endpoint: string;
  /** A service account's key file. Null: the machine's own service account. */
  readonly serviceAccount: GcpServiceAccount | null;
}

/** What is used of a service account's key file. */
export interface GcpServiceAccount {
  readonly client_email: string;
  /** PKCS8 PEM. */
  readonly private_key: string;
  readonly private_key_id?: string | undefined;
  readonly token_uri: string;
}

const service = 'Google Cloud KMS';
const scope = 'https://www.googleapis.com/auth/cloudkms';
const metadataUrl =
  'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token';

/**
 * Google Cloud KMS (cloud.google.com/kms/docs/reference/rest: cryptoKeys.encrypt, decrypt). Keys rotate there; the
 * version that wrapped is part of the key id.
 */
export function gcpKmsKeys({ key, endpoint, serviceAccount }: GcpKmsSettings): KeySource {
  const tokens = expiringToken(async () => gcpToken(serviceAccount, scope));
  const prefix = 'gcp:';
  const call = async (act: 'encrypt' | 'decrypt', body: object): Promise<Record<string, unknown>> =>
    askService(service, {
      url: `${endpoint.replace(/\/+$/, '')}/v1/${key}:${act}`,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokens.get()}` },
      body: JSON.stringify(body),
    });
  return {
    owns: (kekId) => kekId.startsWith(`${prefix}${key}/`),
    async wrap(dataKey, context) {
      const answer = await call('encrypt', {
        plaintext: boundTo(dataKey, context).toString('base64'),
        additionalAuthenticatedData: Buffer.from(context).toString('base64'),
      });
      return {
        kekId: `${prefix}${textIn(service, answer, 'name')}`,
        wrapped: Buffer.from(textIn(service, answer, 'ciphertext'), 'base64'),
      };
    },
    async unwrap({ wrapped }, context) {
      const answer = await call('decrypt', {
        ciphertext: Buffer.from(wrapped).toString('base64'),
        additionalAuthenticatedData: Buffer.from(context).toString('base64'),
      });
      return unboundFrom(Buffer.from(textIn(service, answer, 'plaintext'), 'base64'), context);
    },
  };
}

/** A service account's signed statement for an access token (RFC 7523), or the token of the machine's own account. */
export async function gcpToken(
  account: GcpServiceAccount | null,
  scope: string,
): Promise<{ token: string; livesMs: number }> {
  const answer = account
    ? await askService(service, {
        url: account.token_uri,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
          assertion: await statement(account, scope),
        }).toString(),
      })
    : await askService(service, {
        url: metadataUrl,
        method: 'GET',
        headers: { 'metadata-flavor': 'Google' },
      });
  const seconds = answer['expires_in'];
  return {
    token: textIn(service, answer, 'access_token'),
    livesMs: (typeof seconds === 'number' ? seconds : 300) * 1000,
  };
}

async function statement(account: GcpServiceAccount, scope: string): Promise<string> {
  const key = await importPKCS8(account.private_key, 'RS256');
  const kid = account.private_key_id;
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(kid !== undefined && { kid }) })
    .setIssuer(account.client_email)
    .setAudience(account.token_uri)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(key);
}
