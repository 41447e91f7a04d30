import { parseDuration } from './durations.ts';
import type { Compiler, Condition, Formula } from './expression.ts';
import type { OffersFile } from './offers-schema.ts';
import type { Problem } from './problems.ts';

/** A condition together with the words it was written in, by which approvers and votes name it. */
export interface Predicate extends Condition {
  readonly text: string;
}

/** What an approver may release together with a call: never more than this. */
export interface GrantOffer {
  readonly calls: number;
  readonly forMs: number;
  readonly scope: 'session' | 'caller';
  readonly where: readonly Predicate[];
}

/** A call of the same connection that only reads. It runs only where policy itself lets it pass. */
export interface Companion {
  readonly tool: string;
  readonly args: Readonly<Record<string, Formula>>;
  readonly timeoutMs: number;
}

/** A companion whose answer must satisfy a condition. */
export interface Precondition extends Companion {
  readonly holds: Predicate;
}

/** What a hold offers beyond deciding on one call. */
export interface Offers {
  readonly grants: GrantOffer | null;
  readonly preview: Companion | null;
  readonly precondition: Precondition | null;
  readonly readBack: Companion | null;
}

/** A hold that offers nothing. */
export const noOffers: Offers = { grants: null, preview: null, precondition: null, readBack: null };

const defaultTimeoutMs = 5000;
/** Fields of the variables that only offers know. */
const approved = { approved: ['args'] };
const results = {
  result: ['structured', 'json', 'text', 'isError'],
  before: ['structured', 'json', 'text', 'isError'],
};

/** Compiles the offers of one hold. @param path where the hold stands in the policy */
export function compileOffers(
  file: OffersFile,
  compiler: Compiler,
  path: readonly (string | number)[],
): { readonly offers: Offers; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const keep = <T extends { readonly names: ReadonlySet<string> }>(
    compiled: T | { readonly problems: readonly string[] },
    at: readonly (string | number)[],
  ): T | null => {
    const wrong = 'problems' in compiled ? compiled.problems : sessionProblem(compiled.names);
    problems.push(...wrong.map((message) => ({ path: [...path, ...at], message })));
    return 'problems' in compiled ? null : compiled;
  };
  const companion = (key: 'preview' | 'precondition' | 'readBack'): Companion | null => {
    const written = file[key];
    if (!written) return null;
    const args: Record<string, Formula> = Object.create(null) as Record<string, Formula>;
    for (const [name, text] of Object.entries(written.args ?? {})) {
      const formula = keep(compiler.formula(text), [key, 'args', name]);
      if (formula) args[name] = formula;
    }
    return { tool: written.tool, args, timeoutMs: durationOf(written.timeout, defaultTimeoutMs) };
  };
  const predicate = (
    text: string,
    fields: Readonly<Record<string, readonly string[]>>,
    at: readonly (string | number)[],
  ): Predicate | null => {
    const condition = keep(compiler.condition(text, fields), at);
    return condition && { ...condition, text };
  };
  const { grants, precondition } = file;
  const where = (grants?.where ?? []).flatMap(
    (text, index) => predicate(text, approved, ['grants', 'where', index]) ?? [],
  );
  const checked = companion('precondition');
  const holds = precondition ? predicate(precondition.holds, results, ['precondition', 'holds']) : null;
  const offers: Offers = {
    grants: grants
      ? { calls: grants.calls, forMs: durationOf(grants.for, 0), scope: grants.scope ?? 'session', where }
      : null,
    preview: companion('preview'),
    precondition: checked && holds ? { ...checked, holds } : null,
    readBack: companion('readBack'),
  };
  return { offers, problems };
}

/** What offers look at must be the same when a call is held and when it is sent, perhaps hours later. */
function sessionProblem(names: ReadonlySet<string>): readonly string[] {
  return [...names].some((name) => /^session\b/.test(name))
    ? ['`session` cannot be used here; use `call`, `subject` and `now`']
    : [];
}

function durationOf(text: string | undefined, otherwiseMs: number): number {
  return text === undefined ? otherwiseMs : (parseDuration(text) ?? otherwiseMs);
}
