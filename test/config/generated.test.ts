import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { environmentSettings } from '../../cli/config/environment.ts';
import { generatedDocs } from '../../cli/config/generate-docs.ts';
import { jsonSchemas } from '../../cli/config/json-schemas.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { settingsReference } from '../../cli/config/reference.ts';

const root = join(import.meta.dirname, '../..');

for (const [name, text] of Object.entries(await generatedDocs()))
  test(`docs/${name} is what the program checks with (else: node cli/config/generate-docs.ts)`, async () => {
    assert.equal(await readFile(join(root, 'docs', name), 'utf8'), text);
  });

test('every setting says what it means', () => {
  for (const line of settingsReference().split('\n'))
    if (line.startsWith('| `')) assert.doesNotMatch(line, /\| +\|$/, line);
});

test('editors find the starter policy right and a wrong one wrong', async () => {
  const schema = JSON.parse(jsonSchemas()['policy.schema.json'] ?? '') as object;
  const valid = new Ajv2020({ strict: false }).compile(schema);
  assert.ok(
    valid(parse(await readFile(join(root, 'cli/starter/policy.yaml'), 'utf8'))),
    JSON.stringify(valid.errors),
  );
  assert.ok(!valid({ default: 'allow' }));
  const holdKeyOnPass = 'default: deny\nrules: [{ name: a, match: { tool: x }, then: pass, timeout: 5m }]';
  assert.ok(!valid(parse(holdKeyOnPass)));
});

test('every setting has a variable of its own', () => {
  const variables = environmentSettings().map(({ variable }) => variable);
  assert.equal(new Set(variables).size, variables.length);
  for (const expected of [
    'HOLDPOINT_AGENTS_PUBLIC_URL',
    'HOLDPOINT_TEMPORAL_API_KEY',
    'HOLDPOINT_KEYS_VOTES_PRIVATE_KEY',
    'HOLDPOINT_POLICY',
  ])
    assert.ok(variables.includes(expected), expected);
});

const page = await readFile(join(root, 'docs/configuration.md'), 'utf8');
const examples = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text]) => text ?? '');
for (const [index, text] of examples.entries())
  test(`example ${index + 1} of docs/configuration.md is accepted as it stands`, async (t) => {
    const cwd = await mkdtemp(join(tmpdir(), 'holdpoint-docs-'));
    t.after(() => rm(cwd, { recursive: true }));
    await writeFile(join(cwd, 'holdpoint.yaml'), text);
    for (const [, name = ''] of text.matchAll(/\$\{file:([^}]+)\}/g)) {
      await mkdir(dirname(join(cwd, name)), { recursive: true });
      await writeFile(join(cwd, name), secretFor(name));
    }
    const names = [...text.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name = '']) => name);
    await loadConfig({ env: Object.fromEntries(names.map((name) => [name, secretFor(name)])), cwd });
  });

/** Something of the right shape for the place where the page uses it. */
function secretFor(name: string): string {
  if (name.includes('BOT')) return 'xoxb-1';
  if (name.includes('APP')) return 'xapp-1';
  if (name.includes('database')) return 'postgres://u:p@db/holdpoint';
  return randomBytes(32).toString('base64url');
}
