import { parseJson } from '../mcp/parse-json.ts';
import { type Activation, activationOf, withValues } from '../../policy/expression.ts';
import { type GrantOffer, noOffers, type Offers } from '../../policy/offers.ts';
import type { Policy } from '../../policy/policy.ts';
import { at } from './json-text.ts';
import type { HeldFacts } from './sealed-call.ts';

/** What the rule that held a call offers, in the policy as it is now. Nothing when the rule is no longer there. */
export function offersOf(policy: Policy, rule: string): Offers {
  const named = policy.rules.find(({ name }) => name === rule);
  if (named?.ending.kind === 'hold') return named.ending.offers;
  // A pass rule that could not be evaluated holds by the default's terms, under its own name.
  return policy.default.ending.kind === 'hold' ? policy.default.ending.offers : noOffers;
}

/** Who calls what. */
export interface CallFacts {
  readonly bound: Omit<HeldFacts['bound'], 'argsSha256'>;
  readonly caller: HeldFacts['caller'];
}

/** What expressions of offers see of a held call: the same whenever they are evaluated, but for the time. */
export function activationFor({ bound, caller }: CallFacts, json: string): Activation {
  return activationOf({
    call: {
      connection: bound.connection,
      method: bound.method,
      tool: bound.tool,
      args: parsed(argumentsOf(json)),
      annotations: {},
    },
    caller,
    session: { id: '', startedAt: new Date(0), calls: 0 },
    now: new Date(),
  });
}

/** Whether a call meets the predicates of a grant that would be given with it: it is compared with itself. */
export function meetsOwn(offer: GrantOffer, facts: CallFacts, json: string): boolean {
  return covers(offer, facts, json, argumentsOf(json));
}

/** Whether a call meets the predicates of a grant. @param approvedJson the arguments that were approved with it */
export function covers(
  offer: GrantOffer,
  facts: CallFacts,
  json: string,
  approvedJson: string | null,
): boolean {
  const approved = { approved: { args: parsed(approvedJson) } };
  const activation = withValues(activationFor(facts, json), approved);
  return offer.where.every((predicate) => predicate.evaluate(activation) === true);
}

/** `params.arguments` as it stands; null when there are none. */
export function argumentsOf(json: string): string | null {
  const args = at(json, ['params', 'arguments']);
  return args && json.slice(args.start, args.end);
}

function parsed(json: string | null): unknown {
  return json === null ? null : parseJson(json);
}
