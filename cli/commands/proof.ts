import { answering, argumentsOf, type CommandDeps, oneOf } from './answering.ts';

export const usage = `Usage: holdpoint proof CALL [--session SESSION] > FILE

Prints everything recorded of one call, with the votes on it and the proof that it is in the log, as one file for
\`holdpoint verify FILE\`. --session names the session of a call that was not held.

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

/** Runs `holdpoint proof`. @returns 0 done, 1 failed, 2 usage */
export async function run(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, { session: { type: 'string' } });
    const id = oneOf(positionals, 'the id of a CALL');
    const query = values.session === undefined ? {} : { session: values.session };
    const file = await deps.api.call('proveCall', { params: { id }, query });
    deps.out(`${JSON.stringify(file, null, 1)}\n`);
    return 0;
  });
}
