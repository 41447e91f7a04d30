import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCodecServer } from '../workflows/codec-server.ts';
import { createCodec } from '../workflows/codec.ts';
import { searchAttributes } from '../workflows/contract.ts';
import { portProblem } from './commands/doctor.ts';
import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { alive, readRunFile, type RunFile, writeRunFile } from './data-dir.ts';
import { freePort, startPostgres } from './embedded/postgres.ts';
import { startTemporal } from './embedded/temporal.ts';
import { obtainTemporal } from './embedded/temporal-binary.ts';
import { type Keys, loadKeys } from './keys.ts';
import { createFileLog, type Logger } from './log.ts';
import type { Invocation } from './main.ts';
import { startConsoleRole } from './roles/console.ts';
import type { RoleContext, RunningRole } from './roles/context.ts';
import { startGatewayRole } from './roles/gateway.ts';
import { checkRules } from './roles/rules.ts';
import { startSlackRole } from './roles/slack.ts';
import { logTemporalTo } from './roles/temporal-log.ts';
import { startWorkerRole } from './roles/worker.ts';
import { type Addresses, openDatabase } from './services.ts';
import { withDemonstration } from './starter/demonstration.ts';
import { type Stoppable, stopAll, untilAskedToStop } from './stopping.ts';
import { banner } from './banner.ts';

/** All roles in one process, with PostgreSQL and Temporal beside it where the configuration says `embedded`. */
export async function up({ argv, configFile, dataDir, env, cwd, out, err }: Invocation): Promise<number> {
  if (argv.length > 0) {
    err(`holdpoint up: unknown argument ${argv[0]}; it takes --config and --data only\n`);
    return 2;
  }
  const options = { ...(configFile ? { file: configFile } : {}), ...(dataDir ? { dataDir } : {}), env, cwd };
  const config = await withDemonstration(await loadConfig(options));
  await checkRules({ config, together: true });
  const log = createFileLog(config.log.level, 'up', join(config.dataDir, 'holdpoint.log'));
  logTemporalTo(log);
  await refuseSecond(config);
  await stopLeftBehind(config.dataDir);
  await refuseTakenPorts(config);
  const asked = untilAskedToStop();
  const started: Stoppable[] = [];
  const say = (line: string): void => out(`${line}\n`);
  try {
    const running = await startAll(config, env, log, started, say);
    out(banner(config, running));
    const signal = await asked;
    say(`\n${signal}: stopping`);
    return 0;
  } finally {
    await stopAll(started, log);
    say('stopped');
  }
}

/** What the banner tells people. */
export interface Running {
  readonly run: RunFile;
  readonly loginLink: string | null;
  readonly slack: boolean;
}

async function startAll(
  config: Config,
  env: NodeJS.ProcessEnv,
  log: Logger,
  started: Stoppable[],
  say: (line: string) => void,
): Promise<Running> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const keys = await loadKeys(config);
  const databaseUrl = await postgres(config, log, started, say);
  const temporal = await temporalServer(config, env, keys, log, started, say);
  const run: RunFile = {
    pid: process.pid,
    databaseUrl,
    temporalAddress: temporal.address,
    temporalUiUrl: temporal.uiUrl,
    temporalPid: temporal.pid,
    agentsUrl: config.agents.publicUrl,
    consoleUrl: config.console.publicUrl,
  };
  const pool = await openDatabase(databaseUrl, 'up', log);
  started.push({ name: 'database pool', stop: () => pool.end() });
  const addresses: Addresses = { databaseUrl, temporalAddress: temporal.address };
  const context: RoleContext = { config, addresses, keys, pool, log, env, together: true };
  const begin = async <T extends RunningRole>(role: Promise<T>): Promise<T> => {
    const running = await role;
    started.push(running);
    return running;
  };
  say('starting the worker');
  await begin(startWorkerRole(context));
  say('starting the gateway and the console');
  await begin(startGatewayRole(context));
  const console = await begin(startConsoleRole(context));
  if (config.slack) await begin(startSlackRole(context));
  await writeRunFile(config.dataDir, run);
  return { run, loginLink: console.loginLink(), slack: config.slack !== null };
}

async function postgres(
  config: Config,
  log: Logger,
  started: Stoppable[],
  say: (line: string) => void,
): Promise<string> {
  if (config.database.url !== 'embedded') return config.database.url;
  say('starting PostgreSQL');
  const server = await startPostgres({
    dataDir: join(config.dataDir, 'postgres'),
    onLog: (line) => log.trace({ postgres: line }),
  });
  started.push({ name: 'PostgreSQL', stop: server.stop });
  return server.url;
}

async function temporalServer(
  config: Config,
  env: NodeJS.ProcessEnv,
  keys: Keys,
  log: Logger,
  started: Stoppable[],
  say: (line: string) => void,
): Promise<{ address: string; uiUrl: string | null; pid: number | null }> {
  const { address, namespace, uiPort } = config.temporal;
  if (address !== 'embedded') return { address, uiUrl: null, pid: null };
  const binary = await obtainTemporal('temporal', env, say);
  say('starting Temporal');
  // Whoever can open the user interface on this machine can read the key's file as well.
  const codec = await startCodecServer({
    listen: { host: '127.0.0.1', port: 0 },
    codec: createCodec(keys.codecKeys),
    namespace,
    uiOrigin: `http://127.0.0.1:${uiPort}`,
    authorize: null,
  });
  started.push({ name: 'codec server', stop: codec.stop });
  const server = await startTemporal({
    binary,
    port: await freePort(),
    uiPort,
    namespace,
    codecEndpoint: codec.url,
    dbFile: join(config.dataDir, 'temporal.db'),
    searchAttributes: Object.values(searchAttributes),
    onLog: (line) => log.trace({ temporal: line }),
  });
  started.push({ name: 'Temporal', stop: server.stop });
  return server;
}

/** A Temporal server whose Holdpoint was killed holds the file and the port of its user interface. */
async function stopLeftBehind(dataDir: string): Promise<void> {
  const run = await readRunFile(dataDir);
  if (!run?.temporalPid || !alive(run.temporalPid)) return;
  const command = await readFile(`/proc/${run.temporalPid}/cmdline`, 'utf8').catch(() => '');
  if (!command.includes(join(dataDir, 'temporal.db'))) return;
  process.kill(run.temporalPid, 'SIGTERM');
  for (let tries = 0; tries < 100 && alive(run.temporalPid); tries++) {
    await new Promise((done) => setTimeout(done, 100));
  }
}

async function refuseSecond(config: Config): Promise<void> {
  const run = await readRunFile(config.dataDir);
  if (
    run &&
    run.pid !== process.pid &&
    alive(run.pid) &&
    (await portProblem('127.0.0.1', portOf(run.agentsUrl)))
  )
    throw new Error(
      `Holdpoint already runs on ${config.dataDir} (process ${run.pid}, ${run.agentsUrl}); stop it first, or use another --data directory`,
    );
}

function portOf(url: string): number {
  return Number(new URL(url).port) || 80;
}

async function refuseTakenPorts(config: Config): Promise<void> {
  const listeners = [
    ['agents.listen', config.agents.listen],
    ['console.listen', config.console.listen],
    ['metrics.listen', config.metrics?.listen],
    ['slack.listen', config.slack?.listen],
    ['temporal.uiPort', embeddedUi(config)],
  ] as const;
  for (const [name, listen] of listeners) {
    if (!listen || listen.port === 0) continue;
    const problem = await portProblem(listen.host, listen.port);
    if (problem)
      throw new Error(
        `${problem}. Stop it, or set ${name} to another address (in holdpoint.yaml or the environment)`,
      );
  }
}

function embeddedUi({ temporal }: Config): { host: string; port: number } | null {
  return temporal.address === 'embedded' ? { host: '127.0.0.1', port: temporal.uiPort } : null;
}
