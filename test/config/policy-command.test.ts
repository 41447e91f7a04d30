import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { run } from '../../cli/commands/policy.ts';

/** Runs the command in a fresh folder that holds `files`. */
async function policy(t: TestContext, files: Readonly<Record<string, string>>, ...argv: string[]) {
  const cwd = await mkdtemp(join(tmpdir(), 'holdpoint-command-'));
  t.after(() => rm(cwd, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text);
  let out = '';
  let err = '';
  const code = await run(argv, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    env: {},
    configFile: undefined,
    dataDir: undefined,
    cwd,
    checkMasking: () => [],
  });
  return { code, out, err: err.replaceAll(cwd, '/srv') };
}

const files = {
  'policy.yaml': 'default: deny\nrules:\n  - { name: reads, match: { tool: read_* }, then: pass }\n',
  'wrong.yaml': 'default: deny\nrules:\n  - { name: reads, match: { connection: nope }, then: psas }\n',
};

test('check says that a policy is fine, and which', async (t) => {
  const { code, out } = await policy(t, files, 'check', 'policy.yaml');
  assert.equal(code, 0);
  assert.match(out, /^policy\.yaml: fine; 1 rule, version sha256:[0-9a-f]{64}\n$/);
  const json = await policy(t, files, 'check', 'policy.yaml', '--json');
  const { version, ...rest } = JSON.parse(json.out) as Record<string, unknown>;
  assert.deepEqual(rest, { ok: true, file: 'policy.yaml', rules: ['reads'] });
  assert.match(String(version), /^sha256:/);
});

test('check names what is wrong on standard error, or as JSON', async (t) => {
  const { code, out, err } = await policy(t, files, 'check', 'wrong.yaml');
  assert.deepEqual([code, out], [1, '']);
  assert.equal(err, 'wrong.yaml:3:55: rules[0].then: must be `pass`, `deny` or `hold`\n');
  const json = await policy(t, files, 'check', 'wrong.yaml', '--json');
  assert.equal(json.code, 1);
  assert.deepEqual(JSON.parse(json.out), {
    ok: false,
    errors: [
      {
        file: 'wrong.yaml',
        line: 3,
        column: 55,
        path: 'rules[0].then',
        message: 'must be `pass`, `deny` or `hold`',
      },
    ],
  });
});

test('check without a file looks at the configured policy and its connections', async (t) => {
  const config = 'connections: { files: { command: [x] } }\npolicy: mine.yaml\n';
  const mine = 'default: deny\nrules:\n  - { name: a, match: { connection: other }, then: pass }\n';
  const { code, err } = await policy(t, { 'holdpoint.yaml': config, 'mine.yaml': mine }, 'check');
  assert.equal(code, 1);
  assert.equal(
    err,
    '/srv/mine.yaml:3:37: rules[0].match.connection: matches no connection; there is `files`\n',
  );
  const missing = await policy(t, { 'holdpoint.yaml': config }, 'check');
  assert.deepEqual(
    [missing.code, missing.err],
    [
      1,
      '/srv/mine.yaml: the policy cannot be read (ENOENT); create the file, or name another under `policy` in holdpoint.yaml\n',
    ],
  );
  const broken = await policy(t, { 'holdpoint.yaml': 'polcy: x\n' }, 'check');
  assert.deepEqual(
    [broken.code, broken.err],
    [1, 'holdpoint.yaml:1: polcy: unknown key; did you mean `policy`?\n'],
  );
});

const cases = `cases:
  - name: reading passes
    call: { connection: files, tool: read_file }
    expect: { verdict: pass, rule: reads }
  - name: writing is held
    call: { connection: files, tool: write_file, args: { path: /x } }
    expect: { verdict: hold, rule: writes, risk: high }
`;

test('test shows what was expected and what came, with the line of the case', async (t) => {
  const { code, out } = await policy(
    t,
    { ...files, 'cases.yaml': cases },
    'test',
    'cases.yaml',
    '--policy',
    'policy.yaml',
  );
  assert.equal(code, 1);
  assert.equal(
    out.replace(/sha256:[0-9a-f]{64}/, 'VERSION'),
    `  ok      reading passes  (pass, reads)
  FAILED  writing is held  (cases.yaml:5)
            verdict:
              - hold
              + deny
            rule:
              - writes
              + default
            risk:
              - high
              + low

1 of 2 failed (- expected, + actual); policy VERSION
`,
  );
});

test('test succeeds when every verdict is as expected', async (t) => {
  const good = cases.slice(0, cases.indexOf('  - name: writing'));
  const { code, out } = await policy(
    t,
    { ...files, 'cases.yaml': good },
    'test',
    'cases.yaml',
    '--policy',
    'policy.yaml',
    '--json',
  );
  assert.equal(code, 0);
  const { results, ok } = JSON.parse(out) as { results: unknown; ok: boolean };
  assert.ok(ok);
  assert.deepEqual(results, [
    { name: 'reading passes', line: 2, rule: 'reads', verdict: 'pass', differences: [] },
  ]);
});

test('wrong cases are refused with file and line', async (t) => {
  const wrong =
    'cases:\n  - name: a\n    call: { connection: files, tol: x }\n    expect: { verdict: allow }\n';
  const { code, err } = await policy(
    t,
    { ...files, 'c.yaml': wrong },
    'test',
    'c.yaml',
    '--policy',
    'policy.yaml',
  );
  assert.equal(code, 1);
  assert.equal(
    err,
    'c.yaml:3:32: cases[0].call.tol: unknown key; did you mean `tool`?\nc.yaml:4:24: cases[0].expect.verdict: must be `pass`, `deny` or `hold`\n',
  );
  const missing = await policy(t, files, 'test', 'no.yaml', '--policy', 'policy.yaml');
  assert.deepEqual([missing.code, missing.err], [1, 'no.yaml: the cases cannot be read (ENOENT)\n']);
});

test('usage errors exit with 2 and say how it is used', async (t) => {
  for (const argv of [
    [],
    ['chekc'],
    ['check', 'a', 'b'],
    ['check', '--nope'],
    ['test'],
    ['check', 'x', '--policy', 'y'],
  ]) {
    const { code, err } = await policy(t, {}, ...argv);
    assert.equal(code, 2, argv.join(' '));
    assert.match(err, /Usage:/);
  }
  const help = await policy(t, {}, '--help');
  assert.deepEqual([help.code, help.err], [0, '']);
  assert.match(help.out, /^Usage:/);
});
