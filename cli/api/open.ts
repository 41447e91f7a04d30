import { actContext } from '../../console/context.ts';
import type { ActDeps } from '../../console/deps.ts';
import { type Identity, localApprover } from '../../console/identity.ts';
import { atCommandLine, configOf } from '../command-wiring.ts';
import type { CommandDeps } from '../commands/answering.ts';
import { loadKeys } from '../keys.ts';
import { createLog } from '../log.ts';
import type { Invocation } from '../main.ts';
import { openActs } from '../roles/acts.ts';
import type { RoleContext } from '../roles/context.ts';
import { openDatabase, resolveAddresses } from '../services.ts';
import { programVersion } from '../version.ts';
import { type Api, lazyApi } from './api.ts';
import { directApi } from './direct.ts';
import { remoteApi } from './remote.ts';
import { targetOf } from './target.ts';

/** A command that looks or acts, by the operations alone. */
export type ApiCommand = (argv: readonly string[], deps: CommandDeps) => Promise<number>;

/** What a command changes of what operations work with beside the database. */
export type Adjust = (deps: ActDeps, context: RoleContext) => Promise<ActDeps>;

/**
 * Runs a command on whatever Holdpoint it is meant for, over HTTP or beside the database. Nothing is opened before the
 * command asks for something, and all of it is closed at the end.
 */
export async function withApi(
  invocation: Invocation,
  command: ApiCommand,
  adjust: Adjust = async (deps) => deps,
): Promise<number> {
  const opened: (() => Promise<void>)[] = [];
  const api = lazyApi(async () => {
    const target = await targetOf(invocation, () => configOf(invocation));
    if (target.kind === 'server') return remoteApi({ ...target, version: programVersion() });
    return besideDatabase(invocation, opened, adjust);
  });
  try {
    return await command(invocation.argv, { api, out: invocation.out, err: invocation.err });
  } finally {
    for (const close of opened.toReversed()) await close();
  }
}

async function besideDatabase(
  invocation: Invocation,
  opened: (() => Promise<void>)[],
  adjust: Adjust,
): Promise<Api> {
  const config = await configOf(invocation);
  const addresses = await resolveAddresses(config);
  const keys = await loadKeys(config);
  const log = createLog('error', 'cli');
  const pool = await openDatabase(addresses.databaseUrl, 'cli', log);
  opened.push(() => pool.end());
  const context: RoleContext = { config, addresses, keys, pool, log, env: invocation.env, together: false };
  const acts = openActs(context);
  opened.push(() => acts.close());
  const deps = await adjust(acts.deps, context);
  const acting = actContext(deps);
  opened.push(() => acting.runningReports.close());
  const operator = `os:${process.getuid?.() ?? 'unknown'}`;
  // Where nobody signs in anywhere there are no roles, and whoever has the keys and the database is at the command line.
  const bare = config.console.login === null && keys.consoleCredential === null;
  return directApi(acting, {
    operator,
    proven: async () => (bare ? operatorAlone(operator) : atCommandLine(config, pool, invocation)),
  });
}

function operatorAlone(name: string): Identity {
  return { ...localApprover(), person: { keys: [name], name }, subject: name };
}
