import { visibleText } from '../../console/visible.ts';
import { answering, argumentsOf, type CommandDeps, oneOf, printJson, UsageError } from './answering.ts';

export const usage = `Usage:
  holdpoint clients list [--json]   the programs with which you are signed in, and until when
  holdpoint clients end ID          signs one of them out

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

/** Runs `holdpoint clients …`. @returns the exit code */
export async function run(argv: readonly string[], { api, out, err }: CommandDeps): Promise<number> {
  return answering({ argv, usage, out, err }, async () => {
    const { values, positionals } = argumentsOf(argv, { json: { type: 'boolean', default: false } });
    const [act = 'list', ...words] = positionals;
    if (act === 'end') {
      await api.call('endSignIn', { params: { id: oneOf(words, 'the ID of a sign-in') } });
      out('Signed out.\n');
      return 0;
    }
    if (act !== 'list' || words.length > 0)
      throw new UsageError(`there is no clients ${positionals.join(' ')}`);
    const { signIns } = await api.call('listSignIns');
    if (values.json) printJson(out, signIns);
    else if (signIns.length === 0) out('You are signed in with no program.\n');
    else
      for (const { id, client, clientName, scopes, signedInAt, expiresAt } of signIns)
        out(
          `${id}  ${visibleText(clientName ?? client)}  ${visibleText(scopes.join(' '))}  since ${signedInAt}  until ${expiresAt}\n`,
        );
    return 0;
  });
}
