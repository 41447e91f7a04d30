import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ConfigError } from '../../cli/config/config-error.ts';
import { recordPolicy } from '../../cli/roles/record-policy.ts';
import { loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { openPolicyFile, type PolicyFileHandle } from '../../cli/policy-file.ts';

const surroundings = { connections: ['files'], slackConfigured: null, checkMasking: () => [] };

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'holdpoint-policy-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** Keeps what is logged, and lets a test wait for the next line. */
function listen() {
  const lines: { level: string; message: string }[] = [];
  const waiting: (() => void)[] = [];
  const add = (level: string) => (_: object, message: string) => {
    lines.push({ level, message });
    for (const wake of waiting.splice(0)) wake();
  };
  return {
    lines,
    log: { info: add('info'), error: add('error') },
    next: (count: number) =>
      new Promise<void>((resolve) => {
        const check = (): void => void (lines.length >= count ? resolve() : waiting.push(check));
        check();
      }),
  };
}

async function open(
  t: TestContext,
  file: string,
  log: ReturnType<typeof listen>['log'],
): Promise<PolicyFileHandle> {
  const handle = await openPolicyFile(file, { ...surroundings, log });
  t.after(() => handle.close());
  return handle;
}

test('a changed policy is in force without a restart, however an editor writes it', {
  timeout: 30_000,
}, async (t) => {
  const dir = await folder(t);
  const file = join(dir, 'policy.yaml');
  await writeFile(file, 'default: deny\n');
  const heard = listen();
  const handle = await open(t, file, heard.log);
  const versions: string[] = [];
  handle.onChange(({ version }) => versions.push(version));
  const first = handle.current();
  assert.equal(first.default.ending.kind, 'deny');

  await writeFile(file, 'default: pass\n');
  await heard.next(1);
  assert.equal(handle.current().default.ending.kind, 'pass');

  await writeFile(join(dir, '.policy.yaml.swp'), 'default: deny\n');
  await rename(join(dir, '.policy.yaml.swp'), file);
  await heard.next(2);
  assert.equal(handle.current().version, first.version);
  assert.equal(versions.length, 2);
  assert.deepEqual(
    heard.lines.map(({ level }) => level),
    ['info', 'info'],
  );
});

test('the text of a changed policy is recorded before it is in force; what cannot be recorded is not in force, until it can', {
  timeout: 30_000,
}, async (t) => {
  const dir = await folder(t);
  const file = join(dir, 'policy.yaml');
  await writeFile(file, 'default: deny\n');
  const heard = listen();
  const handle = await open(t, file, heard.log);
  const recorded: { said: unknown; inForce: string; version: string | null }[] = [];
  let refused = false;
  const recorder = {
    async append(_: unknown, { bytes, policyVersion }: { bytes: unknown; policyVersion: string | null }) {
      if (refused) throw new Error('the recording cannot be written now');
      const said: unknown = JSON.parse(String(bytes));
      recorded.push({ said, inForce: handle.current().version, version: policyVersion });
    },
  };
  const rules = { ...handle, policy: () => handle.current(), policyText: () => handle.text() };
  const masker = createMaskingEngine(loadMaskingConfig({})).masker('default');
  await recordPolicy(rules, { recorder: recorder as never, masker: () => masker, replica: 'r' });
  const first = handle.current().version;
  refused = true;
  await writeFile(file, 'default: pass\n');
  await heard.next(1);
  assert.match(heard.lines[0]?.message ?? '', /cannot be put in force yet/);
  assert.equal(handle.current().version, first);
  refused = false;
  for (let n = heard.lines.length; handle.current().version === first; n += 1) await heard.next(n + 1);
  const second = handle.current().version;
  assert.deepEqual(
    recorded.map(({ inForce, version }) => [inForce, version]),
    [
      [first, first],
      [first, second],
    ],
  );
  assert.deepEqual(recorded[1]?.said, {
    act: 'policy.inForce',
    version: second,
    replica: 'r',
    text: 'default: pass\n',
  });
});

test('a wrong change keeps the policy in force and says file, line and reason', {
  timeout: 30_000,
}, async (t) => {
  const dir = await folder(t);
  const file = join(dir, 'policy.yaml');
  await writeFile(file, 'default: deny\n');
  const heard = listen();
  const handle = await open(t, file, heard.log);
  const first = handle.current();
  await writeFile(file, 'default: deny\nrules:\n  - { name: a, match: { connection: nope }, then: pass }\n');
  await heard.next(1);
  assert.equal(handle.current(), first);
  assert.equal(heard.lines[0]?.level, 'error');
  assert.match(
    heard.lines[0]?.message ?? '',
    /policy\.yaml:3: rules\[0\]\.match\.connection: matches no connection/,
  );
  await unlink(file);
  await heard.next(2);
  assert.equal(handle.current(), first);
  await writeFile(file, 'default: pass\n');
  await heard.next(3);
  assert.equal(handle.current().default.ending.kind, 'pass');
});

test('a policy behind a swapped symbolic link is followed, as config maps need it', {
  timeout: 30_000,
}, async (t) => {
  const dir = await folder(t);
  await writeFile(join(dir, 'v1.yaml'), 'default: deny\n');
  await writeFile(join(dir, 'v2.yaml'), 'default: pass\n');
  const file = join(dir, 'policy.yaml');
  await symlink('v1.yaml', file);
  const heard = listen();
  const handle = await open(t, file, heard.log);
  await symlink('v2.yaml', join(dir, 'next'));
  await rename(join(dir, 'next'), file);
  await heard.next(1);
  assert.equal(handle.current().default.ending.kind, 'pass');
});

test('a change that means the same is no change', { timeout: 30_000 }, async (t) => {
  const dir = await folder(t);
  const file = join(dir, 'policy.yaml');
  await writeFile(file, 'default: deny\n');
  const heard = listen();
  const handle = await open(t, file, heard.log);
  const first = handle.current();
  await writeFile(file, '# only a comment\ndefault: deny\n');
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(handle.current(), first);
  assert.deepEqual(heard.lines, []);
});

test('nothing starts on a policy that is wrong or missing', async (t) => {
  const dir = await folder(t);
  const file = join(dir, 'policy.yaml');
  const { log } = listen();
  await assert.rejects(openPolicyFile(file, { ...surroundings, log }), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /policy\.yaml: the policy cannot be read \(ENOENT\); create the file/);
    return true;
  });
  await writeFile(file, 'default: allow\n');
  await assert.rejects(
    openPolicyFile(file, { ...surroundings, log }),
    /policy\.yaml:1: default: must be `pass` or `deny`/,
  );
});
