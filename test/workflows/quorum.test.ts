import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import type { Quorum } from '../../policy/verdict.ts';
import { checkVote } from '../../workflows/check-vote.ts';
import type { ApprovalInput, ApprovalStatus, VoteClaims } from '../../workflows/contract.ts';
import { lacking, lackingWords, quorumWords } from '../../workflows/quorum.ts';

const inGroups = (...groups: string[]) => ({ groups });
const all: Quorum = {
  kind: 'all',
  needs: [
    { group: 'dba', approvals: 1 },
    { group: 'security', approvals: 1 },
  ],
};

test('`all`: one person in both groups fills one place only', () => {
  assert.equal(lacking(all, [inGroups('dba', 'security')]).met, false);
  assert.equal(lacking(all, [inGroups('dba', 'security'), inGroups('dba')]).met, true);
});

test('`all`: people are placed such that as many places as possible are filled, whoever came first', () => {
  for (const approvals of [
    [inGroups('dba', 'security'), inGroups('dba')],
    [inGroups('dba'), inGroups('dba', 'security')],
    [inGroups('security'), inGroups('dba', 'security')],
  ])
    assert.equal(lacking(all, approvals).met, true, JSON.stringify(approvals));
  const missing = lacking(all, [inGroups('dba'), inGroups('dba')]);
  assert.equal(missing.met, false);
  assert.equal(lackingWords(missing), 'one more approval from security');
});

test('`any` with counts: one group alone must give all of its own', () => {
  const quorum: Quorum = {
    kind: 'any',
    needs: [
      { group: 'dba', approvals: 2 },
      { group: 'leads', approvals: 1 },
    ],
  };
  assert.equal(lacking(quorum, [inGroups('dba')]).met, false);
  assert.equal(
    lackingWords(lacking(quorum, [inGroups('dba')])),
    'one more approval from dba or one more approval from leads',
  );
  assert.equal(lacking(quorum, [inGroups('leads')]).met, true);
  assert.equal(lacking(quorum, [inGroups('dba'), inGroups('dba')]).met, true);
  assert.equal(quorumWords(quorum), '2 approvals from dba or one approval from leads');
});

test('who joined by escalation stands in for a member of any group, and still fills one place only', () => {
  assert.equal(lacking(all, [inGroups('leads'), inGroups('dba')], ['leads']).met, true);
  assert.equal(lacking(all, [inGroups('leads'), inGroups('dba')], []).met, false);
  assert.equal(lacking(all, [inGroups('leads')], ['leads']).met, false);
});

test('whatever people and groups there are: `all` is met exactly when an assignment exists', () => {
  const group = fc.constantFrom('a', 'b', 'c');
  fc.assert(
    fc.property(
      fc.array(fc.record({ groups: fc.uniqueArray(group, { maxLength: 3 }) }), { maxLength: 6 }),
      fc.uniqueArray(group, { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 3, maxLength: 3 }),
      (people, groups, counts) => {
        const needs = groups.map((name, index) => ({ group: name, approvals: counts[index] ?? 1 }));
        const places = needs.flatMap(({ group: name, approvals }) =>
          Array.from({ length: approvals }, () => name),
        );
        assert.equal(lacking({ kind: 'all', needs }, people).met, assignable(places, people));
      },
    ),
  );
});

/** The same by trying everything. */
function assignable(places: readonly string[], people: readonly { groups: string[] }[]): boolean {
  const [place, ...rest] = places;
  if (place === undefined) return true;
  return people.some(
    ({ groups }, index) => groups.includes(place) && assignable(rest, people.toSpliced(index, 1)),
  );
}

test('a vote is refused when the time is up or has been decided, when it lacks the proof asked for, and when it is signed for something else', () => {
  const nowMs = 1_800_000_000_000;
  const input = {
    callId: 'hp_1',
    digest: 'sha256:1',
    requesterKeys: ['local:agent'],
    approverGroups: ['dba'],
    terms: { stepUp: 'login', extension: null },
  } as unknown as ApprovalInput;
  const status = {
    outcome: null,
    votes: [],
    joined: [],
    extensions: [],
    expiresAtMs: nowMs + 1_000,
  } as unknown as ApprovalStatus;
  const claims = {
    callId: 'hp_1',
    digest: 'sha256:1',
    person: { keys: ['ann'], name: 'Ann' },
    groups: ['dba'],
    decision: 'approve',
    decidedAtMs: nowMs,
    proof: { method: 'login', atMs: nowMs },
    exp: nowMs / 1_000 + 60,
  } as unknown as VoteClaims;
  const check = (vote: object, on: object = {}): void =>
    checkVote(input, { status, overdue: false, nowMs, ...on }, { jws: 'signed' }, () => ({
      ...claims,
      ...vote,
    }));
  assert.doesNotThrow(() => check({}));
  for (const [type, vote, on] of [
    ['AlreadyDecided', {}, { overdue: true }],
    ['AlreadyDecided', {}, { status: { ...status, outcome: 'denied' } }],
    ['VoteExpired', { exp: nowMs / 1_000 - 1 }, {}],
    ['StepUpNeeded', { proof: null }, {}],
    ['StepUpNeeded', { proof: { method: 'login', atMs: nowMs - 3_600_000 } }, {}],
    ['ForgedVote', { callId: 'hp_2' }, {}],
    ['DigestMismatch', { digest: 'sha256:2' }, {}],
    ['SelfApproval', { person: { keys: ['x', 'local:agent'], name: 'Me' } }, {}],
    ['NotAnApprover', { groups: ['interns'] }, {}],
  ] as const)
    assert.throws(() => check(vote, on), { type }, type);
  const read = (): VoteClaims => claims;
  const on = { status, overdue: false, nowMs };
  for (const vote of [null, 'signed', {}, { jws: 7 }])
    assert.throws(() => checkVote(input, on, vote, read), { type: 'ForgedVote' });
  assert.throws(() => checkVote(input, on, { jws: 'x' }, () => null), { type: 'ForgedVote' });
});
