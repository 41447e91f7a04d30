import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { policy } from '../../cli/command-wiring.ts';

const rules = '[[rules]]\nid = "badge"\nregex = "ACME-[0-9]{6}"\nkeywords = ["acme"]\n';

test('rule files are found beside the policy that names them, and a policy whose rule file is missing is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-rule-files-'));
  try {
    const file = join(folder, 'policy.yaml');
    await writeFile(file, 'default: pass\nmasking:\n  ruleFiles: [own.toml]\n');
    const said: string[] = [];
    const check = (): Promise<number> =>
      policy({
        argv: ['check', file],
        configFile: undefined,
        dataDir: undefined,
        server: undefined,
        database: false,
        env: {},
        cwd: tmpdir(),
        out: (text) => void said.push(text),
        err: (text) => void said.push(text),
      });
    assert.equal(await check(), 1);
    assert.match(said.join(''), /own\.toml: the file cannot be read/);
    await writeFile(join(folder, 'own.toml'), rules);
    assert.equal(await check(), 0, said.join(''));
  } finally {
    await rm(folder, { recursive: true });
  }
});
