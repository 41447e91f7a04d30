import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Seen } from './cell.ts';
import { expected, sightOf, withTable } from './expected.ts';
import { cells } from './steps.ts';

test('the table of docs/reliability.md says what the walk checks, cell by cell', () => {
  const page = readFileSync('docs/reliability.md', 'utf8');
  assert.equal(withTable(page), page, 'run: node test/walk/write-table.ts');
  for (const { id } of cells) assert.ok(page.includes(`\`${id}\` `), id);
});

test('what is seen in a cell is told apart', () => {
  const row = { callId: 'hp_1', state: 'succeeded', because: null, voters: 1, workflow: null };
  const seen: Seen = {
    command: 'walk 8w.',
    told: ['result'],
    runs: 1,
    approver: { clicks: 1, lost: 0, lookedAgain: 0 },
    cards: [{ open: false, text: '' }],
    rows: [row],
  };
  const usual = expected({ id: '8w' });
  assert.deepEqual(sightOf(seen, usual), usual);
  const others: Partial<Seen>[] = [
    { told: ['connection lost', 'result'] },
    { told: ['connection lost', 'answered OUTCOME_UNKNOWN'] },
    { cards: [] },
    { cards: [...seen.cards, ...seen.cards] },
    { rows: [{ ...row, state: 'unknown' }] },
    { rows: [{ ...row, state: 'aborted' }, row] },
  ];
  for (const other of others) assert.notDeepEqual(sightOf({ ...seen, ...other }, usual), usual);
});
