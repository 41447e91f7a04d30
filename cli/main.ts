import { apiCommands } from './api-commands.ts';
import { ConfigError } from './config/config-error.ts';
import { usage } from './usage.ts';
import { programVersion } from './version.ts';

/** What every command is given. */
export interface Invocation {
  readonly argv: readonly string[];
  readonly configFile: string | undefined;
  readonly dataDir: string | undefined;
  /** `--server`: the Holdpoint to ask, by the address of its console. */
  readonly server: string | undefined;
  /** `--database`: beside the database, whatever server is known. */
  readonly database: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export type Command = (invocation: Invocation) => Promise<number>;

/** What is done on this machine alone. Loaded when it is called, so that `--help` needs nothing else. */
const localCommands: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up.ts')).up,
  gateway: async () => (await import('./roles/run-role.ts')).runRole('gateway'),
  worker: async () => (await import('./roles/run-role.ts')).runRole('worker'),
  slack: async () => (await import('./roles/run-role.ts')).runRole('slack'),
  console: async () => (await import('./roles/run-role.ts')).runRole('console'),
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  verify: async () => (await import('./recording-wiring.ts')).verify,
  keys: async () => (await import('./recording-wiring.ts')).keys,
  policy: async () => (await import('./command-wiring.ts')).policy,
  call: async () => (await import('./commands/call.ts')).call,
};
/** Those that know a server and nothing of a database. */
const loginCommands: Readonly<Record<string, () => Promise<Command>>> = {
  login: async () => (await import('./login-wiring.ts')).loginCommand,
  logout: async () => (await import('./login-wiring.ts')).logoutCommand,
};
const commands = { ...localCommands, ...loginCommands, ...apiCommands };

async function main(args: readonly string[]): Promise<number> {
  const err = (text: string): void => void process.stderr.write(text);
  const out = (text: string): void => void process.stdout.write(text);
  const parsed = takeCommonFlags(args);
  if ('problem' in parsed) {
    err(`holdpoint: ${parsed.problem}\n`);
    return 2;
  }
  const [name, ...argv] = parsed.rest;
  if (name === '--version') {
    out(`${programVersion()}\n`);
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? err : out)(usage);
    return name === undefined ? 2 : 0;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) {
    err(`holdpoint: there is no command "${name}"; holdpoint --help lists them\n`);
    return 2;
  }
  const { server, database } = parsed.common;
  const local = Object.hasOwn(localCommands, name) || besideTheDatabase(name, argv);
  if (server !== undefined && (local || database)) {
    err(
      `holdpoint: ${database ? '--database and --server do not go together' : `${[name, argv[0]].filter(Boolean).join(' ')} is done on this machine, with its configuration, and takes no --server`}\n`,
    );
    return 2;
  }
  try {
    const command = await load();
    return await command({ argv, ...parsed.common, env: process.env, cwd: process.cwd(), out, err });
  } catch (error) {
    err(`${explain(error)}\n`);
    return 1;
  }
}

/** Purging takes the database and its keys. */
function besideTheDatabase(name: string, [act]: readonly string[]): boolean {
  return name === 'sessions' && act === 'purge';
}

interface CommonFlags {
  configFile: string | undefined;
  dataDir: string | undefined;
  server: string | undefined;
  database: boolean;
}

/** `--config`, `--data`, `--server` and `--database` may stand anywhere; the command sees the rest. */
function takeCommonFlags(
  args: readonly string[],
): { common: CommonFlags; rest: readonly string[] } | { problem: string } {
  const common: CommonFlags = {
    configFile: undefined,
    dataDir: undefined,
    server: undefined,
    database: false,
  };
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [flag, inline] = split(args[at] ?? '');
    if (args[at] === '--') return { common, rest: [...rest, ...args.slice(at)] };
    if (args[at] === '--database') {
      common.database = true;
      continue;
    }
    if (flag !== '--config' && flag !== '--data' && flag !== '--server') {
      rest.push(args[at] ?? '');
      continue;
    }
    const value = inline ?? args[++at];
    if (!value) return { problem: `${flag} needs a value` };
    if (flag === '--config') common.configFile = value;
    else if (flag === '--data') common.dataDir = value;
    else common.server = value;
  }
  return { common, rest };
}

function split(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return argument.startsWith('--') && at > 0
    ? [argument.slice(0, at), argument.slice(at + 1)]
    : [argument, undefined];
}

function explain(error: unknown): string {
  if (error instanceof ConfigError) return `holdpoint: the configuration is wrong:\n${error.message}`;
  if (process.env['DEBUG'] && error instanceof Error) return error.stack ?? error.message;
  return `holdpoint: ${error instanceof Error ? error.message : String(error)}`;
}

process.exitCode = await main(process.argv.slice(2));
