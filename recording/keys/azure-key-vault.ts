import type { KeySource } from '../key-ring.ts';
import { askService, boundTo, expiringToken, KeyServiceError, textIn, unboundFrom } from './key-service.ts';

export interface AzureKeySettings {
  /** `https://NAME.vault.azure.net`, or a managed HSM's. */
  readonly vaultUrl: string;
  readonly key: string;
  /** RSA keys take `RSA-OAEP-256`, a managed HSM's AES keys `A256KW`. */
  readonly algorithm: 'RSA-OAEP-256' | 'A256KW';
  /** Null: the machine's own managed identity. */
  readonly client: {
    readonly tenantId: string;
    readonly clientId: string;
    readonly clientSecret: string;
    /** `https://login.microsoftonline.com`, or a national cloud's. */
    readonly authority: string;
  } | null;
}

const service = 'Azure Key Vault';
const apiVersion = '7.4';
const currentForMs = 5 * 60_000;

/**
 * Azure Key Vault or Managed HSM (learn.microsoft.com/rest/api/keyvault/keys: get key, wrap key, unwrap key). Keys
 * rotate there; the version that wrapped is part of the key id. Needs the permissions get, wrapKey and unwrapKey.
 */
export function azureKeys(settings: AzureKeySettings): KeySource {
  const { key, algorithm: alg } = settings;
  const base = settings.vaultUrl.replace(/\/+$/, '');
  const prefix = `azure:${base}/keys/${key}/`;
  const tokens = expiringToken(async () => azureToken(settings));
  const call = async (path: string, body: object | null): Promise<Record<string, unknown>> =>
    askService(service, {
      url: `${base}/keys/${encodeURIComponent(key)}${path}?api-version=${apiVersion}`,
      method: body === null ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await tokens.get()}` },
      ...(body !== null && { body: JSON.stringify(body) }),
    });
  const current = expiringToken(async () => {
    const kid = textIn(service, (await call('', null))['key'], 'kid');
    return { token: versionIn(kid), livesMs: currentForMs };
  });
  return {
    owns: (kekId) => kekId.startsWith(prefix),
    async wrap(dataKey, context) {
      const version = await current.get();
      const value = boundTo(dataKey, context).toString('base64url');
      const answer = await call(`/${version}/wrapkey`, { alg, value });
      return {
        kekId: `${prefix}${version}`,
        wrapped: Buffer.from(textIn(service, answer, 'value'), 'base64url'),
      };
    },
    async unwrap({ kekId, wrapped }, context) {
      // The id comes from the database: only its version is used, and only if it is one.
      const version = versionIn(kekId);
      const value = Buffer.from(wrapped).toString('base64url');
      const answer = await call(`/${version}/unwrapkey`, { alg, value });
      return unboundFrom(Buffer.from(textIn(service, answer, 'value'), 'base64url'), context);
    },
  };
}

function versionIn(kid: string): string {
  const version = /\/([0-9A-Za-z]{1,64})$/.exec(kid)?.[1];
  if (version === undefined)
    throw new KeyServiceError('key_service_refused', `${service}: the key id names no version of the key`);
  return version;
}

/** A token for a vault: of a client, or of the machine's managed identity. @throws KeyServiceError */
export async function azureToken({
  vaultUrl,
  client,
}: Pick<AzureKeySettings, 'vaultUrl' | 'client'>): Promise<{ token: string; livesMs: number }> {
  const resource = vaultUrl.includes('managedhsm')
    ? 'https://managedhsm.azure.net'
    : 'https://vault.azure.net';
  const answer = client
    ? await askService(service, {
        url: `${client.authority.replace(/\/+$/, '')}/${encodeURIComponent(client.tenantId)}/oauth2/v2.0/token`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: client.clientId,
          client_secret: client.clientSecret,
          scope: `${resource}/.default`,
        }).toString(),
      })
    : await askService(service, {
        url: `http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=${encodeURIComponent(resource)}`,
        method: 'GET',
        headers: { metadata: 'true' },
      });
  const seconds = Number(answer['expires_in']);
  return {
    token: textIn(service, answer, 'access_token'),
    livesMs: (seconds > 0 ? seconds : 300) * 1000,
  };
}
