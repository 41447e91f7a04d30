import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import type { Quorum } from '../../policy/verdict.ts';
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
