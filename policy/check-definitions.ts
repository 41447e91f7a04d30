import type { Problem } from './problems.ts';
import type { PolicyFile } from './schema.ts';
import { orRather } from './suggest.ts';

/** What is wrong with the `definitions` section: names of nothing, and definitions that nobody could accept. */
export function checkDefinitions(
  policy: PolicyFile,
  connections: readonly string[] | null,
): readonly Problem[] {
  const { definitions } = policy;
  if (definitions === undefined) return [];
  const written = typeof definitions === 'string' ? { mode: definitions } : definitions;
  const groups = Object.keys(policy.approvers ?? {});
  const path = ['definitions'];
  const unknownGroups = (written.approvers ?? []).flatMap((name, index) =>
    groups.includes(name)
      ? []
      : [
          {
            path: [...path, 'approvers', index],
            message: `there is no approver group \`${name}\` under \`approvers\`${orRather(name, groups)}`,
          },
        ],
  );
  const unknownConnections = Object.keys(written.connections ?? {}).flatMap((name) =>
    connections === null || connections.includes(name)
      ? []
      : [
          {
            path: [...path, 'connections', name],
            message: `there is no connection \`${name}\`${orRather(name, connections)}`,
            atKey: true,
          },
        ],
  );
  const modes = [written.mode, ...Object.values(written.connections ?? {})];
  const nobody =
    groups.length === 0 && modes.some((mode) => mode !== undefined && mode !== 'open')
      ? [
          {
            path,
            message:
              'nobody could ever accept a definition: there are no `approvers`; name a group, or set `open`',
          },
        ]
      : [];
  return [...unknownGroups, ...unknownConnections, ...nobody];
}

/** Only a tool call has arguments among which an intent could be stated. */
export function checkIntent(
  rule: NonNullable<PolicyFile['rules']>[number],
  index: number,
): readonly Problem[] {
  const { method } = rule.match ?? {};
  if (!('askIntent' in rule) || method === undefined || [method].flat().includes('tools/call')) return [];
  return [
    {
      path: ['rules', index, 'askIntent'],
      message: 'only tools/call can be asked for an intent; remove it or let the rule match that method',
    },
  ];
}
