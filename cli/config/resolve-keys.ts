import { resolve } from 'node:path';
import type { VaultLogin } from '../../recording/keys/vault.ts';
import type { KeyServiceConfig } from './config.ts';
import { readServiceAccount } from './schema-cloud.ts';
import type { ConfigFile } from './schema.ts';

type Services = NonNullable<ConfigFile['keys']['kms']>;
type Service = Services extends readonly (infer One)[] | infer Single ? One | Single : never;
type OneService = Exclude<Service, readonly unknown[]>;

/** One key service as the key ring takes it. */
export function keyServiceOf(service: OneService, baseDir: string): KeyServiceConfig {
  if ('vault' in service) {
    const { token, tokenFile, appRole, kubernetes, namespace, ...rest } = service.vault;
    const settings = { ...rest, namespace: namespace ?? null };
    const login = (kind: VaultLogin): KeyServiceConfig => ({
      kind: 'vault',
      settings: { ...settings, login: kind },
    });
    if (appRole) return login({ kind: 'appRole', ...appRole });
    if (kubernetes) return login({ kind: 'kubernetes', ...kubernetes });
    return tokenFile === undefined
      ? login({ kind: 'token', token: token ?? '' })
      : login({ kind: 'tokenFile', path: resolve(baseDir, tokenFile) });
  }
  if ('aws' in service) {
    const { keyId, region, endpoint, accessKeyId, secretAccessKey, sessionToken } = service.aws;
    return {
      kind: 'aws',
      settings: { keyId, region, endpoint: endpoint ?? null },
      credentials:
        accessKeyId === undefined || secretAccessKey === undefined
          ? null
          : { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    };
  }
  if ('gcp' in service) {
    const { key, endpoint, serviceAccount } = service.gcp;
    const account = serviceAccount === undefined ? null : readServiceAccount(serviceAccount);
    return { kind: 'gcp', settings: { key, endpoint, serviceAccount: account } };
  }
  const { vaultUrl, key, algorithm, tenantId, clientId, clientSecret, authority } = service.azure;
  const client =
    tenantId === undefined || clientId === undefined || clientSecret === undefined
      ? null
      : { tenantId, clientId, clientSecret, authority };
  return { kind: 'azure', settings: { vaultUrl, key, algorithm, client } };
}
