import type { Pool } from '../db/pool.ts';
import { createRecordStore } from '../db/records.ts';
import { type Identity, localApprover } from '../console/identity.ts';
import { createRecorder } from '../recording/recorder.ts';
import { createApprovals } from '../workflows/client.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { type Keys, loadKeys } from './keys.ts';
import { createLog } from './log.ts';
import type { Invocation } from './main.ts';
import { temporalLink } from './roles/temporal.ts';
import { type Addresses, openDatabase, resolveAddresses } from './services.ts';

/** What the commands that work on a running Holdpoint's data are given. */
interface Opened {
  readonly config: Config;
  readonly addresses: Addresses;
  readonly keys: Keys;
  readonly pool: Pool;
}

/** Opens the database, runs a command, and closes whatever was opened. */
async function opened(invocation: Invocation, work: (parts: Opened) => Promise<number>): Promise<number> {
  const { configFile, dataDir, env, cwd } = invocation;
  const options = { ...(configFile ? { file: configFile } : {}), ...(dataDir ? { dataDir } : {}), env, cwd };
  const config = await loadConfig(options);
  const addresses = await resolveAddresses(config);
  const keys = await loadKeys(config);
  const pool = await openDatabase(addresses.databaseUrl, 'cli', createLog('error', 'cli'));
  try {
    return await work({ config, addresses, keys, pool });
  } finally {
    await pool.end();
  }
}

/** `holdpoint approvals …` */
export async function approvals(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/approvals.ts');
  return opened(invocation, async (parts) => {
    const log = createLog('error', 'cli');
    const link = temporalLink({ ...parts, log, env: invocation.env, together: false });
    try {
      return await run(invocation.argv, {
        pool: parts.pool,
        approvals: createApprovals(link.client, parts.keys.voteKey),
        identity: async () => identityOf(parts),
        stdout: invocation.out,
        stderr: invocation.err,
      });
    } finally {
      await link.close();
    }
  });
}

/** Whoever can read the data directory's credential is the local approver; elsewhere people sign in. */
function identityOf({ config, keys }: Opened): Identity {
  if (keys.consoleCredential && config.console.login === null) return localApprover();
  throw new Error(
    'this command line cannot prove who you are: people sign in with an identity provider here. Decide in the console or in Slack',
  );
}

/** `holdpoint sessions …` */
export async function sessions(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/sessions.ts');
  return opened(invocation, async (parts) => {
    return run([...invocation.argv], {
      pool: parts.pool,
      keyRing: parts.keys.keyRing,
      out: invocation.out,
      err: invocation.err,
      recordAct: async () => {},
    });
  });
}
/** `holdpoint policy …` */
export async function policy(invocation: Invocation): Promise<number> {
  const { run } = await import('./commands/policy.ts');
  return run(invocation.argv, { ...invocation, checkMasking: () => [] });
}
export async function verify(_: Invocation): Promise<number> {
  return 1;
}
export async function keys(_: Invocation): Promise<number> {
  return 1;
}
