import { resolve } from 'node:path';
import type { Problem } from '../../policy/problems.ts';
import type { VaultLogin } from '../../recording/keys/vault.ts';
import type { Config, KeyServiceConfig } from './config.ts';
import { decodeKey } from './forms.ts';
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

/** The keys of sealed copies, and which connections have any. */
export function breakGlassOf({ keys, connections }: ConfigFile): Config['keys']['breakGlass'] {
  const publicKey = decodeKey(keys.breakGlass?.publicKey ?? '');
  if (!publicKey) return null;
  return {
    publicKey,
    privateKey: keys.breakGlass?.privateKey ?? null,
    connections: sealedCopyConnections(connections),
  };
}

/** Copies that nobody could ever open, or that nothing says how to seal. */
export function breakGlassProblems(file: ConfigFile): readonly Problem[] {
  const { keys, connections, console, roles } = file;
  const [copied] = sealedCopyConnections(connections);
  if (!keys.breakGlass)
    return copied === undefined
      ? []
      : [
          {
            path: ['connections', copied, 'sealedCopy'],
            message: 'needs a key to seal to; set `keys.breakGlass.publicKey`',
          },
        ];
  const path = ['keys', 'breakGlass'];
  if (console.login === undefined)
    return [{ path, message: 'takes two people who are told apart; set `console.login`' }];
  if (roles.owner === undefined)
    return [{ path, message: 'takes somebody who may agree; name the role `roles.owner`' }];
  return [];
}

function sealedCopyConnections(connections: ConfigFile['connections']): string[] {
  return Object.entries(connections).flatMap(([name, { sealedCopy }]) => (sealedCopy ? [name] : []));
}
