import { visibleText } from '../../console/visible.ts';
import { answering, argumentsOf, type CommandDeps, UsageError } from './answering.ts';

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
  deps: CommandDeps,
): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, {
      reason: { type: 'string' },
      status: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    if (positionals.length > 0) throw new UsageError(`too many arguments: ${positionals.join(' ')}`);
    if (command === 'unfreeze' && (values.status || values.reason !== undefined))
      throw new UsageError('unfreeze takes no options');
    if (values.status) return status(deps, values.json);
    const reason = values.reason?.trim();
    const { done, text } =
      command === 'freeze'
        ? await deps.api.call('freeze', { body: reason ? { reason } : {} })
        : await deps.api.call('unfreeze');
    (done ? deps.out : deps.err)(`${visibleText(text)}\n`);
    return done ? 0 : 1;
  });
}

async function status({ api, out }: CommandDeps, json: boolean): Promise<number> {
  const { frozen, words } = await api.call('showFreeze');
  if (json) out(`${JSON.stringify({ frozen, words })}\n`);
  else out(`${visibleText(words ?? 'Not frozen.')}\n`);
  return frozen ? 0 : 1;
}
