import { readFile } from 'node:fs/promises';
import { type Bearers, createBearers } from '../../gateway/credentials/bearers.ts';
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
  };
}
