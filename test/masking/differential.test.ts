import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../gateway/mcp/parse-json.ts';
import * as fc from '../support/fast-check.ts';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { positives } from './corpus.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');
/** Values that are found wherever they stand, whatever stands around them. */
const planted = positives()
  .filter(({ lead, value, hidden }) => lead === '' && hidden === value && !/^[\d .()-]+$/.test(value))
  // The longest first: some hold others.
  .sort((a, b) => b.value.length - a.value.length);

/** Words that mean nothing to any detector, some of them beyond ASCII or in need of escapes. */
const word = fc.constantFrom(
  'blue',
  'harbour',
  'näher',
  '山',
  '"quoted"',
  'back\\slash',
  'tab\tbed',
  'é',
  '🙂',
  'x',
);
const prose = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '));
const name = fc.constantFrom('note', 'title', 'items', 'text', 'body', 'remark', 'größe', 'a b');

interface Tree {
  readonly json: unknown;
}
/** Random JSON in which some strings carry a planted value between words. */
const { json } = fc.letrec<Tree>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    prose,
    fc
      .tuple(prose, fc.constantFrom(...planted), prose)
      .map(([left, { value }, right]) => `${left} ${value} ${right}`),
    fc.integer({ min: -999, max: 999 }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 5 }),
    fc.dictionary(name, tie('json'), { maxKeys: 4 }),
    tie('json').map((inner) => JSON.stringify(inner)),
  ),
}));

/** Whether two values differ in nothing but the text of strings; strings that are JSON are compared inside. */
function sameShape(before: unknown, after: unknown): boolean {
  if (typeof before === 'string' && typeof after === 'string') return sameText(before, after);
  if (Array.isArray(before))
    return (
      Array.isArray(after) &&
      before.length === after.length &&
      before.every((item, at) => sameShape(item, after[at]))
    );
  if (typeof before === 'object' && before !== null) {
    if (typeof after !== 'object' || after === null) return false;
    const [left, right] = [Object.entries(before), Object.entries(after)];
    return (
      left.length === right.length &&
      left.every(([key, value], at) => key === right[at]?.[0] && sameShape(value, right[at]?.[1]))
    );
  }
  return before === after;
}

/** Outside of planted values, the texts must be equal: markers stand for nothing else. */
function sameText(before: string, after: string): boolean {
  let expected = before;
  for (const { value } of planted) {
    for (const written of writings(value))
      if (expected.includes(written)) expected = expected.split(written).join('\u0000');
  }
  return expected.split('\u0000').join('') === after.replaceAll(/\[masked:[a-z0-9-]+\]/g, '');
}

/** A value as it stands in JSON nested up to four times. */
function writings(value: string): string[] {
  const all = [value];
  for (let times = 0; times < 5; times += 1) all.push(JSON.stringify(all.at(-1)).slice(1, -1));
  return [...new Set(all)].sort((a, b) => b.length - a.length);
}

test('random JSON with planted values stays JSON of the same shape, and differs only where they stood', () => {
  fc.assert(
    fc.property(json, fc.boolean(), (value, indented) => {
      const text = JSON.stringify(value, null, indented ? 2 : 0);
      const masked = masker.json(text).text;
      const parsed = parseJson(masked);
      assert.ok(sameShape(value, parsed), `${text}\n${masked}`);
      for (const sample of planted)
        assert.ok(!masked.includes(sample.value), `${sample.detector} in ${masked}`);
    }),
    { numRuns: 400, seed: 20_261_121 },
  );
});

test('masking twice changes nothing more, whatever JSON or text it is', () => {
  const any = fc.oneof(
    json.map((value) => JSON.stringify(value)),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary', maxLength: 300 }),
  );
  fc.assert(
    fc.property(any, (text) => {
      const once = masker.json(text).text;
      assert.equal(masker.json(once).text, once);
      const asText = masker.text(text).text;
      assert.equal(masker.text(asText).text, asText);
    }),
    { numRuns: 600, seed: 7 },
  );
});

test('white space, key order, big numbers and escapes outside of what is hidden stay byte for byte', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = `{ "big" : 12345678901234567890123, "e":1e3,\t"esc":"\\u0041\\/\\n", "v" :  ${JSON.stringify(value)} }`;
      const { text: masked, findings } = masker.json(text);
      if (findings.length === 0) assert.equal(masked, text);
      assert.ok(
        masked.startsWith('{ "big" : 12345678901234567890123, "e":1e3,\t"esc":"\\u0041\\/\\n", "v" :  '),
      );
    }),
    { numRuns: 200, seed: 11 },
  );
});
