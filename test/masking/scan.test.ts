import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import { member, memberString, memberText, rawText, withMember } from '../../masking/json-tree.ts';
import { ScanError, scanJson } from '../../masking/scan.ts';
import type { ScanCode } from '../../masking/scan.ts';

function codeOf(text: string, maxDepth?: number): ScanCode | 'accepted' {
  try {
    scanJson(text, maxDepth);
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof ScanError, `threw ${String(error)}`);
    return error.code;
  }
}

const parses = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test('what JSON.parse refuses is refused, for texts one edit away from JSON', () => {
  const space = fc.constantFrom('', ' ', '\n\t', '\r\n ');
  const edits = fc.array(
    fc.record({
      at: fc.nat(200),
      cut: fc.nat(2),
      put: fc.constantFrom(
        '',
        '"',
        '\\',
        '\\u',
        '\\u00',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '0',
        '-',
        '.',
        'e',
        '\n',
        '\0',
        'tru',
        'null',
        '\u00a0',
        '/',
      ),
    }),
    { maxLength: 2 },
  );
  fc.assert(
    fc.property(fc.jsonValue(), space, space, edits, fc.nat(4), (value, before, behind, changes, indent) => {
      let text = before + JSON.stringify(value, null, indent) + behind;
      for (const change of changes) {
        const at = Math.min(change.at, text.length);
        text = text.slice(0, at) + change.put + text.slice(at + change.cut);
      }
      const code = codeOf(text, 1000);
      if (!parses(text)) assert.notEqual(code, 'accepted', text);
      else
        assert.ok(
          code === 'accepted' || code === 'duplicate_key' || code === 'lone_surrogate',
          `${code}: ${text}`,
        );
    }),
    { numRuns: 20_000 },
  );
});

test('every node of an accepted text is cut exactly where its value stands', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()),
      fc.nat(3),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const tape = scanJson(text, 1000);
        for (const [key, child] of Object.entries(value)) {
          assert.deepEqual(JSON.parse(memberText(tape, 0, key) ?? ''), JSON.parse(JSON.stringify(child)));
        }
        assert.equal(rawText(tape, 0), text);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('putting, replacing and removing a member leaves everything else as it was', () => {
  const name = fc.oneof(fc.constant('x'), fc.constant('a,"}'), fc.string());
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.jsonValue()),
      name,
      fc.jsonValue(),
      fc.nat(2),
      (object, key, value, indent) => {
        const tape = scanJson(JSON.stringify(object, null, indent), 1000);
        const put = JSON.parse(withMember(tape, 0, key, JSON.stringify(value))) as Record<string, unknown>;
        const { [key]: taken, ...rest } = put;
        assert.equal(JSON.stringify(taken), JSON.stringify(value));
        const without = JSON.parse(withMember(tape, 0, key, null)) as Record<string, unknown>;
        assert.ok(!Object.hasOwn(without, key));
        assert.equal(JSON.stringify(without), JSON.stringify(rest));
      },
    ),
    { numRuns: 5_000 },
  );
});

test('each broken rule has its own code', () => {
  const cases: readonly (readonly [string, ScanCode])[] = [
    ['', 'unexpected_end'],
    ['{"a":1', 'unexpected_end'],
    ['"abc', 'unexpected_end'],
    ['"abc\\', 'unexpected_end'],
    ['{"a" 1}', 'unexpected_token'],
    ['[1,]', 'unexpected_token'],
    ['{"a":1,}', 'unexpected_token'],
    ['{a:1}', 'unexpected_token'],
    ['nul', 'unexpected_end'],
    ['NaN', 'unexpected_token'],
    ['\ufeff{}', 'unexpected_token'],
    ['01', 'bad_number'],
    ['-', 'unexpected_end'],
    ['1.x', 'bad_number'],
    ['"\\x41"', 'bad_escape'],
    ['"\\u00g0"', 'bad_escape'],
    ['"a\nb"', 'control_character'],
    ['"\ud800"', 'lone_surrogate'],
    ['"\udc00"', 'lone_surrogate'],
    ['"\\ud800"', 'lone_surrogate'],
    ['"\\udc00\\ud800"', 'lone_surrogate'],
    ['"\\ud83d\ude00"', 'lone_surrogate'],
    ['{"a":1,"a":2}', 'duplicate_key'],
    ['{"name":1,"n\\u0061me":2}', 'duplicate_key'],
    ['{} {}', 'trailing_text'],
  ];
  for (const [text, code] of cases) assert.equal(codeOf(text), code, JSON.stringify(text));
});

test('a duplicate is found among many keys too, and only within one object', () => {
  const many = Array.from({ length: 500 }, (_, i) => `"k${i}":{"k":${i}}`);
  assert.equal(codeOf(`{${many.join(',')}}`), 'accepted');
  assert.equal(codeOf(`{${many.join(',')},"k250":0}`), 'duplicate_key');
  assert.equal(codeOf('[{"__proto__":1,"constructor":2,"toString":3}]'), 'accepted');
});

test('depth counts open containers and stops at the limit, without recursion', () => {
  assert.equal(codeOf('['.repeat(64) + ']'.repeat(64)), 'accepted');
  assert.equal(codeOf('['.repeat(65) + ']'.repeat(65)), 'too_deep');
  assert.equal(codeOf('[{},{},[]]', 2), 'accepted');
  assert.equal(codeOf('['.repeat(1_000_000), 2_000_000), 'unexpected_end');
});

test('big numbers and escaped names are read as they were written', () => {
  const tape = scanJson(
    '{"id":12345678901234567890,"params":{"n\\u0061me":"dr\\u006fp","arguments":{ "x": 1E400 }}}',
  );
  assert.equal(memberText(tape, 0, 'id'), '12345678901234567890');
  assert.equal(memberString(tape, 0, 'params', 'name'), 'drop');
  assert.equal(memberText(tape, 0, 'params', 'arguments'), '{ "x": 1E400 }');
  assert.equal(member(tape, 0, 'params', 'name', 'deeper'), null);
  assert.equal(memberString(tape, 0, 'id'), null);
});
