import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { testPolicy } from '../../policy/test-cases.ts';
import { errorsOf, policyOf } from './support.ts';

const root = join(import.meta.dirname, '../..');
const connections = ['postgres', 'files', 'billing', 'mail', 'ci', 'wiki', 'docs'];

interface Block {
  readonly kind: string;
  readonly text: string;
  readonly line: number;
}

/** Fenced blocks with the words behind the fence. */
function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)].map((found) => ({
    kind: found[1] ?? '',
    text: found[2] ?? '',
    line: markdown.slice(0, found.index).split('\n').length,
  }));
}

const policyBlocks = blocksOf(await readFile(join(root, 'docs/policy.md'), 'utf8'));

test('docs/policy.md has examples of every kind', () => {
  for (const kind of ['yaml policy', 'yaml cases', 'yaml refused', 'text'])
    assert.ok(
      policyBlocks.some((block) => block.kind === kind),
      kind,
    );
});

for (const file of ['docs/policy.md', 'docs/approvals.md'])
  checkBlocks(file, blocksOf(await readFile(join(root, file), 'utf8')));

function checkBlocks(file: string, blocks: readonly Block[]): void {
  blocks.forEach(({ kind, text, line }, index) => {
    const before = blocks[index - 1];
    if (kind === 'yaml policy')
      test(`the policy in ${file} at line ${line} is fine`, () => void policyOf(text, { connections }));
    else if (kind === 'yaml cases')
      test(`the cases in ${file} at line ${line} are as the policy before them decides`, () => {
        assert.equal(before?.kind, 'yaml policy');
        const tested = testPolicy(policyOf(before?.text ?? '', { connections }), text, 'cases.yaml');
        assert.ok('results' in tested, JSON.stringify(tested));
        for (const { name, differences } of tested.results) assert.deepEqual(differences, [], name);
      });
    else if (kind === 'yaml refused')
      test(`the policy in ${file} at line ${line} is refused in the words that follow it`, () => {
        assert.equal(`${errorsOf(text, { connections }).join('\n')}\n`, blocks[index + 1]?.text);
      });
    else
      test(`the block in ${file} at line ${line} is of a kind that is checked`, () =>
        assert.equal(`${before?.kind} ${kind}`, 'yaml refused text'));
  });
}
