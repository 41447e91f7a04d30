import * as fc from 'fast-check';
import type { OnDisconnect } from '../../policy/verdict.ts';

/** People of the model: the requester, an outsider, and three approvers; Ann has a second account. */
export const people = {
  requester: { keys: ['local:agent', 'email:agent@example.com'], name: 'Requester', groups: ['dba'] },
  outsider: { keys: ['oidc:https://idp#eve'], name: 'Eve', groups: ['sales'] },
  ann: { keys: ['oidc:https://idp#ann', 'slack:T1/UANN'], name: 'Ann', groups: ['dba'] },
  annInSlack: { keys: ['slack:T1/UANN'], name: 'Ann in Slack', groups: ['dba'] },
  bob: { keys: ['oidc:https://idp#bob'], name: 'Bob', groups: ['dba', 'leads'] },
  carol: { keys: ['slack:T1/UCAROL'], name: 'Carol', groups: ['dba'] },
} as const;
export type Who = keyof typeof people;

/** One thing that happens to a held call. */
export type Step =
  | { readonly do: 'vote'; readonly who: Who; readonly decision: 'approve' | 'deny'; readonly click: number }
  | { readonly do: 'forge'; readonly how: 'key' | 'digest' | 'call' | 'junk' }
  | { readonly do: 'attach' | 'detach'; readonly queue: 'home' | 'nowhere' }
  | { readonly do: 'cancel' | 'reset' | 'terminate' | 'execute' }
  | { readonly do: 'wait'; readonly ms: number };

/** What the upstream, or the gateway before it, does when the call is run. */
export type Upstream = 'answers' | 'is slow' | 'crashes after claim' | 'crashes before claim';

/** A held call and all that happens to it; the steps of one moment happen at once. */
export interface Scenario {
  readonly approvalsNeeded: number;
  readonly onDisconnect: OnDisconnect;
  readonly holder: 'home' | 'nowhere' | null;
  readonly ttlMs: number;
  readonly upstream: Upstream;
  readonly moments: readonly (readonly Step[])[];
}

const approvers: Who[] = ['ann', 'annInSlack', 'bob', 'carol'];
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
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('cancel', 'terminate') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('reset', 'execute') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.nat({ max: 150 }) }) },
) as fc.Arbitrary<Step>;

/** Any scenario. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  approvalsNeeded: fc.integer({ min: 1, max: 3 }),
  onDisconnect: fc.constantFrom('keep', 'cancel', 'run'),
  holder: fc.constantFrom('home', 'home', 'nowhere', null),
  ttlMs: fc.constantFrom(60_000, 60_000, 60_000, 400),
  upstream: fc.constantFrom('answers', 'answers', 'is slow', 'crashes after claim', 'crashes before claim'),
  moments: fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
});
