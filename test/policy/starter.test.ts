import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { decide } from '../../policy/decide.ts';
import { testPolicy } from '../../policy/test-cases.ts';
import { inputOf, policyOf } from './support.ts';

const root = join(import.meta.dirname, '../..');
const starter = policyOf(await readFile(join(root, 'cli/starter/policy.yaml'), 'utf8'), {
  connections: ['files'],
  slackConfigured: false,
});

test('the starter policy decides as it promises', async () => {
  const file = join(root, 'test/policy/cases/starter.yaml');
  const tested = testPolicy(starter, await readFile(file, 'utf8'), file);
  assert.ok('results' in tested, JSON.stringify(tested));
  for (const { name, differences } of tested.results) assert.deepEqual(differences, [], name);
});

test('the starter policy names every tool of the filesystem server, and only reading passes', async () => {
  const require = createRequire(import.meta.url);
  const source = await readFile(
    require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'),
    'utf8',
  );
  const tools = [...source.matchAll(/registerTool\("(\w+)"/g)].map(([, name]) => name ?? '');
  assert.ok(tools.length >= 14, `${tools.length} tools`);
  const verdicts = tools.map((tool) => [tool, decide(starter, inputOf({ tool }))] as const);
  assert.deepEqual(
    verdicts.filter(([, { rule }]) => rule === 'default').map(([tool]) => tool),
    [],
  );
  assert.deepEqual(
    verdicts.filter(([, { kind }]) => kind !== 'pass').map(([tool, { kind }]) => `${tool} ${kind}`),
    ['write_file hold', 'edit_file hold', 'create_directory hold', 'move_file deny'],
  );
});
