import type { EventFacts } from './payload.ts';
import type { Facet } from './store.ts';

const facetNames = ['risk', 'tool', 'verdict', 'rule', 'method'] as const;
/** The facets kept per session. An agent that makes up a new tool name for each call must not fill the table. */
const maxFacets = 200;
const maxFacetLength = 200;
const none: readonly Facet[] = [];

/** Which facets a strand has told of. */
export interface FacetsSeen {
  readonly known: Set<string>;
  /** Of the last event. */
  last: { readonly [Name in (typeof facetNames)[number]]: EventFacts[Name] | undefined };
}

export function noFacetsSeen(): FacetsSeen {
  return { known: new Set(), last: { risk: undefined, tool: null, verdict: null, rule: null, method: null } };
}

/** The facets of an event that the events of its session before it did not have. */
export function newFacets(seen: FacetsSeen, sessionId: string, event: EventFacts): readonly Facet[] {
  const { last } = seen;
  // Mostly an event is like the one before it.
  if (facetNames.every((facet) => event[facet] === last[facet])) return none;
  const { risk, tool, verdict, rule, method } = event;
  seen.last = { risk, tool, verdict, rule, method };
  const found: Facet[] = [];
  for (const facet of facetNames) {
    const value = event[facet]?.slice(0, maxFacetLength);
    if (!value || seen.known.has(`${facet} ${value}`)) continue;
    // How long a session is kept depends on its risk, of which there are four: never crowded out.
    if (facet !== 'risk' && seen.known.size >= maxFacets) continue;
    seen.known.add(`${facet} ${value}`);
    found.push({ sessionId, facet, value });
  }
  return found;
}
