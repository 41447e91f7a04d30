import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import * as fc from '../support/fast-check.ts';
import { chance } from './chance.ts';
import { personalValues } from './personal-values.ts';

const by = chance(11);
/** Personal and payment data of every kind, and tokens; each found wherever it stands. */
const values = [
  ...personalValues
    .filter(([detector]) => !['phone', 'ip', 'email'].includes(detector))
    .flatMap(([, , make]) => [make(by), make(by)]),
  'alice.smith@example.com',
  '+49 171 1234567',
  'ghp_q7X4vK9z2Jw8Mt5PhB3nQ7x4Vk9Z2jW8mT5p',
];

const scope = { connection: 'crm', key: new Uint8Array(64).fill(3) };
const maskerOf = (operator: string) => {
  const operators = { secrets: operator, pii: operator, payment: operator };
  const config = loadMaskingConfig({ default: { operators } });
  return createMaskingEngine(config, new Uint8Array(32).fill(9)).masker('default', { tokens: scope });
};

interface Tree {
  readonly json: unknown;
}
const word = fc.constantFrom('blue', 'harbour', 'näher', '山', 'tab\tbed', '🙂');
const { json } = fc.letrec<Tree>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    word,
    fc.tuple(word, fc.constantFrom(...values), word).map((parts) => parts.join(' ')),
    fc.constantFrom(...values),
    fc.integer({ min: -999, max: 999 }),
    fc.constantFrom(4_111_111_111_111_111, 378_282_246_310_005),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('note', 'items', 'text', 'remark'), tie('json'), { maxKeys: 4 }),
    tie('json').map((inner) => JSON.stringify(inner)),
  ),
}));

/** The types of everything in a value, which an output schema asks for; strings that are JSON are looked into. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, shapeOf(member)]));
  return typeof value === 'number' ? (Number.isInteger(value) ? 'integer' : 'number') : typeof value;
}

for (const operator of ['redact', 'partial', 'hash', 'pseudonym', 'format', 'drop', 'token'])
  test(`${operator}: random JSON keeps every type, shows no value, and masking it again changes nothing`, () => {
    const masker = maskerOf(operator);
    fc.assert(
      fc.property(json, (value) => {
        const { text } = masker.json(JSON.stringify({ value }));
        assert.deepEqual(shapeOf(JSON.parse(text)), shapeOf({ value }), text);
        for (const planted of values) assert.ok(!text.includes(planted), text);
        assert.ok(!/4111111111111111|378282246310005/.test(text), text);
        assert.equal(masker.json(text).text, text);
      }),
      { numRuns: 150, seed: 20_261_121 },
    );
  });

test('a value written to be overlooked is seen: wide and foreign digits, nothing between letters, odd dashes, escapes', () => {
  const masker = maskerOf('redact');
  const digits = (zero: number) => (text: string) =>
    text.replace(/\d/g, (digit) => String.fromCodePoint(zero + Number(digit)));
  const tricks: Readonly<Record<string, (text: string) => string>> = {
    'wide digits': digits(0xff10),
    'Arabic digits': digits(0x0660),
    'Persian digits': digits(0x06f0),
    'Devanagari digits': digits(0x0966),
    'mathematical digits': digits(0x1d7ce),
    'zero width space': (text) => Array.from(text).join('\u200b'),
    'word joiner': (text) => Array.from(text).join('\u2060'),
    'soft hyphen': (text) => Array.from(text).join('\u00ad'),
    'no-break space': (text) => text.replaceAll(' ', '\u00a0'),
    'narrow space': (text) => text.replaceAll(' ', '\u202f'),
    'figure dash': (text) => text.replaceAll('-', '\u2012'),
    minus: (text) => text.replaceAll('-', '\u2212'),
    'wide at and dot': (text) => text.replaceAll('@', '\uff20').replaceAll('.', '\uff0e'),
    percent: (text) =>
      Array.from(text)
        .map((char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
        .join(''),
    'percent twice': (text) => encodeURIComponent(encodeURIComponent(text)),
    entities: (text) =>
      Array.from(text)
        .map((char) => `&#${char.charCodeAt(0)};`)
        .join(''),
    'hexadecimal entities': (text) =>
      Array.from(text)
        .map((char) => `&#x${char.charCodeAt(0).toString(16)};`)
        .join(''),
    'escapes in text': (text) =>
      Array.from(text)
        .map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''),
    'colours of a terminal': (text) => `\u001b[1;32m${text}\u001b[0m`,
    'colours written out': (text) => `\\x1b[32m${text}\\x1b[0m`,
    base64: (text) => Buffer.from(`it is ${text} here`).toString('base64'),
  };
  const left: string[] = [];
  for (const [trick, write] of Object.entries(tricks))
    for (const value of values) {
      const written = write(value);
      const text = `see ${written} there`;
      const masked = masker.json(JSON.stringify({ note: text }));
      if (masked.findings.length === 0 || masked.text.includes(JSON.stringify(written).slice(1, -1)))
        left.push(`${trick}: ${value} as ${written.slice(0, 60)}`);
    }
  assert.deepEqual(left, []);
});
