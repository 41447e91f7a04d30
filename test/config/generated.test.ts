import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { environmentSettings } from '../../cli/config/environment.ts';
import { jsonSchemas } from '../../cli/config/json-schemas.ts';

const root = join(import.meta.dirname, '../..');

for (const [name, text] of Object.entries(jsonSchemas()))
  test(`docs/schemas/${name} is what the program checks with (else: node cli/config/json-schemas.ts)`, async () => {
    assert.equal(await readFile(join(root, 'docs/schemas', name), 'utf8'), text);
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
