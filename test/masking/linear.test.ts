import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import { compilePattern } from '../../masking/linear/compile.ts';

function matches(pattern: string, text: string): { start: number; end: number }[] {
  const compiled = compilePattern(pattern, 0);
  assert.ok(compiled.ok, compiled.ok ? '' : compiled.reason);
  return compiled.pattern.matches(text);
}

/** Loops over what can be empty are where engines differ by design; they are left out. */
function canBeEmpty(pattern: string): boolean {
  const compiled = compilePattern(pattern);
  return !compiled.ok && compiled.reason.includes('empty');
}

test('matches are those of a backtracking engine, for random patterns and texts', () => {
  const { node } = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('a', 'b', '[ab]', '[^a]', '.', '\\d', '\\w', 'c', '\\b', '^', '$', '[a-c1]', '(?i:A)'),
      fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((items) => items.join('')),
      fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
      fc
        .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,2}', '*?', '+?', '??'))
        .map(([item, repeat]) => (canBeEmpty(item) ? item : `(?:${item})${repeat}`)),
      tie('node').map((item) => `(${item})`),
    ),
  }));
  fc.assert(
    fc.property(
      node,
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'A', '1', ' '), maxLength: 12 }),
      (pattern, text) => {
        const compiled = compilePattern(pattern, 0);
        if (!compiled.ok) return;
        const expected = [...text.matchAll(new RegExp(pattern, 'g'))].map((match) => ({
          start: match.index,
          end: match.index + match[0].length,
        }));
        if (expected.some((match) => match.start === match.end)) return;
        assert.deepEqual(compiled.pattern.matches(text), expected, `${pattern} on ${JSON.stringify(text)}`);
      },
    ),
    { numRuns: 5_000 },
  );
});

test('the chosen group is what is reported', () => {
  const compiled = compilePattern('key=(\\w+);', 1);
  assert.ok(compiled.ok);
  assert.deepEqual(compiled.pattern.matches('x key=abc; key=de;'), [
    { start: 6, end: 9 },
    { start: 15, end: 17 },
  ]);
});

test('what cannot run in linear time is refused with its reason', () => {
  for (const [pattern, reason] of [
    ['(a)\\1', /backreferences/],
    ['(?=a)b', /lookaround/],
    ['(?<!a)b', /lookaround/],
    ['a**+', /possessive/],
    ['(a', /not closed/],
    ['[a', /not closed/],
    ['a{2000}', /up to 1000/],
    ['(?:a{900}){900}', /too large/],
    ['a*', /empty/],
    ['x|', /empty/],
    ['*a', /nothing to repeat/],
    ['a)', /unmatched/],
  ] as const) {
    const compiled = compilePattern(pattern);
    assert.ok(
      !compiled.ok && reason.test(compiled.reason),
      `${pattern}: ${compiled.ok ? 'accepted' : compiled.reason}`,
    );
  }
});

test('patterns that stall backtracking engines finish on long hostile texts', () => {
  const text = 'a'.repeat(30_000);
  for (const pattern of ['(?:a+)+b', '(?:a|a)*b', '(?:a?){30}a{30}b', '[a-z]*a[a-z]*b'])
    assert.deepEqual(matches(pattern, text), []);
});

test("the dialect of Go's regular expressions is understood", () => {
  assert.deepEqual(matches('(?i)\\bKEY\\b', 'a key'), [{ start: 2, end: 5 }]);
  assert.deepEqual(matches('a(?i)b', 'aB AB'), [{ start: 0, end: 2 }]);
  assert.deepEqual(matches('(?P<x>[[:alnum:]]{3})\\z', 'zz ab1'), [{ start: 3, end: 6 }]);
  assert.deepEqual(matches('[\\w.-]+@x', 'a.b-c@x'), [{ start: 0, end: 7 }]);
  assert.deepEqual(matches('\\x41\\.', 'A.'), [{ start: 0, end: 2 }]);
});
