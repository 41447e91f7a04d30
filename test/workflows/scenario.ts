import * as fc from '../support/fast-check.ts';
import type { OnDisconnect, Quorum } from '../../policy/verdict.ts';

/** People of the model: the requester, an outsider, and three approvers; Ann has a second account. */
export const people = {
  requester: { keys: ['local:agent', 'email:agent@example.com'], name: 'Requester', groups: ['dba'] },
  outsider: { keys: ['oidc:https://idp#eve'], name: 'Eve', groups: ['sales'] },
  ann: { keys: ['oidc:https://idp#ann', 'slack:T1/UANN'], name: 'Ann', groups: ['dba'] },
  annInSlack: { keys: ['slack:T1/UANN'], name: 'Ann in Slack', groups: ['dba'] },
  bob: { keys: ['oidc:https://idp#bob'], name: 'Bob', groups: ['dba', 'leads'] },
  carol: { keys: ['slack:T1/UCAROL'], name: 'Carol', groups: ['dba'] },
  dave: { keys: ['oidc:https://idp#dave'], name: 'Dave', groups: ['leads'] },
} as const;
export type Who = keyof typeof people;

/** One thing that happens to a held call. */
export type Step =
  | { readonly do: 'vote'; readonly who: Who; readonly decision: 'approve' | 'deny'; readonly click: number }
  | { readonly do: 'forge'; readonly how: 'key' | 'digest' | 'call' | 'junk' }
  | { readonly do: 'attach' | 'detach'; readonly queue: 'home' | 'nowhere' }
  | { readonly do: 'extend'; readonly who: Who; readonly click: number }
  | { readonly do: 'cancel' | 'reset' | 'terminate' | 'execute' }
  | { readonly do: 'wait'; readonly ms: number };

/** What the upstream, or the gateway before it, does when the call is run. */
export type Upstream = 'answers' | 'is slow' | 'crashes after claim' | 'crashes before claim';

/** Which approvals are needed: so many people of `dba`, or one of `dba` and one of `leads`, who are two people. */
export type Needed = 1 | 2 | 3 | 'one of each';

/** A held call and all that happens to it; the steps of one moment happen at once. */
export interface Scenario {
  readonly needed: Needed;
  /** After how long `leads` join; null for never. */
  readonly escalatesAfterMs: number | null;
  /** How many times it may be extended. */
  readonly extensions: number;
  readonly onDisconnect: OnDisconnect;
  readonly holder: 'home' | 'nowhere' | null;
  readonly ttlMs: number;
  readonly upstream: Upstream;
  readonly moments: readonly (readonly Step[])[];
}

const approvers: Who[] = ['ann', 'annInSlack', 'bob', 'carol', 'dave'];
const vote = (who: fc.Arbitrary<Who>, decision: fc.Arbitrary<'approve' | 'deny'>): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant('vote'), who, decision, click: fc.nat({ max: 1 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: vote(fc.constantFrom(...approvers), fc.constant('approve')) },
  { weight: 2, arbitrary: vote(fc.constantFrom(...approvers), fc.constant('deny')) },
  {
    weight: 3,
    arbitrary: vote(fc.constantFrom<Who[]>('requester', 'outsider'), fc.constantFrom('approve', 'deny')),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('forge'), how: fc.constantFrom('key', 'digest', 'call', 'junk') }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('attach', 'detach'),
      queue: fc.constantFrom('home', 'nowhere'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('extend'),
      who: fc.constantFrom<Who[]>(...approvers, 'requester', 'outsider'),
      click: fc.nat({ max: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cancel', 'terminate') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('reset', 'execute') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.nat({ max: 150 }) }) },
) as fc.Arbitrary<Step>;

/** Any scenario. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  needed: fc.constantFrom<Needed[]>(1, 1, 2, 2, 3, 'one of each', 'one of each'),
  escalatesAfterMs: fc.constantFrom(null, null, 50, 300),
  extensions: fc.constantFrom(0, 1, 2),
  onDisconnect: fc.constantFrom('keep', 'cancel', 'run'),
  holder: fc.constantFrom('home', 'home', 'nowhere', null),
  ttlMs: fc.constantFrom(60_000, 60_000, 60_000, 400),
  upstream: fc.constantFrom('answers', 'answers', 'is slow', 'crashes after claim', 'crashes before claim'),
  moments: fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
});

/** The quorum of a scenario. */
export function quorumOf({ needed }: Pick<Scenario, 'needed'>): Quorum {
  if (needed !== 'one of each') return { kind: 'together', approvals: needed };
  return {
    kind: 'all',
    needs: [
      { group: 'dba', approvals: 1 },
      { group: 'leads', approvals: 1 },
    ],
  };
}
