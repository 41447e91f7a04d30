import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { builtinDetectors } from '../../masking/detectors.ts';
import { measureRecall, recallReport, reportFile, sum } from './recall.ts';

const recall = measureRecall();

function share(counts: Parameters<typeof sum>[0], of?: Parameters<typeof sum>[1]): number {
  const { caught, all } = sum(counts, of);
  assert.ok(all > 100, 'enough was measured');
  return caught / all;
}

test('of vendors’ formats written down apart from the rules, 95 in 100 are caught in any layout', () => {
  assert.ok(share(recall.vendors) >= 0.95, JSON.stringify(sum(recall.vendors)));
  assert.ok(share(recall.named) >= 0.95, JSON.stringify(sum(recall.named)));
});

test('of personal data 95 in 100 are caught, of cards, accounts, mail addresses and social security numbers 99', () => {
  assert.ok(share(recall.personal, (name) => builtinDetectors.get(name) === 'pii') >= 0.95);
  for (const certain of ['payment-card', 'iban', 'email', 'us-ssn'])
    assert.ok(share(recall.personal, (name) => name === certain) >= 0.99, certain);
});

test('every detector catches every sample of its own in eight layouts', () => {
  const missed = [...recall.own].filter(([, { caught, all }]) => caught < all);
  assert.deepEqual(missed, []);
});

test('at most one clean text in a hundred is touched', () => {
  let [touched, all] = [0, 0];
  for (const count of recall.clean.values()) [touched, all] = [touched + count.touched, all + count.all];
  assert.ok(touched * 100 <= all, `${touched} of ${all}`);
});

test('docs/masking-recall.md says what is measured; node test/masking/recall.ts writes it', () => {
  assert.equal(readFileSync(reportFile, 'utf8'), recallReport(recall));
});
