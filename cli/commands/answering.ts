import { parseArgs, type ParseArgsConfig } from 'node:util';
import { ApiProblem } from '../../console/api/endpoint.ts';
import { visibleText } from '../../console/visible.ts';
import type { Api } from '../api/api.ts';

/** What every command that looks or acts is given. */
export interface CommandDeps {
  readonly api: Api;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** The arguments are wrong: the message says how. */
export class UsageError extends Error {}

/** Whether an error means that the arguments are wrong, also when `parseArgs` found out. */
export function isUsage(error: unknown): error is Error {
  return (
    error instanceof UsageError ||
    (error instanceof TypeError && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS'))
  );
}

const help = { help: { type: 'boolean', short: 'h' } } as const;

/** Reads a command's words and options; every command has `--help`. @throws TypeError as {@link isUsage} knows it */
export function argumentsOf<O extends NonNullable<ParseArgsConfig['options']>>(
  argv: readonly string[],
  options: O,
) {
  return parseArgs({ args: [...argv], allowPositionals: true, options: { ...options, ...help } });
}

/**
 * Runs a command and says what came of it: its usage when that was asked for, or was wrong; why nothing was done when
 * it was refused.
 * @returns the exit code: what the command says, 1 refused, 2 wrong usage
 */
export async function answering(
  { argv, usage, err, out }: Pick<CommandDeps, 'out' | 'err'> & { argv: readonly string[]; usage: string },
  work: () => Promise<number>,
): Promise<number> {
  // Before anything else of the arguments is looked at: who asks for help may have got them wrong.
  const end = argv.indexOf('--');
  if ((end < 0 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h')) {
    out(usage);
    return 0;
  }
  try {
    return await work();
  } catch (error) {
    if (isUsage(error)) {
      err(`${error.message}\n\n${usage}`);
      return 2;
    }
    if (!(error instanceof ApiProblem)) throw error;
    err(`${refusalWords(error)}\n`);
    return 1;
  }
}

/** Why it was refused; whether anything was done is not known of what did not answer, and not said then. */
export function refusalWords({ code, message }: ApiProblem): string {
  const words = visibleText(message);
  return code === 'unavailable'
    ? `${words.charAt(0).toUpperCase()}${words.slice(1)}`
    : `Nothing was done: ${words}`;
}

/** The one thing that a command is about. @throws UsageError when there is none, or there are more */
export function oneOf(words: readonly string[], what: string): string {
  const [first, ...more] = words;
  if (first === undefined) throw new UsageError(`${what} is missing`);
  if (more.length > 0) throw new UsageError(`too many arguments: ${more.join(' ')}`);
  return first;
}

/** Prints something for programs. */
export function printJson(out: (text: string) => void, value: unknown): void {
  out(`${JSON.stringify(value, null, 2)}\n`);
}
