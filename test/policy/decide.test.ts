import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noOffers } from '../../policy/offers.ts';
import { decide } from '../../policy/decide.ts';
import { inputOf, policyOf } from './support.ts';

const people = 'approvers: { dba: { people: [a@example.com, b@example.com], slackChannel: C0DBA } }\n';

test('the first matching rule wins, and names itself and the policy version', () => {
  const policy = policyOf(
    'default: deny\nrules:\n  - { name: first, match: { tool: read_file }, then: pass }\n  - { name: second, match: { tool: read_* }, then: deny }\n',
  );
  assert.deepEqual(decide(policy, inputOf()), {
    kind: 'pass',
    rule: 'first',
    policyVersion: policy.version,
    risk: 'low',
    maskProfile: 'default',
    askIntent: false,
    reason: null,
  });
  assert.equal(decide(policy, inputOf({ tool: 'read_all' })).rule, 'second');
  assert.equal(decide(policy, inputOf({ tool: 'write' })).rule, 'default');
});

test('a hold carries everything that asking people needs', () => {
  const policy = policyOf(
    `default: deny\n${people}rules:\n  - name: w\n    match: { connection: files, tool: write_* }\n    then: hold\n    risk: critical\n    reason: Careful.\n    approvers: [dba]\n    approvals: 2\n    timeout: 1h30m\n    onDisconnect: run\n`,
  );
  assert.deepEqual(decide(policy, inputOf({ tool: 'write_file' })), {
    kind: 'hold',
    approvers: [
      {
        name: 'dba',
        slackChannel: 'C0DBA',
        fallbackChannel: null,
        channelMembers: false,
        slackUserGroup: null,
        people: ['a@example.com', 'b@example.com'],
        groups: [],
      },
    ],
    approvalsNeeded: 2,
    quorum: { kind: 'together', approvals: 2 },
    timeoutMs: 5_400_000,
    remindersMs: [2_700_000],
    escalation: [],
    extension: null,
    stepUp: null,
    onSlackOutage: 'continue',
    onDisconnect: 'run',
    offers: noOffers,
    rule: 'w',
    policyVersion: policy.version,
    risk: 'critical',
    maskProfile: 'default',
    askIntent: false,
    reason: 'Careful.',
  });
});

test('a hold that says little waits half an hour for one person and keeps the request when its client goes', () => {
  const policy = policyOf(`default: { then: hold, approvers: [dba] }\n${people}`);
  const verdict = decide(policy, inputOf());
  assert.ok(verdict.kind === 'hold');
  assert.deepEqual(
    [verdict.approvalsNeeded, verdict.timeoutMs, verdict.onDisconnect, verdict.risk],
    [1, 1_800_000, 'keep', 'medium'],
  );
});

test('rules and the default speak of tool calls; other requests pass unless a rule names their method', () => {
  const policy = policyOf(
    'default: deny\nrules:\n  - { name: any-tool, match: { tool: "*" }, then: deny }\n  - { name: secrets, match: { method: resources/read, tool: "file:///secret/*" }, then: deny }\n',
  );
  assert.equal(decide(policy, inputOf()).rule, 'any-tool');
  const read = decide(policy, inputOf({ method: 'resources/read', tool: 'file:///public/a' }));
  assert.deepEqual([read.kind, read.rule], ['pass', 'default']);
  assert.equal(
    decide(policy, inputOf({ method: 'resources/read', tool: 'file:///secret/a' })).rule,
    'secrets',
  );
  assert.equal(decide(policy, inputOf({ method: 'tools/list', tool: '' })).kind, 'pass');
});

test('match looks at connection, subject and groups, and all of what it names must match', () => {
  const policy = policyOf(
    'default: deny\nrules:\n  - { name: r, match: { connection: [git*, files], tool: "get_?", subject: "svc-*", group: [ops, dev-*] }, then: pass }\n',
  );
  const fits = { connection: 'github', tool: 'get_x', subject: { subject: 'svc-1', groups: ['x', 'dev-a'] } };
  assert.equal(decide(policy, inputOf(fits)).kind, 'pass');
  assert.equal(decide(policy, inputOf({ ...fits, connection: 'postgres' })).kind, 'deny');
  assert.equal(decide(policy, inputOf({ ...fits, tool: 'get_xy' })).kind, 'deny');
  assert.equal(decide(policy, inputOf({ ...fits, tool: 'GET_x' })).kind, 'deny');
  assert.equal(
    decide(policy, inputOf({ ...fits, subject: { subject: 'bob', groups: ['ops'] } })).kind,
    'deny',
  );
  assert.equal(decide(policy, inputOf({ ...fits, subject: { subject: 'svc-1', groups: [] } })).kind, 'deny');
});

/** CEL that people write, a call that it is true for, and one that it is false for. */
const conditions: readonly [string, Parameters<typeof inputOf>[0], Parameters<typeof inputOf>[0]][] = [
  [
    'call.args.sql.matches("(?i)\\\\bdrop\\\\s+(table|database)\\\\b")',
    { args: { sql: 'DROP  TABLE x' } },
    { args: { sql: 'select dropped from tables' } },
  ],
  [
    'call.args.path.startsWith("/etc/") || call.args.path.endsWith(".pem")',
    { args: { path: '/etc/passwd' } },
    { args: { path: '/tmp/x' } },
  ],
  ['call.args.path.contains("..")', { args: { path: 'a/../b' } }, { args: { path: 'a/b' } }],
  ['has(call.args.force) && call.args.force', { args: { force: true } }, { args: {} }],
  ['"force" in call.args', { args: { force: null } }, { args: {} }],
  ['call.args.limit > 100', { args: { limit: 101 } }, { args: { limit: 100 } }],
  ['call.args.limit == 5', { args: { limit: 5 } }, { args: { limit: 5.5 } }],
  ['size(call.args.ids) > 2', { args: { ids: [1, 2, 3] } }, { args: { ids: [1] } }],
  ['call.args.ids.exists(id, id == 7)', { args: { ids: [1, 7] } }, { args: { ids: [] } }],
  [
    'call.args.to.all(a, a.endsWith("@example.com"))',
    { args: { to: ['x@example.com'] } },
    { args: { to: ['x@example.com', 'y@evil.example'] } },
  ],
  [
    'call.args.rows.filter(r, r.delete == true).size() > 0',
    { args: { rows: [{ delete: true }] } },
    { args: { rows: [{ delete: false }] } },
  ],
  ['call.args.sql.lowerAscii().split(";").size() > 1', { args: { sql: 'a;b' } }, { args: { sql: 'a' } }],
  [
    'call.args.deep["odd key"][0].x == null',
    { args: { deep: { 'odd key': [{ x: null }] } } },
    { args: { deep: { 'odd key': [{ x: 1 }] } } },
  ],
  ['call.tool in ["a", "b"]', { tool: 'b' }, { tool: 'c' }],
  [
    'call.annotations.destructiveHint == true',
    { annotations: { destructiveHint: true } },
    { annotations: { destructiveHint: false } },
  ],
  ['"dba" in subject.groups', { subject: { groups: ['dba'] } }, { subject: { groups: ['dbas'] } }],
  [
    'subject.groups.exists(g, g.startsWith("team-"))',
    { subject: { groups: ['team-x'] } },
    { subject: { groups: [] } },
  ],
  [
    'subject.email != null && subject.email.endsWith("@example.com")',
    { subject: { email: 'a@example.com' } },
    {},
  ],
  ['subject.id == "local-agent"', {}, { subject: { subject: 'x' } }],
  ['subject.actor == "bot"', { subject: { actors: ['bot', 'x'] } }, {}],
  [
    'subject.claims.acr == "mfa"',
    { subject: { claims: { acr: 'mfa' } } },
    { subject: { claims: { acr: 'pwd' } } },
  ],
  ['session.calls > 50', { calls: 51 }, { calls: 50 }],
  [
    'now - session.startedAt > duration("8h")',
    { now: '2026-06-01T17:01:00Z' },
    { now: '2026-06-01T16:59:00Z' },
  ],
  [
    'now.getDayOfWeek("Europe/Berlin") in [0, 6]',
    { now: '2026-06-06T10:00:00Z' },
    { now: '2026-06-05T10:00:00Z' },
  ],
  [
    'now.getHours("Europe/Berlin") < 8 || now.getHours("Europe/Berlin") >= 18',
    { now: '2026-06-01T16:00:00Z' },
    { now: '2026-06-01T06:00:00Z' },
  ],
  ['now > timestamp("2026-06-01T00:00:00Z")', {}, { now: '2026-05-31T00:00:00Z' }],
  ['type(call.args) == null_type', { args: null }, { args: {} }],
];
for (const [text, yes, no] of conditions)
  test(`a rule can say: ${text}`, () => {
    const policy = policyOf(
      `default: pass\nrules:\n  - name: r\n    when: ${JSON.stringify(text)}\n    then: deny\n    reason: Because.\n`,
    );
    const matched = decide(policy, inputOf(yes));
    assert.deepEqual([matched.kind, matched.reason], ['deny', 'Because.']);
    assert.equal(decide(policy, inputOf(no)).kind, 'pass');
  });

test('a deny or hold whose condition cannot be evaluated applies, and says that it could not', () => {
  const policy = policyOf(
    `default: pass\n${people}rules:\n  - name: big\n    match: { tool: a }\n    when: call.args.n > 5\n    then: deny\n    reason: Too big.\n  - name: odd\n    match: { tool: b }\n    when: call.args.n + 1 == 2\n    then: hold\n    approvers: [dba]\n`,
  );
  const denied = decide(policy, inputOf({ tool: 'a', args: {} }));
  assert.deepEqual([denied.kind, denied.rule], ['deny', 'big']);
  assert.equal(denied.reason, 'Too big. Rule `big` could not be evaluated: the call has no `n`.');
  const held = decide(policy, inputOf({ tool: 'b', args: { n: 1 } }));
  assert.deepEqual([held.kind, held.rule], ['hold', 'odd']);
  assert.equal(held.reason, 'Rule `odd` could not be evaluated: `_+_` cannot be applied to (double, int).');
});

test('a pass whose condition cannot be evaluated passes nothing, nor does anything after it', () => {
  const rules =
    'rules:\n  - { name: dry, match: { tool: a }, when: call.args.dryRun, then: pass }\n  - { name: no, match: { tool: a }, when: \'call.args.x == "no"\', then: deny }\n  - { name: rest, match: { tool: "*" }, then: pass }\n';
  const open = policyOf(`default: pass\n${rules}`);
  assert.equal(decide(open, inputOf({ tool: 'a', args: { dryRun: false, x: 'y' } })).rule, 'rest');
  const failed = decide(open, inputOf({ tool: 'a', args: { x: 'y' } }));
  assert.deepEqual(
    [failed.kind, failed.rule, failed.reason],
    ['deny', 'dry', 'Rule `dry` could not be evaluated: the call has no `dryRun`.'],
  );
  assert.equal(decide(open, inputOf({ tool: 'a', args: { x: 'no' } })).rule, 'no');
  const asking = policyOf(`default: { then: hold, approvers: [dba], risk: high }\n${people}${rules}`);
  const held = decide(asking, inputOf({ tool: 'a', args: { x: 'y' } }));
  assert.deepEqual([held.kind, held.rule, held.risk], ['hold', 'dry', 'high']);
});

test('a condition that gives no true or false fails closed', () => {
  const policy = policyOf('default: pass\nrules:\n  - { name: r, when: call.args.x, then: pass }\n');
  for (const x of [1, 'true', [], {}, null])
    assert.equal(decide(policy, inputOf({ args: { x } })).kind, 'deny');
  assert.equal(decide(policy, inputOf({ args: { x: true } })).kind, 'pass');
});

test('arguments cannot pose as something else: constructor, __proto__ and toString are keys like any other', () => {
  const policy = policyOf(
    'default: pass\nrules:\n  - { name: r, when: has(call.args.constructor) || has(call.args.toString) || has(call.args.__proto__), then: deny }\n',
  );
  assert.equal(decide(policy, inputOf({ args: {} })).kind, 'pass');
  for (const json of [
    '{"constructor":{"name":"Object"}}',
    '{"toString":1}',
    '{"__proto__":{"x":1}}',
    '{"constructor":null}',
  ]) {
    const verdict = decide(policy, inputOf({ args: JSON.parse(json) as unknown }));
    assert.deepEqual([verdict.kind, verdict.reason], ['deny', null], json);
  }
});

test('no error text carries a value of the call', () => {
  const canary = 'canary-4711';
  const texts = [
    'int(call.args.x) == 1',
    'call.args[call.args.x] == 1',
    'timestamp(call.args.x) > now',
    '"a".matches(call.args.x + "(")',
    'duration(call.args.x) > duration("1s")',
    '{"a": 1}[call.args.x] == 1',
  ];
  for (const text of texts) {
    const policy = policyOf(
      `default: pass\nrules:\n  - { name: r, when: ${JSON.stringify(text)}, then: deny }\n`,
    );
    const verdict = decide(policy, inputOf({ args: { x: canary } }));
    assert.equal(verdict.kind, 'deny', text);
    assert.ok(!JSON.stringify(verdict).includes(canary), text);
  }
});

test('nested loops over hostile arguments end, and fail closed', () => {
  const policy = policyOf(
    'default: pass\nrules:\n  - { name: r, when: "call.args.l.exists(a, call.args.l.exists(b, a == b + 0.5))", then: deny }\n',
  );
  const verdict = decide(
    policy,
    inputOf({ args: { l: Array.from({ length: 50_000 }, (_, index) => index) } }),
  );
  assert.equal(verdict.kind, 'deny');
});

test('a regular expression takes linear time whatever is fed to it', () => {
  const policy = policyOf(
    'default: pass\nrules:\n  - { name: r, when: \'call.args.x.matches("^(a+)+$")\', then: deny }\n',
  );
  assert.equal(decide(policy, inputOf({ args: { x: `${'a'.repeat(50_000)}!` } })).kind, 'pass');
});

test('the version changes with what the policy says and with nothing else', () => {
  const base = policyOf('default: deny\nrules:\n  - { name: a, match: { tool: x }, then: pass }\n').version;
  const spelled = policyOf(
    '# comment\n"default": "deny"\nrules:\n  - then: pass\n    name: a\n    match:\n      tool: x\n',
  ).version;
  assert.equal(base, spelled);
  assert.match(base, /^sha256:[0-9a-f]{64}$/);
  assert.notEqual(
    base,
    policyOf('default: deny\nrules:\n  - { name: a, match: { tool: xx }, then: pass }\n').version,
  );
  assert.notEqual(
    base,
    policyOf(
      'default: deny\nmasking: { default: {} }\nrules:\n  - { name: a, match: { tool: x }, then: pass }\n',
    ).version,
  );
});

test('a failed pass rule keeps requests other than tool calls from passing too', () => {
  const policy = policyOf(
    'default: pass\nrules:\n  - { name: r, match: { method: resources/read }, when: subject.claims.level == "high", then: pass }\n',
  );
  const asked = inputOf({ method: 'resources/read', tool: 'file:///x' });
  assert.deepEqual([decide(policy, asked).kind, decide(policy, asked).rule], ['deny', 'r']);
  assert.equal(decide(policy, inputOf({ method: 'resources/list', tool: '' })).kind, 'pass');
});

test('the masking profile is the one that the rule names, or the default names', () => {
  const policy = policyOf(
    'default: { then: pass, mask: light }\nmasking: { light: {}, strict: {} }\nrules:\n  - { name: r, match: { tool: a }, then: pass, mask: strict }\n',
  );
  assert.equal(decide(policy, inputOf({ tool: 'a' })).maskProfile, 'strict');
  assert.equal(decide(policy, inputOf({ tool: 'b' })).maskProfile, 'light');
  assert.equal(decide(policy, inputOf({ method: 'tools/list', tool: '' })).maskProfile, 'light');
});

test('policy sees arguments as they were sent, and changes nothing of them', () => {
  const policy = policyOf(
    'default: pass\nrules:\n  - { name: r, when: "call.args.a.map(x, x + 1.0).exists(x, x == 3.0)", then: deny }\n',
  );
  const args = Object.freeze({ a: Object.freeze([1, 2]) });
  assert.equal(decide(policy, inputOf({ args })).kind, 'deny');
});
