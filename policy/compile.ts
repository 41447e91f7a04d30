import { checkPolicy, type Surroundings } from './checks.ts';
import { definitionRulesOf } from './definitions.ts';
import { type Compiler, type Condition, expressionCompiler } from './expression.ts';
import { compileGlobs } from './globs.ts';
import { groupOf, holdEnding } from './hold-terms.ts';
import { compileOffers, noOffers, type Offers } from './offers.ts';
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
  const compiled: Expressions = { conditions: new Map(), offers: new Map() };
  const problems = parsed.success
    ? [...checkPolicy(parsed.data, options), ...compileExpressions(parsed.data, compiled)]
    : problemsOf(parsed.error, policySchema);
  if (problems.length > 0 || !parsed.success)
    return {
      errors: problems.map((problem) => placed(file, source, problem)).sort((a, b) => a.line - b.line),
    };
  return { policy: assemble(parsed.data, compiled) };
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

/** What was compiled of a policy's text, by where it stands. */
interface Expressions {
  readonly conditions: Map<number, Condition>;
  readonly offers: Map<number | 'default', Offers>;
}

function compileExpressions(policy: PolicyFile, into: Expressions): readonly Problem[] {
  const compiler = expressionCompiler();
  return [...compileConditions(policy, compiler, into), ...compileAllOffers(policy, compiler, into)];
}

function compileAllOffers(policy: PolicyFile, compiler: Compiler, into: Expressions): readonly Problem[] {
  const offersOf = (
    terms: TermsFile,
    at: number | 'default',
    path: readonly (string | number)[],
  ): readonly Problem[] => {
    if (typeof terms === 'string' || terms.then !== 'hold') return [];
    const { offers, problems } = compileOffers(terms, compiler, path);
    into.offers.set(at, offers);
    return problems;
  };
  return [
    ...offersOf(policy.default, 'default', ['default']),
    ...(policy.rules ?? []).flatMap((rule, index) => offersOf(rule, index, ['rules', index])),
  ];
}

function compileConditions(policy: PolicyFile, compiler: Compiler, into: Expressions): readonly Problem[] {
  return (policy.rules ?? []).flatMap((rule, index) => {
    if (rule.when === undefined) return [];
    const compiled = compiler.condition(rule.when);
    const path = ['rules', index, 'when'];
    if ('problems' in compiled) return compiled.problems.map((message) => ({ path, message }));
    into.conditions.set(index, compiled);
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

function assemble(file: PolicyFile, { conditions, offers }: Expressions): Policy {
  const groups = new Map(
    Object.entries(file.approvers ?? {}).map(([name, group]) => [name, groupOf(name, group)]),
  );
  const rules = (file.rules ?? []).map((rule, index) =>
    ruleOf(rule, conditions.get(index) ?? null, { groups, offers: offers.get(index) ?? noOffers }),
  );
  return Object.freeze({
    version: versionOf(file),
    rules,
    default: termsOf(file.default, { groups, offers: offers.get('default') ?? noOffers }),
    approverGroups: Object.fromEntries(groups),
    definitions: definitionRulesOf(file.definitions, groups),
    masking: file.masking,
  });
}

/** What the terms of a hold refer to. */
interface HoldParts {
  readonly groups: ReadonlyMap<string, ApproverGroup>;
  readonly offers: Offers;
}

function ruleOf(rule: RuleFile, when: Condition | null, parts: HoldParts): Rule {
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
    ...termsOf(rule, parts),
  };
}

type TermsFile = PolicyFile['default'] | RuleFile;

function termsOf(terms: TermsFile, parts: HoldParts): Terms {
  if (typeof terms === 'string')
    return { ending: { kind: terms }, risk: 'low', maskProfile: 'default', reason: null, askIntent: false };
  return {
    ending: endingOf(terms, parts),
    risk: terms.risk ?? (terms.then === 'hold' ? 'medium' : 'low'),
    maskProfile: terms.mask ?? 'default',
    reason: ('reason' in terms ? terms.reason : undefined) ?? null,
    askIntent: ('askIntent' in terms ? terms.askIntent : undefined) ?? false,
  };
}

function endingOf(terms: Exclude<TermsFile, string>, { groups, offers }: HoldParts): Ending {
  return terms.then === 'hold' ? holdEnding(terms, groups, offers) : { kind: terms.then };
}
