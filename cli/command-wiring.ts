import { join } from 'node:path';
import { createRecordAct } from '../console/acts.ts';
import { type Identity, placed } from '../console/identity.ts';
import { may, type Permission, rolesThatMay } from '../console/roles.ts';
import { personHandles, revokedAmong } from '../db/revocations.ts';
import type { Pool } from '../db/pool.ts';
import { createRecordStore } from '../db/records.ts';
import { checkMaskingConfig } from '../masking/check-config.ts';
import { createRecorder } from '../recording/recorder.ts';
import { createApprovals } from '../workflows/client.ts';
import { commandLineIdentity } from './commands/identity.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { type Keys, loadKeys } from './keys.ts';
import { createLog } from './log.ts';
import type { Invocation } from './main.ts';
import { defaultMasker, maskingReasons, ruleFileReader } from './masking.ts';
import { knownScopes } from './known-scopes.ts';
import { slackStanding } from './roles/slack-parts.ts';
import { temporalLink } from './roles/temporal.ts';
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

/** `holdpoint approvals …` */
export async function approvals(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/approvals.ts');
  return opened(invocation, async (parts) => {
    const { config, keys, pool } = parts;
    const link = temporalLink({
      ...parts,
      log: createLog('error', 'cli'),
      env: invocation.env,
      together: false,
    });
    try {
      return await run(invocation.argv, {
        pool,
        approvals: maskingReasons(createApprovals(link.client, keys.voteKey)),
        identity: () => atCommandLine(config, pool, invocation, 'requests.decide'),
        stdout: invocation.out,
        stderr: invocation.err,
      });
    } finally {
      await link.close();
    }
  });
}

/** `holdpoint definitions …`: who decides is recorded before it counts. */
export async function definitions(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/definitions.ts');
  return opened(invocation, async ({ config, keys, pool }) => {
    const { voteKey, keyRing } = keys;
    if (!voteKey) throw new Error('keys.votes.privateKey is not set: decisions are signed with it');
    const recorder = createRecorder({ store: createRecordStore(pool), keyRing });
    const masker = defaultMasker();
    const recordAct = createRecordAct({ recorder, masker });
    try {
      return await run(invocation.argv, {
        desk: { pool, voteKey, recordAct, maskText: (text) => masker.text(text).text },
        identity: () => atCommandLine(config, pool, invocation),
        stdout: invocation.out,
        stderr: invocation.err,
      });
    } finally {
      await recorder.close();
    }
  });
}

/** `holdpoint freeze …` */
export async function freeze(invocation: Invocation): Promise<number> {
  return turnSwitch('freeze', invocation);
}

/** `holdpoint unfreeze` */
export async function unfreeze(invocation: Invocation): Promise<number> {
  return turnSwitch('unfreeze', invocation);
}

async function turnSwitch(command: 'freeze' | 'unfreeze', invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/freeze.ts');
  const masker = defaultMasker();
  return opened(invocation, async ({ config, pool }) =>
    run(command, invocation.argv, {
      pool,
      roles: config.roles,
      maskText: (text) => masker.text(text).text,
      identity: () => atCommandLine(config, pool, invocation),
      out: invocation.out,
      err: invocation.err,
    }),
  );
}

/** `holdpoint tokens …`: making and revoking one is recorded like every act. */
export async function tokens(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/tokens.ts');
  return opened(invocation, async ({ config, keys, pool }) => {
    const recorder = createRecorder({ store: createRecordStore(pool), keyRing: keys.keyRing });
    try {
      return await run(invocation.argv, {
        pool,
        longestMs: config.identity.accessTokens.longestMs,
        scopes: knownScopes(config),
        identity: () => atCommandLine(config, pool, invocation),
        operator: `os:${process.getuid?.() ?? 'unknown'}`,
        recordAct: createRecordAct({ recorder, masker: defaultMasker() }),
        out: invocation.out,
        err: invocation.err,
      });
    } finally {
      await recorder.close();
    }
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
