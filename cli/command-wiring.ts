import { join } from 'node:path';
import { type Identity, placed } from '../console/identity.ts';
import { may, type Permission, rolesThatMay } from '../console/roles.ts';
import { personHandles, revokedAmong } from '../db/revocations.ts';
import type { Pool } from '../db/pool.ts';
import { checkMaskingConfig } from '../masking/check-config.ts';
import { commandLineIdentity } from './commands/identity.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { type Keys, loadKeys } from './keys.ts';
import { createLog } from './log.ts';
import type { Invocation } from './main.ts';
import { ruleFileReader } from './masking.ts';
import { slackStanding } from './roles/slack-parts.ts';
import { type Addresses, openDatabase, resolveAddresses } from './services.ts';

/** What the commands that work on a running Holdpoint's data are given. */
export interface Opened {
  readonly config: Config;
  readonly addresses: Addresses;
  readonly keys: Keys;
  readonly pool: Pool;
}

/** Opens the database, runs a command, and closes whatever was opened. */
export async function opened(
  invocation: Invocation,
  work: (parts: Opened) => Promise<number>,
): Promise<number> {
  const config = await configOf(invocation);
  const addresses = await resolveAddresses(config);
  const keys = await loadKeys(config);
  const pool = await openDatabase(addresses.databaseUrl, 'cli', createLog('error', 'cli'));
  try {
    return await work({ config, addresses, keys, pool });
  } finally {
    await pool.end();
  }
}

/** The configuration that a command is given. */
export async function configOf({ configFile, dataDir, env, cwd }: Invocation): Promise<Config> {
  return loadConfig({
    ...(configFile ? { file: configFile } : {}),
    ...(dataDir ? { dataDir } : {}),
    env,
    cwd,
  });
}

/** Who is at the command line, proven anew, not revoked, and with a role that permits it. */
export async function atCommandLine(
  config: Config,
  pool: Pool,
  { env }: Invocation,
  permission?: Permission,
): Promise<Identity> {
  const { login } = config.console;
  const proven = await commandLineIdentity({
    login,
    credentialFile: join(config.dataDir, 'console-credential'),
    idToken: env['HOLDPOINT_ID_TOKEN'],
    pool,
  });
  const identity = await placed(proven, slackStanding({ config, pool, log: createLog('error', 'cli') }));
  const by = await revokedAmong(pool, personHandles(identity.person.keys));
  if (by) throw new Error(`access of ${identity.person.name} has been revoked (${by.id})`);
  if (permission && !may(identity, config.roles, permission))
    throw new Error(
      `${identity.person.name} has none of the roles ${rolesThatMay(permission).join(', ')}; the setting \`roles\` gives them`,
    );
  return identity;
}

/** `holdpoint policy …` */
export async function policy(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/policy.ts');
  return run(invocation.argv, {
    ...invocation,
    checkMasking: (value, file) => checkMaskingConfig(value, ruleFileReader(file)),
  });
}
