import type { parse } from '@bufbuild/cel';

/** What `parse` gives; named here since the library does not export it by name. */
export type Expression = ReturnType<typeof parse>['expr'];

/** The fields that rules may use; null where any key may follow. */
const fields: Readonly<Record<string, readonly string[] | null>> = {
  call: ['connection', 'method', 'tool', 'args', 'annotations'],
  subject: ['id', 'issuer', 'email', 'name', 'groups', 'actor', 'actors', 'client', 'credential', 'claims'],
  session: ['id', 'startedAt', 'calls'],
  now: null,
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
 */
export function usesOf(expression: Expression, hasFunction: (name: string) => boolean): Uses {
  const problems: string[] = [];
  const names = new Set<string>();
  const patterns: string[] = [];
  const timeZones: string[] = [];
  const constants: Expression[] = [];
  const visit = (node: Expression | undefined, bound: ReadonlySet<string>): void => {
    if (node === undefined) return;
    const { exprKind: kind } = node;
    if (kind.case === 'identExpr') checkName(kind.value.name, bound);
    else if (kind.case === 'selectExpr') {
      const { operand, field } = kind.value;
      if (operand?.exprKind.case === 'identExpr') checkField(operand.exprKind.value.name, field, bound);
      visit(operand, bound);
    } else if (kind.case === 'callExpr') {
      const { function: name, target, args } = kind.value;
      if (isConstant(node)) constants.push(node);
      checkCall(name, [...(target ? [target] : []), ...args]);
      visit(target, bound);
      for (const arg of args) visit(arg, bound);
    } else if (kind.case === 'listExpr') for (const element of kind.value.elements) visit(element, bound);
    else if (kind.case === 'structExpr') {
      if (kind.value.messageName !== '') problems.push(`there is no type \`${kind.value.messageName}\``);
      for (const entry of kind.value.entries) {
        if (entry.keyKind.case === 'mapKey') visit(entry.keyKind.value, bound);
        visit(entry.value, bound);
      }
    } else if (kind.case === 'comprehensionExpr') {
      const fold = kind.value;
      const inner = new Set([...bound, fold.iterVar, fold.iterVar2, fold.accuVar]);
      visit(fold.iterRange, bound);
      visit(fold.accuInit, bound);
      visit(fold.loopCondition, inner);
      visit(fold.loopStep, inner);
      visit(fold.result, inner);
    }
  };
  const checkName = (name: string, bound: ReadonlySet<string>): void => {
    if (bound.has(name) || typeNames.has(name)) return;
    if (Object.hasOwn(fields, name)) names.add(name);
    else problems.push(`there is no variable \`${name}\`; there are ${list(Object.keys(fields))}`);
  };
  const checkField = (root: string, field: string, bound: ReadonlySet<string>): void => {
    if (bound.has(root) || !Object.hasOwn(fields, root)) return;
    names.add(`${root}.${field}`);
    const known = fields[root] ?? [];
    if (!known.includes(field))
      problems.push(
        known.length === 0
          ? `\`${root}\` has no fields; use functions such as \`${root}.getHours("Europe/Berlin")\``
          : `\`${root}\` has no field \`${field}\`; it has ${list(known)}`,
      );
  };
  const checkCall = (name: string, operands: readonly Expression[]): void => {
    if (/^[a-z]/i.test(name) && !hasFunction(name)) problems.push(`there is no function \`${name}\``);
    const pattern = operands[1]?.exprKind;
    if (
      name === 'matches' &&
      pattern?.case === 'constExpr' &&
      pattern.value.constantKind.case === 'stringValue'
    )
      patterns.push(pattern.value.constantKind.value);
    if (
      /^get(?:FullYear|Month|Date|DayOf|Hours|Minutes)/.test(name) &&
      pattern?.case === 'constExpr' &&
      pattern.value.constantKind.case === 'stringValue'
    )
      timeZones.push(pattern.value.constantKind.value);
  };
  visit(expression, new Set());
  return { problems, names, patterns, timeZones, constants };
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
