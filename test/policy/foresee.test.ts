import assert from 'node:assert/strict';
import { test } from 'node:test';

import { foresee } from '../../policy/foresee.ts';
import { policyOf } from './support.ts';

const caller = { subject: 'ann', groups: ['dev'] };
const kinds = (text: string, tool: string | null, connection = 'db', method = 'tools/call'): string[] =>
  [
    ...foresee(policyOf(text, { connections: ['db', 'files'] }), { connection, method, tool, caller }),
  ].toSorted();

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
  assert.deepEqual(kinds(text, '', 'db', 'prompts/list'), ['pass']);
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

test('a rule for other people does not count', () => {
  const text = `default: pass
rules:
  - { name: strangers, match: { subject: bob }, then: deny }
  - { name: guests, match: { group: guests }, then: deny }
`;
  assert.deepEqual(kinds(text, 'query'), ['pass']);
});
