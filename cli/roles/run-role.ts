import { loadConfig } from '../config/load.ts';
import { loadKeys } from '../keys.ts';
import { createLog } from '../log.ts';
import type { Invocation } from '../main.ts';
import { openDatabase, resolveAddresses } from '../services.ts';
import { type Stoppable, stopAll, untilAskedToStop } from '../stopping.ts';
import type { RoleContext, RunningRole } from './context.ts';
import { startHealth } from './health.ts';
import { logTemporalTo } from './temporal-log.ts';

type Role = 'gateway' | 'worker' | 'slack' | 'console';

const starters: Record<Role, () => Promise<(context: RoleContext) => Promise<RunningRole>>> = {
  gateway: async () => (await import('./gateway.ts')).startGatewayRole,
  worker: async () => (await import('./worker.ts')).startWorkerRole,
  slack: async () => (await import('./slack.ts')).startSlackRole,
  console: async () => (await import('./console.ts')).startConsoleRole,
};

/** One role as a process of its own, until it is asked to stop. */
export function runRole(role: Role): (invocation: Invocation) => Promise<number> {
  return async ({ argv, configFile, dataDir, env, cwd, out, err }) => {
    if (argv.length > 0) {
      err(`holdpoint ${role}: unknown argument ${argv[0]}; it takes --config and --data only\n`);
      return 2;
    }
    const options = {
      ...(configFile ? { file: configFile } : {}),
      ...(dataDir ? { dataDir } : {}),
      env,
      cwd,
    };
    const config = await loadConfig(options);
    const log = createLog(config.log.level, role);
    logTemporalTo(log);
    const asked = untilAskedToStop();
    const started: Stoppable[] = [];
    try {
      const addresses = await resolveAddresses(config);
      const pool = await openDatabase(addresses.databaseUrl, role, log);
      started.push({ name: 'database pool', stop: () => pool.end() });
      const start = await starters[role]();
      const keys = await loadKeys(config);
      const running = await start({ config, addresses, keys, pool, log, env, together: false });
      started.push(running);
      // Gateways and the console answer for themselves.
      if (config.metrics && role !== 'gateway')
        started.push(await startHealth(config.metrics.listen, running));
      out(`holdpoint ${role} is running${running.url ? ` at ${running.url}` : ''}\n`);
      const link = running.loginLink?.();
      if (link) out(`sign in, once, within ten minutes: ${link}\n`);
      const signal = await asked;
      log.info({ signal }, 'stopping');
      return 0;
    } finally {
      await stopAll(started, log);
    }
  };
}
