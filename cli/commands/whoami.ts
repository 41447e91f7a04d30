import { visibleText } from '../../console/visible.ts';
import { answering, argumentsOf, type CommandDeps, printJson, UsageError } from './answering.ts';

export const usage = `Usage: holdpoint whoami [--json]

Says who you are to the Holdpoint that commands go to, with your roles, and how things stand there.

Exit codes: 0 done, 1 nobody, or refused, 2 wrong usage.
`;

/** Runs `holdpoint whoami`. @returns the exit code */
export async function run(argv: readonly string[], deps: CommandDeps): Promise<number> {
  return answering({ argv, usage, ...deps }, async () => {
    const { values, positionals } = argumentsOf(argv, { json: { type: 'boolean', default: false } });
    if (positionals.length > 0) throw new UsageError(`too many arguments: ${positionals.join(' ')}`);
    const status = await deps.api.call('status');
    if (values.json) printJson(deps.out, status);
    else {
      const { me, pendingApprovals, revocationsInForce, frozen, gateways, policyVersion, version } = status;
      const lines = [
        ['You are', `${me.name} (${me.subject})`],
        ['Groups', me.groups.length === 0 ? 'none' : me.groups.join(', ')],
        ['Roles', me.roles.length === 0 ? 'none; policy says what you decide on' : me.roles.join(', ')],
        [
          'Holdpoint',
          `${version}, ${gateways} ${gateways === 1 ? 'gateway' : 'gateways'}, policy ${policyVersion ?? 'not loaded there'}`,
        ],
        ['Now', `${pendingApprovals} waiting, ${revocationsInForce} revoked${frozen ? ', frozen' : ''}`],
      ] as const;
      deps.out(lines.map(([name, value]) => `${name.padEnd(10)} ${visibleText(value)}\n`).join(''));
    }
    return 0;
  });
}
