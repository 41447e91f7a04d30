import { withValues } from '../../policy/expression.ts';
import type { Precondition } from '../../policy/offers.ts';
import {
  type CompanionDeps,
  type CompanionOf,
  callCompanion,
  readyCompanion,
  resultOf,
} from './companions.ts';
import { activationFor } from './offers.ts';

/** Whether a precondition holds; `response` is what its call answered, raw. */
export type Checked =
  | { readonly holds: true; readonly response: string }
  /** In words for the agent: they name the rule's own condition, no value. */
  | { readonly holds: false; readonly because: string };

/**
 * Makes a precondition's call and looks at its answer. What cannot be found out does not hold.
 * @param before what the call answered when the held call was held; null the first time, which then is its own before
 */
export async function checkPrecondition(
  deps: CompanionDeps,
  of: CompanionOf,
  precondition: Precondition,
  before: string | null,
): Promise<Checked> {
  const { tool, holds } = precondition;
  const because = (why: string): Checked => ({
    holds: false,
    because: `its precondition could not be checked: ${tool}: ${why}`,
  });
  const ready = readyCompanion(deps, of, precondition, 'precondition');
  if ('because' in ready) return because(ready.because);
  const answered = await callCompanion(deps, of, ready);
  if (!answered.ok) return because(answered.because);
  const result = resultOf(answered.response);
  const values = { result: { ...result }, before: { ...(before === null ? result : resultOf(before)) } };
  const held = holds.evaluate(withValues(activationFor(of.facts, of.json), values));
  if (held === true) return { holds: true, response: answered.response };
  if (held === false)
    return {
      holds: false,
      because: `its precondition does not hold: ${holds.text} (${tool} says otherwise)`,
    };
  return because(held.failed);
}
