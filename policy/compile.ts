import { checkPolicy, type Surroundings } from './checks.ts';
import { parseDuration } from './durations.ts';
import { definitionRulesOf } from './definitions.ts';
import { conditionCompiler, type Condition } from './expression.ts';
import { compileGlobs } from './globs.ts';
import type { Ending, GlobTest, Policy, Rule, Terms } from './policy.ts';
import { formatPath, placeOfProblem, problemsOf, type Problem } from './problems.ts';
import { policySchema, type PolicyFile, type RuleFile } from './schema.ts';
import type { ApproverGroup } from './verdict.ts';
import { versionOf } from './version.ts';
import { readYaml } from './yaml-source.ts';

/** One reason why a policy was refused, and where it stands. Lines and columns count from 1. */
export interface PolicyError {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `rules[2].match.tool`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
}

export interface CompileOptions extends Surroundings {
  /** Name of the file, for messages. */
  readonly file: string;
}

/** How long people have when a rule does not say. */
const defaultTimeoutMs = 30 * 60_000;

/**
 * Reads, checks and compiles a policy. Any text gives a policy or errors; nothing is thrown, and nothing that
 * is written in the file is ignored.
 */
export function compilePolicy(
  text: string,
  options: CompileOptions,
): { readonly policy: Policy } | { readonly errors: readonly PolicyError[] } {
  const { file } = options;
  const source = readYaml(text);
  if ('problems' in source)
    return { errors: source.problems.map((problem) => ({ file, path: '', ...problem })) };
  const parsed = policySchema.safeParse(source.value ?? {});
  const conditions = new Map<number, Condition>();
  const problems = parsed.success
    ? [...checkPolicy(parsed.data, options), ...compileConditions(parsed.data, conditions)]
    : problemsOf(parsed.error, policySchema);
  if (problems.length > 0 || !parsed.success)
    return {
      errors: problems.map((problem) => placed(file, source, problem)).sort((a, b) => a.line - b.line),
    };
  return { policy: assemble(parsed.data, conditions) };
}

/** `policy.yaml:12:5: rules[2].when: …` */
export function formatPolicyError({ file, line, column, path, message }: PolicyError): string {
  return `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;
}

function placed(
  file: string,
  source: Exclude<ReturnType<typeof readYaml>, { problems: unknown }>,
  problem: Problem,
): PolicyError {
  return {
    file,
    ...placeOfProblem(source, problem),
    path: formatPath(problem.path),
    message: problem.message,
  };
}

function compileConditions(policy: PolicyFile, into: Map<number, Condition>): readonly Problem[] {
  const compile = conditionCompiler();
  return (policy.rules ?? []).flatMap((rule, index) => {
    if (rule.when === undefined) return [];
    const compiled = compile(rule.when);
    const path = ['rules', index, 'when'];
    if ('problems' in compiled) return compiled.problems.map((message) => ({ path, message }));
    into.set(index, compiled);
    if (!compiled.names.has('call.method') || rule.match?.method !== undefined) return [];
    return [
      {
        path,
        message:
          'looks at `call.method`, but a rule without `match.method` speaks of tools/call only; add `method` to `match`',
      },
    ];
  });
}

function assemble(file: PolicyFile, conditions: ReadonlyMap<number, Condition>): Policy {
  const groups = new Map(
    Object.entries(file.approvers ?? {}).map(([name, group]) => [name, groupOf(name, group)]),
  );
  const rules = (file.rules ?? []).map((rule, index) => ruleOf(rule, conditions.get(index) ?? null, groups));
  return Object.freeze({
    version: versionOf(file),
    rules,
    default: termsOf(file.default, groups),
    approverGroups: Object.fromEntries(groups),
    definitions: definitionRulesOf(file.definitions, groups),
    masking: file.masking,
  });
}

function ruleOf(rule: RuleFile, when: Condition | null, groups: ReadonlyMap<string, ApproverGroup>): Rule {
  const { connection, method = 'tools/call', tool, subject, group } = rule.match ?? {};
  const test = (globs: string | readonly string[] | undefined): GlobTest | null =>
    globs === undefined ? null : compileGlobs([globs].flat());
  return {
    name: rule.name,
    connection: test(connection),
    method: compileGlobs([method].flat()),
    tool: test(tool),
    subject: test(subject),
    group: test(group),
    when,
    ...termsOf(rule, groups),
  };
}

type TermsFile = PolicyFile['default'] | RuleFile;

function termsOf(terms: TermsFile, groups: ReadonlyMap<string, ApproverGroup>): Terms {
  if (typeof terms === 'string')
    return { ending: { kind: terms }, risk: 'low', maskProfile: 'default', reason: null, askIntent: false };
  return {
    ending: endingOf(terms, groups),
    risk: terms.risk ?? (terms.then === 'hold' ? 'medium' : 'low'),
    maskProfile: terms.mask ?? 'default',
    reason: ('reason' in terms ? terms.reason : undefined) ?? null,
    askIntent: ('askIntent' in terms ? terms.askIntent : undefined) ?? false,
  };
}

function endingOf(terms: Exclude<TermsFile, string>, groups: ReadonlyMap<string, ApproverGroup>): Ending {
  if (terms.then !== 'hold') return { kind: terms.then };
  return {
    kind: 'hold',
    approvers: terms.approvers.flatMap((name) => groups.get(name) ?? []),
    approvalsNeeded: terms.approvals ?? 1,
    timeoutMs:
      terms.timeout === undefined ? defaultTimeoutMs : (parseDuration(terms.timeout) ?? defaultTimeoutMs),
    onDisconnect: terms.onDisconnect ?? 'keep',
  };
}

function groupOf(name: string, group: NonNullable<PolicyFile['approvers']>[string]): ApproverGroup {
  const { slackChannel = null, slackUserGroup = null, people = [], groups = [] } = group;
  return { name, slackChannel, slackUserGroup, people, groups };
}
