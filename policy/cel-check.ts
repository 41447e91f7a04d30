import type { parse } from '@bufbuild/cel';

/** What `parse` gives; named here since the library does not export it by name. */
export type Expression = ReturnType<typeof parse>['expr'];

/** Names of variables, each with its fields. */
type Names = Readonly<Record<string, readonly string[]>>;

/** The names that rules may use, with their fields. */
const fields: Names = {
  call: ['connection', 'method', 'tool', 'args', 'annotations'],
  subject: [
    'id',
    'issuer',
    'email',
    'name',
    'groups',
    'actor',
    'actors',
    'client',
    'credential',
    'credentialKind',
    'scopes',
    'acr',
    'amr',
    'authAgeSec',
    'claims',
  ],
  session: ['id', 'startedAt', 'calls'],
  now: [],
};
const typeNames = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
]);

/** What an expression uses, and what is wrong with it. */
export interface Uses {
  readonly problems: readonly string[];
  /** `call.args`, `subject`, … */
  readonly names: ReadonlySet<string>;
  /** Literal patterns given to `matches`. */
  readonly patterns: readonly string[];
  /** Literal time zones given to `getHours` and the like. */
  readonly timeZones: readonly string[];
  /** Calls whose operands are all written out, such as `duration("8h")`. */
  readonly constants: readonly Expression[];
}

/**
 * Finds names and functions that do not exist, so that a typing error is refused when policy is loaded instead of
 * failing call by call.
 * @param hasFunction whether the environment knows a function of that name
 * @param more names that may be used besides the usual ones, with their fields
 */
export function usesOf(
  expression: Expression,
  hasFunction: (name: string) => boolean,
  more: Names = {},
): Uses {
  const known = { ...fields, ...more };
  const problems: string[] = [];
  const names = new Set<string>();
  const patterns: string[] = [];
  const timeZones: string[] = [];
  const constants: Expression[] = [];
  for (const { node, bound } of nodesOf(expression, new Set())) {
    const { exprKind: kind } = node;
    if (kind.case === 'identExpr' && isFree(kind.value.name, bound)) {
      names.add(kind.value.name);
      problems.push(...variableProblem(kind.value.name, known));
    } else if (kind.case === 'selectExpr' && kind.value.operand?.exprKind.case === 'identExpr') {
      const { name } = kind.value.operand.exprKind.value;
      if (!isFree(name, bound)) continue;
      names.add(`${name}.${kind.value.field}`);
      problems.push(...fieldProblem(name, kind.value.field, known));
    } else if (kind.case === 'structExpr' && kind.value.messageName !== '')
      problems.push(`there is no type \`${kind.value.messageName}\``);
    else if (kind.case === 'callExpr') {
      const { function: name, target, args } = kind.value;
      if (isConstant(node)) constants.push(node);
      if (/^[a-z]/i.test(name) && !hasFunction(name)) problems.push(`there is no function \`${name}\``);
      const literal = literalText(target ? args[0] : args[1]);
      if (literal !== null && name === 'matches') patterns.push(literal);
      if (literal !== null && timeGetter.test(name)) timeZones.push(literal);
    }
  }
  return { problems, names, patterns, timeZones, constants };
}

/** The functions that read a part of a time, and take a time zone. */
const timeGetter = /^get(?:FullYear|Month|Date|DayOf|Hours|Minutes)/;

/** Every part of an expression, each with the variables that macros such as `exists` bind around it. */
function* nodesOf(
  node: Expression | undefined,
  bound: ReadonlySet<string>,
): Generator<{ readonly node: Expression; readonly bound: ReadonlySet<string> }> {
  if (node === undefined) return;
  yield { node, bound };
  const { exprKind: kind } = node;
  if (kind.case === 'selectExpr') yield* nodesOf(kind.value.operand, bound);
  else if (kind.case === 'callExpr')
    for (const part of [kind.value.target, ...kind.value.args]) yield* nodesOf(part, bound);
  else if (kind.case === 'listExpr') for (const part of kind.value.elements) yield* nodesOf(part, bound);
  else if (kind.case === 'structExpr')
    for (const { keyKind, value } of kind.value.entries) {
      if (keyKind.case === 'mapKey') yield* nodesOf(keyKind.value, bound);
      yield* nodesOf(value, bound);
    }
  else if (kind.case === 'comprehensionExpr') {
    const { iterRange, accuInit, loopCondition, loopStep, result, iterVar, iterVar2, accuVar } = kind.value;
    const inner = new Set([...bound, iterVar, iterVar2, accuVar]);
    for (const part of [iterRange, accuInit]) yield* nodesOf(part, bound);
    for (const part of [loopCondition, loopStep, result]) yield* nodesOf(part, inner);
  }
}

function isFree(name: string, bound: ReadonlySet<string>): boolean {
  return !bound.has(name) && !typeNames.has(name);
}

function variableProblem(name: string, fields: Names): readonly string[] {
  if (Object.hasOwn(fields, name)) return [];
  return [`there is no variable \`${name}\`; there are ${list(Object.keys(fields))}`];
}

function fieldProblem(root: string, field: string, fields: Names): readonly string[] {
  const known = Object.hasOwn(fields, root) ? fields[root] : undefined;
  if (known === undefined || known.includes(field)) return [];
  if (known.length === 0)
    return [`\`${root}\` has no fields; use functions such as \`${root}.getHours("Europe/Berlin")\``];
  return [`\`${root}\` has no field \`${field}\`; it has ${list(known)}`];
}

function literalText(node: Expression | undefined): string | null {
  if (node?.exprKind.case !== 'constExpr') return null;
  const { constantKind } = node.exprKind.value;
  return constantKind.case === 'stringValue' ? constantKind.value : null;
}

/** Whether nothing in it can change from one evaluation to the next. */
function isConstant({ exprKind: kind }: Expression): boolean {
  if (kind.case === 'constExpr') return true;
  if (kind.case === 'listExpr') return kind.value.elements.every(isConstant);
  if (kind.case !== 'callExpr') return false;
  return (
    kind.value.args.every(isConstant) && (kind.value.target === undefined || isConstant(kind.value.target))
  );
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
