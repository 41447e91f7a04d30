import * as fc from '../support/fast-check.ts';

/** A further call, by how it differs from the approved one; 0 means not at all. */
export interface FurtherCall {
  readonly do: 'call';
  readonly session: 0 | 1;
  readonly caller: 0 | 1;
  readonly env: 0 | 1;
  readonly table: 0 | 1;
  readonly definition: 0 | 1;
  /** 1: policy was changed before it was looked at; 2: right after, when it was to be claimed. */
  readonly policy: 0 | 1 | 2;
  readonly replica: 0 | 1;
  /** 1: the gateway loses it once upstream has it. */
  readonly lost: 0 | 1;
}

/** One thing that happens while a grant is open. */
export type GrantStep =
  | FurtherCall
  /** The same call once more, as a client does that was not answered. */
  | { readonly do: 'repeat' }
  /** The activity of the approved call is delivered again. */
  | { readonly do: 'redeliver' }
  /** The votes of the grant are put to a call that waits. */
  | { readonly do: 'replay' }
  | { readonly do: 'revoke' }
  | { readonly do: 'wait'; readonly ms: number };

/** An approval with a grant, and all that happens after it; the steps of one moment happen at once. */
export interface GrantScenario {
  /** What the votes offer; policy offers 3. */
  readonly calls: 1 | 2 | 3 | 4;
  readonly forMs: 300 | 60_000;
  readonly voters: 'one' | 'the requester' | 'one, denied by another';
  readonly moments: readonly (readonly GrantStep[])[];
}

const mostly0 = <T extends number>(...others: T[]): fc.Arbitrary<0 | T> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(0 as const) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
const call: fc.Arbitrary<GrantStep> = fc.record({
  do: fc.constant('call' as const),
  session: mostly0<1>(1),
  caller: mostly0<1>(1),
  env: mostly0<1>(1),
  table: mostly0<1>(1),
  definition: mostly0<1>(1),
  policy: mostly0<1 | 2>(1, 2),
  replica: fc.constantFrom<(0 | 1)[]>(0, 1),
  lost: mostly0<1>(1),
});
const step: fc.Arbitrary<GrantStep> = fc.oneof(
  { weight: 12, arbitrary: call },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('repeat' as const, 'redeliver' as const, 'replay' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(20, 450) }) },
);

/** Any of them. */
export const grantScenarios: fc.Arbitrary<GrantScenario> = fc.record({
  calls: fc.constantFrom<(1 | 2 | 3 | 4)[]>(1, 2, 2, 3, 3, 3, 3, 4),
  forMs: fc.constantFrom<(300 | 60_000)[]>(300, 60_000, 60_000, 60_000, 60_000),
  voters: fc.oneof(
    { weight: 8, arbitrary: fc.constant('one' as const) },
    { weight: 1, arbitrary: fc.constantFrom('the requester' as const, 'one, denied by another' as const) },
  ),
  moments: fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
});
