import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionModeOf } from '../../policy/definitions.ts';
import { foreseenTerms, neverUsable } from '../../policy/foresee.ts';
import type { Policy } from '../../policy/policy.ts';
import { errorsOf, inputOf, policyOf } from './support.ts';

const approvers = 'approvers: { sec: { people: [ann@example.com] }, dba: { people: [bob@example.com] } }\n';
const holds = `default: { then: hold, approvers: [dba] }\n${approvers.replace(' sec: { people: [ann@example.com] },', '')}`;

test('left out, definitions are trusted on first use where somebody could accept a change, else open', () => {
  assert.equal(definitionModeOf(policyOf(holds).definitions, 'files'), 'trust-on-first-use');
  assert.equal(definitionModeOf(policyOf('default: pass\n').definitions, 'files'), 'open');
});

test('a connection has the mode that is written for it, and every other one the common mode', () => {
  const { definitions } = policyOf(
    `${holds.replace('approvers: {', 'approvers: { sec: { people: [ann@example.com] },')}definitions: { mode: approve, approvers: [sec], connections: { github: open } }\n`,
  );
  assert.equal(definitionModeOf(definitions, 'files'), 'approve');
  assert.equal(definitionModeOf(definitions, 'github'), 'open');
  assert.deepEqual(
    definitions.approvers.map(({ name }) => name),
    ['sec'],
  );
});

test('definitions that nobody could accept, or that name what does not exist, are refused with their line', () => {
  assert.deepEqual(errorsOf('default: pass\ndefinitions: approve\n'), [
    'policy.yaml:2:14: definitions: nobody could ever accept a definition: there are no `approvers`; name a group, or set `open`',
  ]);
  assert.deepEqual(errorsOf(`${holds}definitions: { approvers: [dbs], connections: { fils: open } }\n`), [
    'policy.yaml:3:28: definitions.approvers[0]: there is no approver group `dbs` under `approvers`; did you mean `dba`?',
    'policy.yaml:3:49: definitions.connections.fils: there is no connection `fils`; did you mean `files`?',
  ]);
  assert.match(errorsOf(`${holds}definitions: trust\n`).join(), /trust-on-first-use/);
});

test('an intent is asked for tool calls only', () => {
  assert.deepEqual(
    errorsOf(
      'default: pass\nrules:\n  - name: a\n    match: { method: resources/read }\n    then: pass\n    askIntent: true\n',
    ),
    [
      'policy.yaml:6:16: rules[0].askIntent: only tools/call can be asked for an intent; remove it or let the rule match that method',
    ],
  );
});

const never = (policy: Policy, tool: string, annotations = {}, groups: string[] = []): boolean => {
  const { caller } = inputOf({ subject: { groups } });
  return neverUsable(foreseenTerms(policy, { connection: 'files', tool, annotations }, caller));
};

test('a tool that a caller can never use is known without arguments, and one that may be used is never taken for it', () => {
  const policy = policyOf(`default: deny
rules:
  - { name: admins, match: { tool: wipe, group: admins }, then: pass }
  - { name: reads, match: { tool: "read_*" }, then: pass }
  - { name: args, when: 'call.tool == "query" && call.args.sql == "select 1"', then: pass }
  - { name: now, when: 'call.tool == "clock" && now > timestamp("2026-01-01T00:00:00Z")', then: pass }
  - { name: calls, when: 'call.tool == "once" && session.calls < 2', then: pass }
  - { name: safe, when: 'call.annotations.readOnlyHint == true', then: pass }
`);
  assert.equal(never(policy, 'wipe', { readOnlyHint: false }), true);
  assert.equal(never(policy, 'wipe', {}, ['admins']), false);
  assert.equal(never(policy, 'read_file'), false);
  assert.equal(never(policy, 'query', { readOnlyHint: false }), false);
  assert.equal(never(policy, 'clock', { readOnlyHint: false }), false);
  assert.equal(never(policy, 'once', { readOnlyHint: false }), false);
  assert.equal(never(policy, 'other', { readOnlyHint: true }), false);
  assert.equal(never(policy, 'other', { readOnlyHint: false }), true);
});

test('a deny that depends on the arguments keeps the tool, and one before it that does not takes it away', () => {
  const policy = policyOf(`default: pass
rules:
  - { name: drop, when: 'call.args.sql.contains("drop")', then: deny }
  - { name: shell, match: { tool: shell }, then: deny }
`);
  assert.equal(never(policy, 'query'), false);
  assert.equal(never(policy, 'shell'), true);
});
