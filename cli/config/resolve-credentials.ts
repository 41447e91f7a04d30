import { resolve } from 'node:path';
import type { Problem } from '../../policy/problems.ts';
import type {
  CodeClient,
  HttpCredential,
  SecretReference,
  SecretStoreSettings,
  TokenClient,
} from '../../gateway/credentials/settings.ts';
import type { HttpTls } from '../../gateway/settings.ts';
import type { VaultLogin } from '../../recording/keys/vault.ts';
import { readServiceAccount } from './schema-cloud.ts';
import type { ConfigFile } from './schema.ts';

type Connection = ConfigFile['connections'][string];
type Http = Extract<Connection, { url: string }>;

/** A connection that names a store which is not there, and a store that nothing uses. */
export function storeProblems({ connections, secretStores }: ConfigFile): readonly Problem[] {
  const used = new Set<string>();
  const problems: Problem[] = [];
  const check = (path: readonly string[], store: string | undefined): void => {
    if (store === undefined) return;
    used.add(store);
    if (!Object.hasOwn(secretStores, store))
      problems.push({ path: [...path, 'store'], message: `there is no "${store}" in \`secretStores\`` });
  };
  for (const [name, connection] of Object.entries(connections)) {
    if ('url' in connection)
      check(['connections', name, 'credentials', 'secret'], connection.credentials?.secret?.store);
    else
      for (const [variable, reference] of Object.entries(connection.secretEnv))
        check(['connections', name, 'secretEnv', variable], reference.store);
  }
  for (const name of Object.keys(secretStores))
    if (!used.has(name))
      problems.push({ path: ['secretStores', name], message: 'is used by no connection; remove it' });
  return problems;
}

/** The credential of an HTTP connection as the gateway takes it. */
export function credentialOf(credentials: Http['credentials']): HttpCredential | null {
  if (!credentials) return null;
  const { header, query, prefix, value, secret, clientCredentials, tokenExchange, authorizationCode } =
    credentials;
  const at =
    query === undefined
      ? ({ in: 'header', name: header ?? 'Authorization' } as const)
      : ({ in: 'query', name: query } as const);
  const token = clientCredentials ?? tokenExchange;
  return {
    ...at,
    prefix: prefix ?? ((token ?? authorizationCode) && query === undefined ? 'Bearer ' : ''),
    source:
      value !== undefined
        ? { kind: 'value', value }
        : secret
          ? { kind: 'secret', secret: { ...secret, field: secret.field ?? null } }
          : authorizationCode
            ? { kind: 'authorizationCode', client: codeClientOf(authorizationCode) }
            : {
                kind: clientCredentials ? 'clientCredentials' : 'tokenExchange',
                client: clientOf(token as NonNullable<typeof token>),
              },
  };
}

function clientOf({
  scope,
  audience,
  resource,
  ...client
}: NonNullable<NonNullable<Http['credentials']>['clientCredentials']>): TokenClient {
  return { ...client, scope: scope ?? null, audience: audience ?? null, resource: resource ?? null };
}

function codeClientOf(
  client: NonNullable<NonNullable<Http['credentials']>['authorizationCode']>,
): CodeClient {
  const { issuer = null, authorizationUrl = null, tokenUrl = null } = client;
  const { clientId = null, clientSecret = null, scope = null, resource = null } = client;
  return { issuer, authorizationUrl, tokenUrl, clientId, clientSecret, scope, resource };
}

/** The secrets in the environment of a process. */
export function secretEnvOf(
  secretEnv: Extract<Connection, { command: unknown }>['secretEnv'],
): Readonly<Record<string, SecretReference>> {
  return Object.fromEntries(
    Object.entries(secretEnv).map(([name, { field, ...reference }]) => [
      name,
      { ...reference, field: field ?? null },
    ]),
  );
}

/** TLS of an HTTP connection. */
export function connectionTlsOf(tls: Http['tls']): HttpTls | null {
  if (!tls) return null;
  const { ca = null, cert = null, key = null, serverName = null } = tls;
  return { ca, cert, key, serverName };
}

/** The secret stores as the gateway takes them. */
export function secretStoresOf(
  { secretStores }: ConfigFile,
  baseDir: string,
): Readonly<Record<string, SecretStoreSettings>> {
  return Object.fromEntries(
    Object.entries(secretStores).map(([name, store]) => [name, storeOf(store, baseDir)]),
  );
}

function storeOf(store: ConfigFile['secretStores'][string], baseDir: string): SecretStoreSettings {
  if ('vault' in store) {
    const { address, namespace, ...login } = store.vault;
    return { kind: 'vault', address, namespace: namespace ?? null, login: loginOf(login, baseDir) };
  }
  if ('aws' in store) {
    const { region, endpoint, accessKeyId, secretAccessKey, sessionToken } = store.aws;
    const credentials =
      accessKeyId === undefined || secretAccessKey === undefined
        ? null
        : { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
    return { kind: 'aws', region, endpoint: endpoint ?? null, credentials };
  }
  if ('gcp' in store) {
    const { endpoint, serviceAccount } = store.gcp;
    const account = serviceAccount === undefined ? null : readServiceAccount(serviceAccount);
    return { kind: 'gcp', endpoint, serviceAccount: account };
  }
  const { vaultUrl, tenantId, clientId, clientSecret, authority } = store.azure;
  const client =
    tenantId === undefined || clientId === undefined || clientSecret === undefined
      ? null
      : { tenantId, clientId, clientSecret, authority };
  return { kind: 'azure', vaultUrl, client };
}

type Login = Omit<
  Extract<ConfigFile['secretStores'][string], { vault: unknown }>['vault'],
  'address' | 'namespace'
>;

function loginOf({ token, tokenFile, appRole, kubernetes }: Login, baseDir: string): VaultLogin {
  if (appRole) return { kind: 'appRole', ...appRole };
  if (kubernetes) return { kind: 'kubernetes', ...kubernetes };
  return tokenFile === undefined
    ? { kind: 'token', token: token ?? '' }
    : { kind: 'tokenFile', path: resolve(baseDir, tokenFile) };
}
