import type { ApproverGroup } from './verdict.ts';

/**
 * What happens to a tool definition that nobody has accepted: under `approve` every definition waits for a person;
 * under `trust-on-first-use` the first one seen is accepted and a changed one waits; under `open` none waits.
 */
export type DefinitionMode = 'trust-on-first-use' | 'approve' | 'open';

/** How policy treats the definitions of tools. */
export interface DefinitionRules {
  readonly mode: DefinitionMode;
  /** Modes of single connections. */
  readonly connections: Readonly<Record<string, DefinitionMode>>;
  /** Whoever belongs to one of these groups may accept or reject a definition. */
  readonly approvers: readonly ApproverGroup[];
}

/** How a connection's tool definitions are treated. */
export function definitionModeOf(rules: DefinitionRules, connection: string): DefinitionMode {
  return Object.hasOwn(rules.connections, connection)
    ? (rules.connections[connection] ?? rules.mode)
    : rules.mode;
}

/** The `definitions` section as it is written: a mode for all connections, or the details. */
export type DefinitionsFile =
  | DefinitionMode
  | {
      readonly mode?: DefinitionMode | undefined;
      readonly connections?: Readonly<Record<string, DefinitionMode>> | undefined;
      readonly approvers?: readonly string[] | undefined;
    };

/**
 * Gives the section its meaning. Approvers that it does not name are all approver groups of the policy. Left out, it
 * is `trust-on-first-use` where there are people who could accept a change, and `open` where there are none.
 */
export function definitionRulesOf(
  file: DefinitionsFile | undefined,
  groups: ReadonlyMap<string, ApproverGroup>,
): DefinitionRules {
  const written = typeof file === 'string' ? { mode: file } : (file ?? {});
  const approvers = written.approvers?.flatMap((name) => groups.get(name) ?? []) ?? [...groups.values()];
  return {
    mode: written.mode ?? (approvers.length > 0 ? 'trust-on-first-use' : 'open'),
    connections: written.connections ?? {},
    approvers,
  };
}
