import assert from 'node:assert/strict';
import { test } from 'node:test';

import { foreseenTerms, mayBeHeld } from '../../policy/foresee.ts';
import type { Terms } from '../../policy/policy.ts';
import { inputOf, policyOf } from './support.ts';

const { caller } = inputOf({ subject: { subject: 'ann', groups: ['dev'] } });
const termsOf = (text: string, tool: string | null, connection: string): readonly Terms[] =>
  foreseenTerms(
    policyOf(text, { connections: ['db', 'files'] }),
    { connection, tool, annotations: null },
    caller,
  );
const kinds = (text: string, tool: string | null, connection = 'db'): string[] =>
  [...new Set(termsOf(text, tool, connection).map(({ ending }) => ending.kind))].toSorted();

const approvers = 'approvers: { dba: { people: [ann@example.com] } }\n';

test('a rule without a condition settles what its tools may meet; the default counts only for the rest', () => {
  const text = `${approvers}default: deny
rules:
  - { name: reads, match: { connection: db, tool: [list_*] }, then: pass }
  - { name: writes, match: { connection: db, tool: query }, then: hold, approvers: [dba] }
`;
  assert.deepEqual(kinds(text, 'list_tables'), ['pass']);
  assert.deepEqual(kinds(text, 'query'), ['hold']);
  assert.deepEqual(kinds(text, 'drop'), ['deny']);
  assert.deepEqual(kinds(text, 'query', 'files'), ['deny']);
  assert.deepEqual(kinds(text, null), ['deny', 'hold', 'pass']);
});

test('a condition on arguments may be true, false, or fail: every way counts', () => {
  const text = `${approvers}default: { then: hold, approvers: [dba] }
rules:
  - { name: drops, when: 'call.args.sql.contains("drop")', match: { tool: query }, then: deny }
  - { name: small, when: 'call.args.limit < 10', match: { tool: query }, then: pass }
`;
  assert.deepEqual(kinds(text, 'query'), ['deny', 'hold', 'pass']);
  assert.deepEqual(kinds(text, 'other'), ['hold']);
});

test('a condition that fails before a rule that always passes may hold the call', () => {
  const text = `${approvers}default: { then: hold, approvers: [dba] }
rules:
  - { name: small, when: 'call.args.limit < 10', match: { tool: query }, then: pass }
  - { name: rest, match: { tool: query }, then: pass }
`;
  assert.ok(mayBeHeld(termsOf(text, 'query', 'db')));
});

test('how long ago the caller signed in is not known beforehand, nor the time or the session', () => {
  const conditions = [
    'subject.authAgeSec > 300',
    'now > timestamp("2999-01-01T00:00:00Z")',
    'session.calls > 3',
  ];
  for (const condition of conditions)
    assert.ok(
      mayBeHeld(
        foreseenTerms(
          policyOf(
            `${approvers}default: pass\nrules:\n  - { name: old, when: '${condition}', then: hold, approvers: [dba] }\n`,
          ),
          { connection: 'files', tool: 'query', annotations: {} },
          { ...caller, proof: { kind: 'oauth', scopes: [], acr: null, amr: [], authenticatedAtMs: 0 } },
        ),
      ),
      condition,
    );
});

test('a rule for other people does not count', () => {
  const text = `default: pass
rules:
  - { name: strangers, match: { subject: bob }, then: deny }
  - { name: guests, match: { group: guests }, then: deny }
`;
  assert.deepEqual(kinds(text, 'query'), ['pass']);
});
