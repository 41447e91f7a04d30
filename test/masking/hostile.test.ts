import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { nearRules, prefixRules } from '../../masking/detect/vendor-tokens.ts';
import { readShape } from '../../masking/rules/shape.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');

/** Texts that almost match something, over and over: each is repeated until it has the wanted length. */
const nearMisses: readonly string[] = [
  'eyJ-',
  'a@',
  '@',
  'a@b.',
  '1-',
  '4 ',
  '4111 ',
  'DE89 ',
  'password: ',
  'k==',
  '"k":"',
  'http://a:',
  'http://',
  '://',
  '-----BEGIN RSA PRIVATE KEY-----',
  '%41',
  '%',
  '&#6',
  '\\u00',
  '\\',
  '<a>',
  '<',
  '| a ',
  '1.1.',
  'a1:',
  '::',
  '00:1b:',
  '\n\na',
  '\n\na,',
  'name: token\n',
  '[masked:',
  '[masked:email]',
  '[[email:AAAAAAAAAAAAAAAAAAAAAAAA',
  '{"a":',
  '[',
  '"',
  '１',
  '\u200b',
  'born ',
  'Jan ',
  '0x',
  'token ',
  '-u ',
  'IDENTIFIED BY ',
  '12 Long ',
  'A'.repeat(63),
  'QUJDRUZHSElKS0xNTk9QUVJTVFVWV1hZ ',
  ...prefixRules.map(
    (rule) =>
      `${readShape(rule.shapes[0] ?? '')
        .sample(3)
        .slice(0, -3)} `,
  ),
  ...nearRules.map((rule) => `${rule.near[0]} key `),
];

function millis(unit: string, length: number): number {
  const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round += 1) {
    const used = process.cpuUsage();
    masker.text(text);
    const { user, system } = process.cpuUsage(used);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

test('four times the hostile text takes about four times the time, for near misses of every detector', () => {
  const slow: string[] = [];
  for (const unit of nearMisses) {
    const small = millis(unit, 15_000);
    const large = millis(unit, 60_000);
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
