import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mask } from '../../cli/commands/mask.ts';

test('holdpoint mask prints a file as the named profile would have it, and findings without values', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-mask-'));
  try {
    await writeFile(join(folder, 'policy.yaml'), 'default: pass\nmasking:\n  default: { except: [email] }\n');
    await writeFile(
      join(folder, 'holdpoint.yaml'),
      'policy: policy.yaml\nconnections:\n  files: { command: ["true"] }\n',
    );
    await writeFile(join(folder, 'reply.txt'), 'alice@example.com, password: blue-Harbor-77\n');
    const run = async (...argv: string[]) => {
      const said = { out: '', err: '' };
      const code = await mask({
        argv,
        configFile: undefined,
        dataDir: undefined,
        server: undefined,
        database: false,
        env: {},
        cwd: folder,
        out: (text) => void (said.out += text),
        err: (text) => void (said.err += text),
      });
      return { code, ...said };
    };
    const text = await run('reply.txt');
    assert.deepEqual(text, { code: 0, out: 'alice@example.com, password: [masked:password]\n', err: '' });
    const found = await run('reply.txt', '--json');
    assert.match(found.out, /"detector":"password"/);
    assert.ok(!found.out.includes('blue-Harbor-77'));
    assert.equal((await run('reply.txt', '--profile', 'none')).code, 2);
    assert.equal((await run()).code, 2);
  } finally {
    await rm(folder, { recursive: true });
  }
});
