import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadConfig } from '../../cli/config/load.ts';
import { selfSigned } from '../support/saml-provider.ts';

const root = join(import.meta.dirname, '..', '..');
const { key, cert } = selfSigned();
/** What a reader of these pages has beside what a block shows. */
const beside: Readonly<Record<string, string>> = {
  agents: 'agents: { listen: 0.0.0.0:8470, publicUrl: https://holdpoint.example.com }',
  identity: 'identity: { accessTokens: {} }',
  connections: 'connections: { github: { url: https://api.githubcopilot.com/mcp/ } }',
};

for (const page of ['docs/identity.md', 'docs/credentials.md']) {
  const text = await readFile(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)];
  test(`${page} shows what to configure`, () => assert.ok(blocks.length >= 2));
  for (const { 1: block = '', index } of blocks) {
    const heading = [...text.slice(0, index).matchAll(/^#+ (.+)$/gm)].at(-1)?.[1] ?? '';
    const line = text.slice(0, index).split('\n').length;
    // Files stand in the reader's own folders.
    const placed = block.replaceAll('${file:/run/secrets/', '${file:');
    test(`the configuration under “${heading}” (${page}:${line}) loads as it stands`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdpoint-document-'));
      try {
        const shown = parse(block) as Readonly<Record<string, unknown>>;
        const more = Object.entries(beside).filter(([section]) => !(section in shown));
        await writeFile(join(folder, 'holdpoint.yaml'), [placed, ...more.map(([, yaml]) => yaml)].join('\n'));
        for (const [, name = ''] of placed.matchAll(/\$\{file:([^}]+)\}/g))
          await writeFile(join(folder, name), name.includes('key') ? key : cert);
        const names = [...block.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map(([, name = '']) => name);
        const env = Object.fromEntries(names.map((name) => [name, 'a-secret-of-the-reader']));
        const config = await loadConfig({ env, cwd: folder });
        assert.ok(config);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }
}
