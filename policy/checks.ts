import { checkDefinitions, checkIntent } from './check-definitions.ts';
import { compileGlobs, globContains } from './globs.ts';
import { holdableMethods, knownMethods } from './methods.ts';
import type { Problem } from './problems.ts';
import { orRather } from './suggest.ts';
import { checkGroups, checkHold } from './check-approvers.ts';
import { groupsOf } from './hold-terms.ts';
import type { PolicyFile, RuleFile } from './schema.ts';

/** What a policy is checked against. */
export interface Surroundings {
  /** Names of the configured connections; null when they are not known (`holdpoint policy check` by itself). */
  readonly connections: readonly string[] | null;
  /** null when it is not known. */
  readonly slackConfigured: boolean | null;
  /**
   * Given by the masking room: what is wrong with a `masking` section (undefined when there is none), paths relative
   * to it.
   */
  readonly checkMasking: (
    value: unknown,
  ) => readonly { readonly path: readonly (string | number)[]; readonly message: string }[];
}

/** What is wrong with a well-formed policy as a whole. */
export function checkPolicy(policy: PolicyFile, around: Surroundings): readonly Problem[] {
  return [
    ...checkGroups(policy, around.slackConfigured),
    ...(policy.rules ?? []).flatMap((rule, index) => checkRule(policy, rule, index, around.connections)),
    ...(policy.rules ?? []).flatMap(checkIntent),
    ...checkDefault(policy),
    ...checkDefinitions(policy, around.connections),
    ...checkUnused(policy),
    ...around
      .checkMasking(policy.masking ?? {})
      .map(({ path, message }) => ({ path: ['masking', ...path], message })),
  ];
}

function checkRule(
  policy: PolicyFile,
  rule: RuleFile,
  index: number,
  connections: readonly string[] | null,
): readonly Problem[] {
  const path = ['rules', index];
  const problems: Problem[] = [];
  const earlier = (policy.rules ?? []).slice(0, index);
  if (rule.name === 'default')
    problems.push({
      path: [...path, 'name'],
      message: '`default` is the name of the default verdict; choose another',
    });
  if (earlier.some(({ name }) => name === rule.name))
    problems.push({
      path: [...path, 'name'],
      message: `there is an earlier rule \`${rule.name}\`; names are unique`,
    });
  problems.push(...checkMatch(rule, path, connections));
  const shadow = earlier.find((other) => shadows(other, rule));
  if (shadow)
    problems.push({
      path,
      message: `can never match: the earlier rule \`${shadow.name}\` matches all of it; move it up or remove it`,
    });
  if (rule.match === undefined && rule.when === undefined)
    problems.push({
      path,
      message: 'has neither `match` nor `when`; what applies to every tool call is the `default`',
    });
  if (rule.then === 'hold') problems.push(...checkHold(policy, rule, path));
  return [...problems, ...checkMask(policy, rule.mask, path)];
}

function checkMatch(
  rule: RuleFile,
  path: readonly (string | number)[],
  connections: readonly string[] | null,
): readonly Problem[] {
  const { connection, method } = rule.match ?? {};
  const problems: Problem[] = [];
  const each = (
    key: string,
    globs: string | readonly string[] | undefined,
    check: (glob: string) => string | null,
  ): void => {
    [globs ?? []].flat().forEach((glob, at) => {
      const message = check(glob);
      const inList = Array.isArray(globs) ? [at] : [];
      if (message) problems.push({ path: [...path, 'match', key, ...inList], message });
    });
  };
  each('connection', connection, (glob) =>
    connections === null || connections.some(compileGlobs([glob]))
      ? null
      : `matches no connection; there ${connections.length === 0 ? 'are none' : `is ${connections.map((name) => `\`${name}\``).join(', ')}`}`,
  );
  each('method', method, (glob) => {
    const meant = knownMethods.filter(compileGlobs([glob]));
    if (meant.length === 0)
      return `is no MCP method; methods are ${knownMethods.map((name) => `\`${name}\``).join(', ')}`;
    if (rule.then === 'hold' && meant.some((name) => !holdableMethods.includes(name)))
      return `only ${holdableMethods.map((name) => `\`${name}\``).join(', ')} can be held`;
    return null;
  });
  return problems;
}

/** Whether everything that `rule` matches is matched by `other` already. */
function shadows(other: RuleFile, rule: RuleFile): boolean {
  if (other.when !== undefined) return false;
  const covers = (
    outer: string | readonly string[] | undefined,
    inner: string | readonly string[] | undefined,
  ): boolean =>
    outer === undefined ||
    (inner !== undefined &&
      [inner].flat().every((glob) => [outer].flat().some((wide) => globContains(wide, glob))));
  const wide = other.match ?? {};
  const narrow = rule.match ?? {};
  return (
    covers(wide.method ?? 'tools/call', narrow.method ?? 'tools/call') &&
    covers(wide.connection, narrow.connection) &&
    covers(wide.tool, narrow.tool) &&
    covers(wide.subject, narrow.subject) &&
    covers(wide.group, narrow.group)
  );
}

function checkDefault(policy: PolicyFile): readonly Problem[] {
  const { default: fallback } = policy;
  if (typeof fallback === 'string') return [];
  return [
    ...(fallback.then === 'hold' ? checkHold(policy, fallback, ['default']) : []),
    ...checkMask(policy, fallback.mask, ['default']),
  ];
}

function checkMask(
  policy: PolicyFile,
  mask: string | undefined,
  path: readonly (string | number)[],
): readonly Problem[] {
  const profiles = profilesOf(policy);
  if (mask === undefined || mask === 'default' || profiles.includes(mask)) return [];
  return [
    {
      path: [...path, 'mask'],
      message: `there is no masking profile \`${mask}\` under \`masking\`${orRather(mask, profiles)}`,
    },
  ];
}

/** What stands under `masking` are profiles, but for what all of them share. */
function profilesOf(policy: PolicyFile): readonly string[] {
  return Object.keys(policy.masking ?? {}).filter((name) => !shared.has(name));
}

const shared = new Set(['detectors', 'ruleFiles', 'use', 'restore']);

/** Profiles that `masking.use` names; the masking room checks its form. */
function usedProfiles(policy: PolicyFile): readonly string[] {
  const uses: unknown = policy.masking?.['use'];
  if (!Array.isArray(uses)) return [];
  return uses.flatMap((use: unknown) => {
    const profile = typeof use === 'object' && use !== null && 'profile' in use ? use.profile : null;
    return typeof profile === 'string' ? [profile] : [];
  });
}

/** A group or profile that no rule names would be configured and ignored. */
function checkUnused(policy: PolicyFile): readonly Problem[] {
  const all = [...(policy.rules ?? []), policy.default].filter((rule) => typeof rule !== 'string');
  const { definitions } = policy;
  const forDefinitions = typeof definitions === 'object' ? (definitions.approvers ?? []) : [];
  const asked = new Set([
    ...forDefinitions,
    ...all.flatMap((rule) => (rule.then === 'hold' ? groupsOf(rule) : [])),
  ]);
  const masked = new Set(['default', ...usedProfiles(policy), ...all.flatMap(({ mask = [] }) => mask)]);
  const unused = (path: string[], message: string): Problem => ({ path, message, atKey: true });
  return [
    ...Object.keys(policy.approvers ?? {})
      .filter((name) => !asked.has(name))
      .map((name) => unused(['approvers', name], 'no rule asks this group; remove it or name it in a rule')),
    ...profilesOf(policy)
      .filter((name) => !masked.has(name))
      .map((name) =>
        unused(['masking', name], 'no rule masks by this profile; remove it or name it in a rule'),
      ),
  ];
}
