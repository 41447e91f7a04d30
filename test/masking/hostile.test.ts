import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { readShape } from '../../masking/rules/shape.ts';
import { nearMisses } from './near-misses.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');

function millis(unit: string, length: number, rounds: number): number {
  const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const used = process.cpuUsage();
    masker.text(text);
    const { user, system } = process.cpuUsage(used);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

// The same at 2 and 4 MiB, with the bound of 2.5 for twice the text: hostile-large.ts, which takes minutes.
test('four times the hostile text takes about four times the time, for near misses of every detector', () => {
  const slow: string[] = [];
  for (const unit of nearMisses) {
    // Work that grows with the square takes seconds for so much; what is done at once needs no closer look.
    if (millis(unit, 30_000, 1) < 60) continue;
    const small = millis(unit, 15_000, 3);
    const large = millis(unit, 60_000, 3);
    // Quadratic work would take sixteen times as long; very short times are noise.
    if (large > 60 && large > small * 10)
      slow.push(`${JSON.stringify(unit)}: ${small.toFixed(1)} ms, then ${large.toFixed(1)} ms`);
  }
  assert.deepEqual(slow, []);
});

test('many different secrets in one message, and a million short strings, stay linear too', () => {
  const distinct = (count: number): string =>
    JSON.stringify(
      Array.from({ length: count }, (_, i) => ({
        password: `pw-${i}-x9Z`,
        note: `ghp_${String(i).padStart(36, 'q7')}`,
      })),
    );
  const time = (text: string): number => {
    const used = process.cpuUsage();
    masker.message(text);
    const { user, system } = process.cpuUsage(used);
    return (user + system) / 1_000;
  };
  time(distinct(200));
  const small = Math.min(time(distinct(1_000)), time(distinct(1_000)));
  const large = Math.min(time(distinct(4_000)), time(distinct(4_000)));
  assert.ok(large < 100 || large < small * 10, `${small} ms, then ${large} ms`);
  assert.equal(masker.message(`[${'"ab",'.repeat(1_000_000)}1]`).findings.length, 0);
});

test('a message nested as deep as the gateway allows is walked, deeper text is masked as text', () => {
  const token = readShape('ghp_{w36}').sample(1);
  for (const depth of [60, 500, 5_000]) {
    const { text } = masker.message(`${'['.repeat(depth)}"${token}"${']'.repeat(depth)}`);
    assert.ok(!text.includes(token), String(depth));
  }
});
