import { activationOf, type Activation } from './expression.ts';
import type { Policy, Terms } from './policy.ts';
import { matches } from './decide.ts';
import type { PolicyInput } from './verdict.ts';

/** A tool that a caller may call some day, with arguments that nobody knows yet. */
export interface ForeseenCall {
  readonly connection: string;
  readonly tool: string;
  readonly annotations: Readonly<Record<string, unknown>>;
}

/**
 * What policy may answer when a caller calls a tool, whatever the arguments, the session and the time will be: the
 * terms of every rule that may match, and of the default where none must. A `when` that looks at what is not known
 * yet may match and may not.
 */
export function foreseenTerms(
  policy: Policy,
  call: ForeseenCall,
  caller: PolicyInput['caller'],
): readonly Terms[] {
  const input = inputOf(call, caller);
  let activation: Activation | undefined;
  const possible: Terms[] = [];
  for (const rule of policy.rules) {
    if (!matches(rule, input)) continue;
    activation ??= unknowing(activationOf(input));
    const result = rule.when === null || rule.when.evaluate(activation);
    if (result === false) continue;
    possible.push(rule);
    if (result === true) return possible;
  }
  return [...possible, policy.default];
}

/** Whether a caller can never get through with a tool: every rule that may match denies. */
export function neverUsable(terms: readonly Terms[]): boolean {
  return terms.every(({ ending }) => ending.kind === 'deny');
}

function inputOf(call: ForeseenCall, caller: PolicyInput['caller']): PolicyInput {
  const { connection, tool, annotations } = call;
  return {
    call: {
      connection,
      method: 'tools/call',
      tool,
      get args(): unknown {
        throw new Error('the arguments are not known yet');
      },
      annotations,
    },
    caller,
    session: { id: '', startedAt: new Date(0), calls: 0 },
    now: new Date(0),
  };
}

/** The same names, of which `session` and `now` cannot be looked at: evaluating what needs them fails. */
function unknowing(activation: Activation): Activation {
  const unknown = {
    enumerable: true,
    get: (): never => {
      throw new Error('not known yet');
    },
  };
  const { call, subject } = activation;
  return Object.defineProperties(Object.assign(Object.create(null) as object, { call, subject }), {
    session: unknown,
    now: unknown,
  }) as Activation;
}
