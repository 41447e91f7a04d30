import { ConfigError } from './config/config-error.ts';
import { usage } from './usage.ts';
import { programVersion } from './version.ts';

/** What every command is given. */
export interface Invocation {
  readonly argv: readonly string[];
  readonly configFile: string | undefined;
  readonly dataDir: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

type Command = (invocation: Invocation) => Promise<number>;

/** Loaded when they are called, so that `--help` needs nothing else. */
const commands: Record<string, () => Promise<Command>> = {
  up: async () => (await import('./up.ts')).up,
  gateway: async () => (await import('./roles/run-role.ts')).runRole('gateway'),
  worker: async () => (await import('./roles/run-role.ts')).runRole('worker'),
  slack: async () => (await import('./roles/run-role.ts')).runRole('slack'),
  console: async () => (await import('./roles/run-role.ts')).runRole('console'),
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  definitions: async () => (await import('./command-wiring.ts')).definitions,
  approvals: async () => (await import('./command-wiring.ts')).approvals,
  grants: async () => (await import('./grants-wiring.ts')).grants,
  outcomes: async () => (await import('./grants-wiring.ts')).outcomes,
  revoke: async () => (await import('./containment-wiring.ts')).containment('revoke'),
  unrevoke: async () => (await import('./containment-wiring.ts')).containment('unrevoke'),
  revocations: async () => (await import('./containment-wiring.ts')).containment('revocations'),
  freeze: async () => (await import('./command-wiring.ts')).freeze,
  unfreeze: async () => (await import('./command-wiring.ts')).unfreeze,
  sessions: async () => (await import('./recording-wiring.ts')).sessions,
  'break-glass': async () => (await import('./break-glass-wiring.ts')).breakGlass,
  verify: async () => (await import('./recording-wiring.ts')).verify,
  proof: async () => (await import('./recording-wiring.ts')).proof,
  keys: async () => (await import('./recording-wiring.ts')).keys,
  tokens: async () => (await import('./command-wiring.ts')).tokens,
  policy: async () => (await import('./command-wiring.ts')).policy,
  mask: async () => (await import('./commands/mask.ts')).mask,
  call: async () => (await import('./commands/call.ts')).call,
};

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
  try {
    const command = await load();
    return await command({ argv, ...parsed.common, env: process.env, cwd: process.cwd(), out, err });
  } catch (error) {
    err(`${explain(error)}\n`);
    return 1;
  }
}

interface CommonFlags {
  configFile: string | undefined;
  dataDir: string | undefined;
}

/** `--config` and `--data` may stand anywhere; the command sees the rest. */
function takeCommonFlags(
  args: readonly string[],
): { common: CommonFlags; rest: readonly string[] } | { problem: string } {
  const common: CommonFlags = { configFile: undefined, dataDir: undefined };
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [flag, inline] = split(args[at] ?? '');
    if (flag !== '--config' && flag !== '--data') {
      rest.push(args[at] ?? '');
      continue;
    }
    const value = inline ?? args[++at];
    if (!value) return { problem: `${flag} needs a value` };
    if (flag === '--config') common.configFile = value;
    else common.dataDir = value;
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
