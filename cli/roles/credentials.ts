import { readFile } from 'node:fs/promises';
import { type Bearers, createBearers } from '../../gateway/credentials/bearers.ts';
import { type ConnectDesk, createConnectDesk, type PersonalConnection } from '../../gateway/connect/desk.ts';
import { createUserTokens } from '../../gateway/connect/user-tokens.ts';
import type { CredentialDeps } from '../../gateway/credentials/inject.ts';
import { keepSecrets } from '../../gateway/credentials/kept-secrets.ts';
import { secretStore } from '../../gateway/credentials/secret-stores.ts';
import { upstreamTokens } from '../../gateway/credentials/tokens.ts';
import { machineCredentials } from '../../recording/keys/aws-credentials.ts';
import type { RoleContext } from './context.ts';

/** What connections' credentials are made of. `bearers` is null where no connection exchanges callers' tokens. */
export function openCredentials({ config, keys, pool, log, env }: RoleContext): CredentialDeps & {
  readonly bearers: Bearers | null;
} {
  const machine = machineCredentials(env, (path) => readFile(path, 'utf8'));
  const stores = new Map(
    Object.entries(config.secretStores).map(([name, settings]) => [name, secretStore(settings, machine)]),
  );
  const exchanges = Object.values(config.connections).some(
    (connection) => connection.kind === 'http' && connection.credentials?.source.kind === 'tokenExchange',
  );
  return {
    secrets: keepSecrets(stores, log),
    tokens: upstreamTokens({ pool, keyRing: keys.keyRing, log }),
    bearers: exchanges ? createBearers() : null,
    userTokens: createUserTokens({ pool, keyRing: keys.keyRing, log }),
  };
}

/** People's own sign-ins at upstream servers; null where no connection wants any. */
export function openConnectDesk(
  { config, keys, pool, log }: RoleContext,
  consoleUrl: () => string,
): ConnectDesk | null {
  const personal: Record<string, PersonalConnection> = {};
  for (const [name, connection] of Object.entries(config.connections)) {
    const source = connection.kind === 'http' ? connection.credentials?.source : undefined;
    if (connection.kind === 'http' && source?.kind === 'authorizationCode')
      personal[name] = { url: connection.url, client: source.client };
  }
  if (Object.keys(personal).length === 0) return null;
  return createConnectDesk(personal, { pool, keyRing: keys.keyRing, log, consoleUrl });
}
