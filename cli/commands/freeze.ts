import { parseArgs } from 'node:util';
import type { Identity } from '../../console/identity.ts';
import { askToLift, freezeWords, type SwitchDeps, type Turned, turnOn } from '../../console/kill-switch.ts';
import { visibleText } from '../../console/visible.ts';

/** What the commands need. */
export interface FreezeDeps extends SwitchDeps {
  /** Who is at the command line; throws, saying how to prove it. */
  readonly identity: () => Promise<Identity>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

export const usage = `Usage:
  holdpoint freeze [--reason TEXT]   stops all calls on every gateway at once, and all deadlines
  holdpoint freeze --status [--json] says whether it is frozen, by whom and why
  holdpoint unfreeze                 asks to lift the freeze; two different people have to

Exit codes: 0 done, 1 refused (with --status: not frozen), 2 wrong usage.
`;

/** Runs `holdpoint freeze …` or `holdpoint unfreeze`. @returns the exit code */
export async function run(
  command: 'freeze' | 'unfreeze',
  argv: readonly string[],
  deps: FreezeDeps,
): Promise<number> {
  const options = parsed(argv);
  if (typeof options === 'string' || (command === 'unfreeze' && (options.status || options.reason))) {
    deps.err(`${typeof options === 'string' ? options : 'unfreeze takes no options'}\n\n${usage}`);
    return 2;
  }
  if (options.help) {
    deps.out(usage);
    return 0;
  }
  if (options.status) return status(deps, options.json);
  let identity: Identity;
  try {
    identity = await deps.identity();
  } catch (error) {
    deps.err(`Nothing was done: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  const ask = { identity, via: 'cli' } as const;
  const turned: Turned =
    command === 'freeze' ? await turnOn(deps, ask, options.reason ?? '') : await askToLift(deps, ask);
  (turned.done ? deps.out : deps.err)(`${visibleText(turned.text)}\n`);
  return turned.done ? 0 : 1;
}

async function status({ pool, out }: FreezeDeps, json: boolean): Promise<number> {
  const words = await freezeWords(pool);
  if (json) out(`${JSON.stringify({ frozen: words !== null, words })}\n`);
  else out(`${visibleText(words ?? 'Not frozen.')}\n`);
  return words === null ? 1 : 0;
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        reason: { type: 'string' },
        status: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
