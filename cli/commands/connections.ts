import { visibleText } from '../../console/visible.ts';
import { answering, argumentsOf, type CommandDeps, oneOf, printJson, UsageError } from './answering.ts';

export const usage = `Usage:
  holdpoint connections list [--json]     connections at which each person signs in, and whether you have
  holdpoint connections disconnect NAME   ends your sign-in there

Signing in takes a browser: the page Connections of the console.

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.
`;

/** Runs `holdpoint connections …`. @returns the exit code */
export async function run(argv: readonly string[], { api, out, err }: CommandDeps): Promise<number> {
  return answering({ argv, usage, out, err }, async () => {
    const { values, positionals } = argumentsOf(argv, { json: { type: 'boolean', default: false } });
    const [act = 'list', ...words] = positionals;
    if (act === 'disconnect') {
      const id = oneOf(words, 'the NAME of a connection');
      const { done } = await api.call('disconnect', { params: { id } });
      (done ? out : err)(done ? 'Your sign-in there has ended.\n' : 'You were not signed in there.\n');
      return done ? 0 : 1;
    }
    if (act !== 'list' || words.length > 0)
      throw new UsageError(`there is no connections ${positionals.join(' ')}`);
    const { connections } = await api.call('listConnections');
    if (values.json) printJson(out, connections);
    else if (connections.length === 0) out('Nobody signs in at a connection themselves.\n');
    else
      for (const { name, host, signedInAt } of connections)
        out(
          `${visibleText(name)}  ${visibleText(host)}  ${signedInAt === null ? 'you have not signed in' : `since ${signedInAt}`}\n`,
        );
    return 0;
  });
}
