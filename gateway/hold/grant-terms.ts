import type { GrantOffer } from '../../policy/offers.ts';
import type { Bound, CountedVote, GrantTerms, VoteClaims } from '../../workflows/contract.ts';
import { verifyVote } from '../../workflows/vote.ts';
import { digestOf } from './canonical.ts';
import { checkQuorum, quorumOf } from './quorum.ts';
import type { HeldFacts } from './sealed-call.ts';

/** A grant that the votes give, or why they give none. */
export type Given =
  | { readonly given: true; readonly terms: GrantTerms; readonly votes: readonly CountedVote[] }
  | { readonly given: false; readonly because: string };

/** What a grant is judged by. Nothing of it comes from the grant's own row. */
export interface GrantRule {
  /** Facts of a call of the rule under which it is given or used: who must agree, and who must not. */
  readonly facts: Pick<
    HeldFacts,
    'approverGroups' | 'approvalsNeeded' | 'requesterKeys' | 'session' | 'terms' | 'latestExpiresAtMs'
  >;
  readonly offer: GrantOffer;
  readonly publicKeys: Readonly<Record<string, string>>;
}

/**
 * What a call's votes grant beyond the call. Only those votes count that offer a grant within what policy offers, and
 * they must suffice for the approval by themselves: nobody's plain approval becomes part of a grant. Of several
 * offers the narrowest of each term counts.
 */
export function grantOf(votes: readonly CountedVote[], bound: Bound, rule: GrantRule): Given {
  const { facts, offer, publicKeys } = rule;
  if (bound.method !== 'tools/call') return none('only tool calls can be granted ahead');
  if (bound.definitionHash === null) return none('the definition of its tool is not known');
  const offering = votes.filter((vote) => verifyVote(vote.jws, publicKeys)?.grant);
  if (offering.length === 0) return none('no vote offers one');
  const quorum = checkQuorum(offering, {
    callId: bound.callId,
    digest: digestOf(bound),
    ...quorumOf(facts),
    expiresAtMs: facts.latestExpiresAtMs ?? bound.expiresAtMs,
    publicKeys,
  });
  if (!quorum.met) return none(quorum.because);
  const all = offering.flatMap(({ jws }) => verifyVote(jws, publicKeys) ?? []);
  const wider = all.some((claims) => !isWithin(claims, offer, facts.session.sessionId));
  if (wider) return none('a vote offers more than policy does');
  return { given: true, terms: narrowest(all), votes: offering };
}

function isWithin({ grant, decidedAtMs }: VoteClaims, offer: GrantOffer, sessionId: string): boolean {
  if (!grant) return false;
  return (
    grant.calls <= offer.calls &&
    grant.untilMs <= decidedAtMs + offer.forMs &&
    (grant.sessionId === null ? offer.scope === 'caller' : grant.sessionId === sessionId) &&
    offer.where.every(({ text }) => grant.where.includes(text)) &&
    // A predicate that policy does not know could not be checked.
    grant.where.every((text) => offer.where.some((known) => known.text === text))
  );
}

function narrowest(all: readonly VoteClaims[]): GrantTerms {
  const terms = all.flatMap(({ grant }) => grant ?? []);
  return {
    calls: Math.min(...terms.map(({ calls }) => calls)),
    untilMs: Math.min(...terms.map(({ untilMs }) => untilMs)),
    sessionId: terms.find(({ sessionId }) => sessionId !== null)?.sessionId ?? null,
    where: [...new Set(terms.flatMap(({ where }) => where))],
  };
}

function none(because: string): Given {
  return { given: false, because };
}
