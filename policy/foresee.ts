import { activationOf, type Activation } from './expression.ts';
import type { Policy, Terms } from './policy.ts';
import { matches } from './decide.ts';
import type { PolicyInput } from './verdict.ts';

/** A tool that a caller may call some day, with arguments that nobody knows yet. */
export interface ForeseenCall {
  readonly connection: string;
  /** null where it is asked of all tools at once. */
  readonly tool: string | null;
  /** null where they are not known. */
  readonly annotations: Readonly<Record<string, unknown>> | null;
}

/**
 * What policy may answer when a caller calls a tool, whatever the arguments, the session and the time will be: the
 * terms of every rule that may match, and of the default where none must. A `when` that looks at what is not known
 * yet may match, may not, and may fail. Errs towards more: what is listed need not come, what is not never does.
 */
export function foreseenTerms(
  policy: Policy,
  call: ForeseenCall,
  caller: PolicyInput['caller'],
): readonly Terms[] {
  const input = inputOf(call, caller);
  let activation: Activation | undefined;
  const possible = new Set<Terms>();
  for (const rule of policy.rules) {
    if (!matches(call.tool === null ? { ...rule, tool: null } : rule, input)) continue;
    activation ??= activationOf(input);
    const result = rule.when === null || rule.when.evaluate(activation);
    if (result === false) continue;
    possible.add(rule);
    if (result === true && (rule.tool === null || call.tool !== null)) return [...possible];
    // A `pass` rule that fails lets nothing pass any more: where a later one would, the default's hold counts.
    if (rule.ending.kind === 'pass' && policy.default.ending.kind === 'hold') possible.add(policy.default);
  }
  return [...possible.add(policy.default)];
}

/** Whether a caller can never get through with a tool: every rule that may match denies. */
export function neverUsable(terms: readonly Terms[]): boolean {
  return terms.every(({ ending }) => ending.kind === 'deny');
}

/** Whether a call may have to wait for a person. */
export function mayBeHeld(terms: readonly Terms[]): boolean {
  return terms.some(({ ending }) => ending.kind === 'hold');
}

function notKnown(): never {
  throw new Error('not known yet');
}

function inputOf(
  { connection, tool, annotations }: ForeseenCall,
  caller: PolicyInput['caller'],
): PolicyInput {
  return {
    call: {
      connection,
      method: 'tools/call',
      get tool(): string {
        return tool ?? notKnown();
      },
      get args(): unknown {
        return notKnown();
      },
      get annotations(): Readonly<Record<string, unknown>> {
        return annotations ?? notKnown();
      },
    },
    caller,
    get session(): PolicyInput['session'] {
      return notKnown();
    },
    get now(): Date {
      return notKnown();
    },
  };
}
