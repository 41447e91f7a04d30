import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiProblem } from '../../console/api/endpoint.ts';
import { mintCommandToken } from '../../console/login/link.ts';
import type { Config } from '../config/config.ts';
import { alive, readRunFile } from '../data-dir.ts';
import { accessTokenFor, LoginError, serverOf } from '../login/authorization.ts';
import { type SignIns, userSignIns } from '../login/sign-ins.ts';
import type { Invocation } from '../main.ts';

/** Where a command does what it does. */
export type Target =
  /** In this process, on the database of the configuration. */
  | { readonly kind: 'database' }
  | { readonly kind: 'server'; readonly server: string; readonly bearer: () => Promise<string> };

/**
 * Where a command goes. The first of these that is said: `--database`; `--server`; `--config` or `--data`, which name an
 * installation on this machine; `HOLDPOINT_SERVER`; the server where one is signed in; what the working directory has.
 * An installation that runs here with nobody signing in is asked over HTTP too, with the data directory's credential.
 * @throws LoginError, ConfigError
 */
export async function targetOf(invocation: Invocation, config: () => Promise<Config>): Promise<Target> {
  const { database, env } = invocation;
  if (database) return { kind: 'database' };
  const signIns = userSignIns(env);
  const named = await serverNamed(invocation);
  if (named !== null) return atServer(serverOf(named), invocation, signIns, config);
  const local = await runningHere(await config());
  return local ? { kind: 'server', ...local } : { kind: 'database' };
}

/** The server that a command is meant for; null when it is for what this machine has. */
export async function serverNamed(invocation: Invocation): Promise<string | null> {
  const { server, database, env } = invocation;
  return database ? null : (server ?? (await unlessHere(invocation, userSignIns(env))));
}

/** The server that is meant where the installation on this machine was not named. */
async function unlessHere(invocation: Invocation, signIns: SignIns): Promise<string | null> {
  const { configFile, dataDir, env } = invocation;
  if (configFile !== undefined || dataDir !== undefined) return null;
  const set = env['HOLDPOINT_SERVER'];
  if (set) return set;
  return env['HOLDPOINT_CONFIG'] || env['HOLDPOINT_DATA'] ? null : signIns.current();
}

function atServer(
  server: string,
  { env }: Invocation,
  signIns: SignIns,
  config: () => Promise<Config>,
): Target {
  const given = env['HOLDPOINT_API_TOKEN'];
  const bearer = async (): Promise<string> => {
    if (given) return given;
    const signedIn = await accessTokenFor(signIns, server).catch(asProblem);
    if (signedIn !== null) return signedIn;
    // The one on this machine, under its own address.
    const local = await config().then(runningHere, () => null);
    if (local?.server === server) return local.bearer();
    throw new ApiProblem(
      'unauthorized',
      `nobody is signed in at ${server}: holdpoint login --server ${server}, or an access token with the scope holdpoint:api in HOLDPOINT_API_TOKEN`,
    );
  };
  return { kind: 'server', server, bearer };
}

/** The console of the Holdpoint that runs on this data directory, where nobody signs in; null when there is none. */
async function runningHere(
  config: Config,
): Promise<{ readonly server: string; readonly bearer: () => Promise<string> } | null> {
  const embedded = config.database.url === 'embedded';
  const run = embedded && config.console.login === null ? await readRunFile(config.dataDir) : null;
  if (!run || !alive(run.pid)) return null;
  const credential = await credentialIn(config.dataDir);
  return { server: serverOf(run.consoleUrl), bearer: async () => mintCommandToken(credential) };
}

/** What proves the person at this machine. @throws ApiProblem that says how to come by it */
async function credentialIn(dataDir: string): Promise<string> {
  const file = join(dataDir, 'console-credential');
  const facts = await stat(file).catch(() => null);
  const text = facts && (await readFile(file, 'utf8').catch(() => null));
  if (!facts || text === null)
    throw new ApiProblem(
      'unauthorized',
      `${file} is not there or not yours to read: run the command as the user who started Holdpoint`,
    );
  if ((facts.mode & 0o077) !== 0)
    throw new ApiProblem(
      'unauthorized',
      `others than its owner may read ${file}: chmod 600 it, or delete it and start Holdpoint again`,
    );
  return text.trim();
}

function asProblem(error: unknown): never {
  if (!(error instanceof LoginError)) throw error;
  throw new ApiProblem('unauthorized', error.message, { cause: error });
}
