import { CelScalar, celEnv, celMethod, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { RE2JS } from '@bufbuild/re2';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { celFromJson, jsonFromCel, newStepBudget } from './cel-values.ts';
import { usesOf } from './cel-check.ts';
import type { PolicyInput } from './verdict.ts';

/** What CEL sees, made once for a decision, and only when a rule asks. */
export type Activation = Readonly<Record<string, CelInput>>;

/** A compiled `when`. */
export interface Condition {
  /** Never throws. */
  evaluate(activation: Activation): boolean | { readonly failed: string };
  /** `call.args`, `subject.groups`, … */
  readonly names: ReadonlySet<string>;
}

/** A compiled expression that gives a value. */
export interface Formula {
  /** The value as JSON knows it. Never throws. */
  evaluate(activation: Activation): { readonly value: unknown } | { readonly failed: string };
  readonly names: ReadonlySet<string>;
}

/** Names that an expression may use beside the usual ones, with their fields. */
export type MoreNames = Readonly<Record<string, readonly string[]>>;

/** Compiles the expressions of one policy. */
export interface Compiler {
  condition(text: string, more?: MoreNames): Condition | { readonly problems: readonly string[] };
  formula(text: string, more?: MoreNames): Formula | { readonly problems: readonly string[] };
}

/** The longest text that a regular expression is run on; longer ones make the rule fail closed. */
const maxMatchCharacters = 1_000_000;

/**
 * Makes a compiler for the expressions of one policy; `when`, predicates and arguments alike. Literal regular expressions are compiled once, by RE2, whose
 * time is linear whatever the pattern; patterns that come from arguments are compiled anew and not kept.
 */
export function expressionCompiler(): Compiler {
  const regexes = new Map<string, RE2JS>();
  const matches = celMethod(
    'matches',
    CelScalar.STRING,
    [CelScalar.STRING],
    CelScalar.BOOL,
    function (pattern) {
      if (this.length > maxMatchCharacters) throw new Error('the text is too long for matches()');
      return (regexes.get(pattern) ?? RE2JS.compile(pattern)).test(this);
    },
  );
  const environment = celEnv({ funcs: [...strings, matches] });
  const hasFunction = (name: string): boolean => environment.funcs.find(name) !== undefined;
  const compile = (text: string, more: MoreNames): Compiled | { readonly problems: readonly string[] } => {
    try {
      const parsed = parse(text);
      const { problems, names, patterns, timeZones, constants } = usesOf(parsed.expr, hasFunction, more);
      if (problems.length > 0) return { problems };
      const failing = [...constants, ...timeZones.map(inTimeZone)].flatMap((part) =>
        failureOf(plan(environment, part)()),
      );
      if (failing.length > 0) return { problems: failing };
      for (const pattern of patterns) regexes.set(pattern, RE2JS.compile(pattern));
      return { run: plan(environment, parsed), names };
    } catch (error) {
      return {
        problems: [`does not compile as CEL: ${error instanceof Error ? error.message : 'unknown error'}`],
      };
    }
  };
  return {
    condition: (text, more = {}) => {
      const compiled = compile(text, more);
      if ('problems' in compiled) return compiled;
      const evaluate = evaluator(compiled.run, text);
      const { names } = compiled;
      return names.size === 0 ? constant(evaluate(Object.create(null) as Activation)) : { evaluate, names };
    },
    formula: (text, more = {}) => {
      const compiled = compile(text, more);
      return 'problems' in compiled
        ? compiled
        : { evaluate: valueOf(compiled.run, text), names: compiled.names };
    },
  };
}

interface Compiled {
  readonly run: (activation: Activation) => unknown;
  readonly names: ReadonlySet<string>;
}

/** The hour somewhere: fails exactly when there is no such time zone. */
function inTimeZone(zone: string): ReturnType<typeof parse> {
  return parse(`timestamp("2026-01-01T00:00:00Z").getHours(${JSON.stringify(zone)})`);
}

/** What is wrong with a part that gives the same whatever the call. */
function failureOf(result: unknown): readonly string[] {
  return isCelError(result) ? [`contains a part that always fails: ${result.message}`] : [];
}

function evaluator(run: (activation: Activation) => unknown, text: string): Condition['evaluate'] {
  return (activation) => {
    try {
      const result = run(activation);
      if (typeof result === 'boolean') return result;
      return { failed: isCelError(result) ? explain(result.message, text) : 'gave no true or false' };
    } catch {
      return { failed: 'could not be evaluated' };
    }
  };
}

function valueOf(run: (activation: Activation) => unknown, text: string): Formula['evaluate'] {
  return (activation) => {
    try {
      const result = run(activation);
      return isCelError(result) ? { failed: explain(result.message, text) } : { value: jsonFromCel(result) };
    } catch {
      return { failed: 'could not be evaluated' };
    }
  };
}

function constant(result: ReturnType<Condition['evaluate']>): { problems: readonly string[] } {
  const gives = typeof result === 'boolean' ? `is always ${result}` : result.failed;
  return {
    problems: [`looks at nothing of the call and ${gives}; leave \`when\` out or make it depend on the call`],
  };
}

/**
 * What may be repeated of an evaluation's error. CEL's own messages can carry values of the call, so only field
 * names that the rule itself spells out and type names get through.
 */
function explain(message: string, text: string): string {
  const field = /^field not found: (.+)$/.exec(message)?.[1];
  if (field !== undefined && text.includes(field)) return `the call has no \`${field}\``;
  const overload =
    /^found no matching overload for '([\w_!<>=+\-*/%?:[\]@]+)' applied to '([\w.(), ]+)'$/.exec(message);
  if (overload) return `\`${overload[1]}\` cannot be applied to ${overload[2]}`;
  return 'could not be evaluated';
}

/** The activation with further JSON values under names of their own. */
export function withValues(
  activation: Activation,
  values: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Activation {
  const budget = newStepBudget();
  const wrapped = Object.entries(values).map(([name, value]) => [name, celFromJson(value, budget)] as const);
  return Object.assign(
    Object.create(null) as Record<string, CelInput>,
    activation,
    Object.fromEntries(wrapped),
  );
}

/** Everything that rules can look at, wrapped lazily. */
export function activationOf(input: PolicyInput): Activation {
  const { call, caller } = input;
  const budget = newStepBudget();
  const wrap = (value: Readonly<Record<string, unknown>>): CelInput => celFromJson(value, budget);
  const { proof } = caller;
  // Read when they are asked for: of a call that is only foreseen, arguments, session and time are not known.
  return {
    __proto__: null,
    call: wrap(call),
    subject: wrap({
      id: caller.subject,
      issuer: caller.issuer,
      email: caller.email,
      name: caller.name,
      groups: caller.groups,
      actor: caller.actors[0] ?? null,
      actors: caller.actors,
      client: caller.client,
      credential: caller.credentialId,
      // What is not known is null, and comparing it makes the rule fail closed.
      credentialKind: proof?.kind ?? null,
      scopes: proof?.scopes ?? null,
      acr: proof?.acr ?? null,
      amr: proof?.amr ?? [],
      get authAgeSec(): number | null {
        const at = proof?.authenticatedAtMs ?? null;
        return at === null ? null : (input.now.getTime() - at) / 1000;
      },
      claims: caller.claims,
    }),
    get session(): CelInput {
      const { id, startedAt, calls } = input.session;
      return { id, startedAt: timestampFromDate(startedAt), calls: BigInt(calls) };
    },
    get now(): CelInput {
      return timestampFromDate(input.now);
    },
  };
}
