import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsOf, policyOf } from './support.ts';

/** What is wrong, the text, and exactly what is said about it. */
const refused: readonly [string, string, readonly (string | RegExp)[]][] = [
  [
    'a policy without default',
    'rules: []\n',
    [
      'policy.yaml:1:1: default: is missing; say what happens to tool calls that no rule matches: `pass`, `deny`, or a hold',
    ],
  ],
  [
    'an empty file',
    '',
    [
      'policy.yaml:1:1: default: is missing; say what happens to tool calls that no rule matches: `pass`, `deny`, or a hold',
    ],
  ],
  ['an unknown default', 'default: allow\n', ['policy.yaml:1:10: default: must be `pass` or `deny`']],
  [
    'an unknown verdict',
    'default: deny\nrules:\n  - name: a\n    match: { tool: x }\n    then: allow\n',
    ['policy.yaml:5:11: rules[0].then: must be `pass`, `deny` or `hold`'],
  ],
  [
    'an unknown key at the top',
    'default: deny\nrule: []\n',
    ['policy.yaml:2:1: rule: unknown key; did you mean `rules`?'],
  ],
  [
    'an unknown key in a rule',
    'default: deny\nrules:\n  - name: a\n    match: { tool: x }\n    then: pass\n    timeout: 5m\n',
    ['policy.yaml:6:5: rules[0].timeout: has no meaning here; it goes with another kind of entry'],
  ],
  [
    'an unknown key in match',
    'default: deny\nrules:\n  - name: a\n    match:\n      tool: x\n      server: y\n    then: pass\n',
    ['policy.yaml:6:7: rules[0].match.server: unknown key; remove it or correct it'],
  ],
  ['a key written twice', 'default: deny\ndefault: pass\n', ['policy.yaml:2:1: this key stands here twice']],
  [
    'a tab where YAML wants spaces',
    'default: deny\nrules:\n\t- name: a\n',
    ['policy.yaml:3:1: Tabs are not allowed as indentation'],
  ],
  [
    'a connection that does not exist',
    'default: deny\nrules:\n  - name: a\n    match:\n      connection: [files, fiels]\n    then: pass\n',
    [
      'policy.yaml:5:27: rules[0].match.connection[1]: matches no connection; there is `files`, `postgres`, `github`',
    ],
  ],
  [
    'a method that does not exist',
    'default: deny\nrules:\n  - name: a\n    match: { method: tool/call }\n    then: deny\n',
    [/^policy\.yaml:4:22: rules\[0\]\.match\.method: is no MCP method; methods are `initialize`/],
  ],
  [
    'a hold of a method that cannot wait',
    'default: deny\napprovers: { dba: { people: [a@example.com] } }\nrules:\n  - name: a\n    match: { method: tools/list }\n    then: hold\n    approvers: [dba]\n',
    [
      'policy.yaml:5:22: rules[0].match.method: only `tools/call`, `resources/read`, `prompts/get` can be held',
    ],
  ],
  [
    'two rules of one name',
    'default: deny\nrules:\n  - { name: a, match: { tool: x }, then: pass }\n  - { name: a, match: { tool: y }, then: pass }\n',
    ['policy.yaml:4:13: rules[1].name: there is an earlier rule `a`; names are unique'],
  ],
  [
    'a rule called default',
    'default: deny\nrules:\n  - { name: default, match: { tool: x }, then: pass }\n',
    ['policy.yaml:3:13: rules[0].name: `default` is the name of the default verdict; choose another'],
  ],
  [
    'a rule behind one that takes everything it could match',
    'default: deny\nrules:\n  - { name: all, match: { connection: files, tool: "*" }, then: deny }\n  - { name: reads, match: { connection: files, tool: [read_*, list_*] }, then: pass }\n',
    [
      'policy.yaml:4:5: rules[1]: can never match: the earlier rule `all` matches all of it; move it up or remove it',
    ],
  ],
  [
    'a rule with neither match nor when',
    'default: deny\nrules:\n  - { name: a, then: pass }\n',
    [
      'policy.yaml:3:5: rules[0]: has neither `match` nor `when`; what applies to every tool call is the `default`',
    ],
  ],
  [
    'an empty match',
    'default: deny\nrules:\n  - { name: a, match: {}, then: pass }\n',
    ['policy.yaml:3:23: rules[0].match: must name at least one of connection, method, tool, subject, group'],
  ],
  [
    'an empty glob',
    'default: deny\nrules:\n  - { name: a, match: { tool: "" }, then: pass }\n',
    ['policy.yaml:3:31: rules[0].match.tool: must not contain an empty glob: it can never match'],
  ],
  [
    'an empty list of globs',
    'default: deny\nrules:\n  - { name: a, match: { tool: [] }, then: pass }\n',
    ['policy.yaml:3:31: rules[0].match.tool: must name at least one'],
  ],
  [
    'an approver group that does not exist',
    'default: { then: hold, approvers: [dba] }\n',
    ['policy.yaml:1:36: default.approvers[0]: there is no approver group `dba` under `approvers`'],
  ],
  [
    'an approver group that is misspelt',
    'default: { then: hold, approvers: [owenrs] }\napprovers: { owners: { people: [a@example.com] } }\n',
    [
      'policy.yaml:1:36: default.approvers[0]: there is no approver group `owenrs` under `approvers`; did you mean `owners`?',
      'policy.yaml:2:14: approvers.owners: no rule asks this group; remove it or name it in a rule',
    ],
  ],
  [
    'an approver group that nobody belongs to',
    'default: { then: hold, approvers: [dba] }\napprovers:\n  dba:\n    slackChannel: C0DBA\n',
    [
      'policy.yaml:4:5: approvers.dba: nobody belongs to this group, so nobody could ever decide; name `people`, `groups` or a `slackUserGroup` (a channel gives no right to decide without `channelMembers`)',
    ],
  ],
  [
    'an approver group that no rule asks',
    'default: deny\napprovers:\n  dba: { people: [a@example.com] }\n',
    ['policy.yaml:3:3: approvers.dba: no rule asks this group; remove it or name it in a rule'],
  ],
  [
    'more approvals than there are people',
    'default: { then: hold, approvers: [dba], approvals: 3 }\napprovers:\n  dba: { people: [a@example.com, A@example.com, b@example.com] }\n',
    [
      'policy.yaml:1:53: default.approvals: asks for 3 people, but the groups have only 2; name more people or ask for fewer',
    ],
  ],
  [
    'a Slack person that is no id',
    'default: { then: hold, approvers: [dba] }\napprovers:\n  dba: { people: ["slack:alice"] }\n',
    [
      'policy.yaml:3:19: approvers.dba.people[0]: must be `slack:TEAM/USER` with Slack ids, such as `slack:T0ACME/U0ALICE`',
    ],
  ],
  [
    'a Slack channel by name',
    'default: { then: hold, approvers: [dba] }\napprovers:\n  dba: { people: [a@example.com], slackChannel: "#dba" }\n',
    [
      'policy.yaml:3:49: approvers.dba.slackChannel: must be a Slack channel id such as `C0DBA` (not its name)',
    ],
  ],
  [
    'a masking profile that does not exist',
    'default: deny\nrules:\n  - { name: a, match: { tool: x }, then: pass, mask: strict }\n',
    ['policy.yaml:3:54: rules[0].mask: there is no masking profile `strict` under `masking`'],
  ],
  [
    'a masking profile that no rule uses',
    'default: deny\nmasking:\n  default: {}\n  detectors: []\n  strict: {}\n',
    ['policy.yaml:5:3: masking.strict: no rule masks by this profile; remove it or name it in a rule'],
  ],
  [
    'a duration that is none',
    'default: { then: hold, approvers: [dba], timeout: 30 minutes }\napprovers: { dba: { people: [a@example.com] } }\n',
    ['policy.yaml:1:51: default.timeout: must be a duration such as `30m`, `1h30m` or `2d`'],
  ],
  [
    'a duration of a century',
    'default: { then: hold, approvers: [dba], timeout: 36500d }\napprovers: { dba: { people: [a@example.com] } }\n',
    ['policy.yaml:1:51: default.timeout: must be longer than nothing and at most 366 days'],
  ],
  [
    'CEL that does not parse',
    'default: deny\nrules:\n  - name: a\n    when: call.tool ==\n    then: pass\n',
    [/^policy\.yaml:4:11: rules\[0\]\.when: does not compile as CEL: /],
  ],
  [
    'a CEL variable that does not exist',
    'default: deny\nrules:\n  - name: a\n    when: request.tool == "x"\n    then: pass\n',
    [
      'policy.yaml:4:11: rules[0].when: there is no variable `request`; there are `call`, `subject`, `session`, `now`',
    ],
  ],
  [
    'a field that does not exist',
    'default: deny\nrules:\n  - name: a\n    when: has(call.arguments.x) || subject.grups.exists(g, g == "x")\n    then: pass\n',
    [
      'policy.yaml:4:11: rules[0].when: `call` has no field `arguments`; it has `connection`, `method`, `tool`, `args`, `annotations`',
      'policy.yaml:4:11: rules[0].when: `subject` has no field `grups`; it has `id`, `issuer`, `email`, `name`, `groups`, `actor`, `actors`, `client`, `credential`, `credentialKind`, `scopes`, `acr`, `amr`, `authAgeSec`, `claims`',
    ],
  ],
  [
    'a function that does not exist',
    'default: deny\nrules:\n  - name: a\n    when: call.tool.includes("x")\n    then: pass\n',
    ['policy.yaml:4:11: rules[0].when: there is no function `includes`'],
  ],
  [
    'a regular expression that does not parse',
    'default: deny\nrules:\n  - name: a\n    when: call.tool.matches("(")\n    then: pass\n',
    [/does not compile as CEL: error parsing regexp: missing closing \)/],
  ],
  [
    'a duration in CEL that is none',
    'default: deny\nrules:\n  - name: a\n    when: now - session.startedAt > duration("8 hours")\n    then: deny\n',
    [/^policy\.yaml:4:11: rules\[0\]\.when: contains a part that always fails: /],
  ],
  [
    'a time zone that does not exist',
    'default: deny\nrules:\n  - name: a\n    when: now.getHours("Europe/Bonn-Bad-Godesberg") < 8\n    then: deny\n',
    [/^policy\.yaml:4:11: rules\[0\]\.when: contains a part that always fails: /],
  ],
  [
    'a key that means something to JavaScript',
    'default: deny\nmasking:\n  __proto__: {}\n',
    ['policy.yaml:3:3: `__proto__` cannot be used as a key'],
  ],
  [
    'a condition that is always the same',
    'default: deny\nrules:\n  - name: a\n    when: 1 == 2\n    then: pass\n',
    [
      'policy.yaml:4:11: rules[0].when: looks at nothing of the call and is always false; leave `when` out or make it depend on the call',
    ],
  ],
  [
    'a condition on a method that the rule does not speak of',
    'default: deny\nrules:\n  - name: a\n    when: call.method == "resources/read"\n    then: deny\n',
    [
      'policy.yaml:4:11: rules[0].when: looks at `call.method`, but a rule without `match.method` speaks of tools/call only; add `method` to `match`',
    ],
  ],
];
for (const [what, text, expected] of refused)
  test(`${what} is refused with file, line and remedy`, () => {
    const errors = errorsOf(text);
    assert.equal(errors.length, expected.length, errors.join('\n'));
    expected.forEach((wanted, index) => {
      const got = errors[index] ?? '';
      if (typeof wanted === 'string') assert.equal(got, wanted);
      else assert.match(got, wanted);
    });
  });

test('groups that only Slack can reach are refused where Slack is not configured', () => {
  const text =
    'default: { then: hold, approvers: [dba] }\napprovers:\n  dba:\n    slackChannel: C0DBA\n    people: [a@example.com, "slack:T0/U0"]\n';
  policyOf(text);
  policyOf(text, { slackConfigured: null });
  assert.deepEqual(errorsOf(text, { slackConfigured: false }), [
    'policy.yaml:4:19: approvers.dba.slackChannel: Slack is not configured; set `slack` in holdpoint.yaml or remove this',
    'policy.yaml:5:29: approvers.dba.people[1]: nobody can be reached through Slack: it is not configured',
  ]);
});

test('what the masking room finds wrong is placed in the policy file', () => {
  const text = 'default: deny\nmasking:\n  default:\n    detect: [secrets, nonsense]\n';
  const checkMasking = () => [{ path: ['default', 'detect', 1], message: 'no such detector' }];
  assert.deepEqual(errorsOf(text, { checkMasking }), [
    'policy.yaml:4:23: masking.default.detect[1]: no such detector',
  ]);
});

test('every problem of a file is named at once, in the order of its lines', () => {
  const errors = errorsOf(
    'default: deny\nrules:\n  - { name: a, match: { connection: nope }, then: pass }\n  - { name: a, when: "x", then: pass }\n',
  );
  assert.deepEqual(
    errors.map((line) => line.split(':', 2)[1]),
    ['3', '4', '4'],
  );
});

test('a policy of aliases that unfold without bound is refused, not unfolded', () => {
  const bomb = ['default: deny', 'masking:', '  a: &a [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 9; level++) {
    const previous = String.fromCharCode(96 + level);
    const name = String.fromCharCode(97 + level);
    bomb.push(`  ${name}: &${name} [${Array.from({ length: 9 }, () => `*${previous}`).join(', ')}]`);
  }
  assert.match(errorsOf(bomb.join('\n')).join('\n'), /alias/i);
});
