// oxlint-disable unicorn/no-thenable -- `then` is the word of the policy language
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import { stringify } from 'yaml';
import { compilePolicy } from '../../policy/compile.ts';
import { decide } from '../../policy/decide.ts';
import { parseDuration } from '../../policy/durations.ts';
import { compileGlobs, globContains, globMatches } from '../../policy/globs.ts';
import { around, inputOf, policyOf } from './support.ts';

/** Words that lead deep into the checks. */
const word = fc.constantFrom(
  'default',
  'rules',
  'approvers',
  'masking',
  'name',
  'match',
  'when',
  'then',
  'hold',
  'pass',
  'deny',
  'dba',
  'tool',
  'method',
  'people',
  'timeout',
  '30m',
  '*',
  'call.tool == "x"',
  '__proto__',
  'constructor',
);
const anything = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    word,
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(word, fc.string()), tie('value'), { maxKeys: 6 }),
  ),
})).value;

function policyOrErrors(text: string): void {
  const result = compilePolicy(text, around);
  if ('policy' in result) {
    const verdict = decide(result.policy, inputOf());
    assert.ok(['pass', 'deny', 'hold'].includes(verdict.kind));
    return;
  }
  assert.ok(result.errors.length > 0);
  const lines = text.split('\n').length;
  for (const { line, column, message } of result.errors) {
    assert.ok(line >= 1 && line <= lines + 1 && column >= 1, `${line}:${column} in ${lines} lines`);
    assert.ok(message.length > 0);
  }
}

test('any text gives a policy or errors with places, never an exception', () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), policyOrErrors), {
    numRuns: 500,
  });
});

test('any YAML value gives a policy or errors with places, never an exception', () => {
  fc.assert(
    fc.property(anything, (value) => policyOrErrors(stringify(value))),
    { numRuns: 1_000 },
  );
});

test('any value in any place of a good policy gives a policy or errors, never an exception', () => {
  const good = () => ({
    default: { then: 'hold', approvers: ['dba'] },
    approvers: { dba: { people: ['a@example.com'] } },
    rules: [
      {
        name: 'r',
        match: { connection: 'files', tool: ['a*'] },
        when: 'call.tool == "x"',
        then: 'hold',
        approvers: ['dba'],
      },
    ],
    masking: {},
  });
  const places: readonly (readonly (string | number)[])[] = [
    ['default'],
    ['default', 'then'],
    ['default', 'approvers'],
    ['approvers'],
    ['approvers', 'dba'],
    ['approvers', 'dba', 'people'],
    ['rules'],
    ['rules', 0],
    ['rules', 0, 'name'],
    ['rules', 0, 'match'],
    ['rules', 0, 'match', 'tool'],
    ['rules', 0, 'match', 'tool', 0],
    ['rules', 0, 'when'],
    ['rules', 0, 'then'],
    ['rules', 0, 'approvers'],
    ['masking'],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...places), anything, (path, value) => {
      const policy = good();
      let at = policy as unknown as Record<string | number, unknown>;
      for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
      at[path.at(-1) ?? ''] = value;
      policyOrErrors(stringify(policy));
    }),
    { numRuns: 1_000 },
  );
});

test('any expression compiles or is refused, and what compiles answers every call', () => {
  const token = fc.constantFrom(
    'call',
    '.',
    'args',
    'tool',
    '(',
    ')',
    '[',
    ']',
    '"a"',
    '1',
    '==',
    '&&',
    '||',
    '!',
    ' in ',
    'subject',
    'groups',
    'exists',
    'x',
    ',',
    'size',
    'now',
    '+',
    '<',
    '?',
    ':',
    '{',
    '}',
    'matches',
    'has',
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 12 }), anything, (tokens, args) => {
      const text = `default: pass\nrules:\n  - name: r\n    when: ${JSON.stringify(tokens.join(''))}\n    then: pass\n`;
      const result = compilePolicy(text, around);
      if ('policy' in result) decide(result.policy, inputOf({ args }));
    }),
    { numRuns: 1_000 },
  );
});

test('whatever the arguments, a deny whose condition does not hold is the only way past it', () => {
  const policy = policyOf(
    'default: pass\nrules:\n  - { name: r, when: \'call.args.a.b == "x" || call.args.c.exists(i, i > 2)\', then: deny }\n',
  );
  fc.assert(
    fc.property(anything, (args) => {
      const verdict = decide(policy, inputOf({ args }));
      const { a, c } = (typeof args === 'object' && args !== null ? args : {}) as {
        a?: { b?: unknown };
        c?: unknown;
      };
      const readable = typeof a === 'object' && a !== null && Object.hasOwn(a, 'b') && Array.isArray(c);
      if (!readable) assert.equal(verdict.kind, 'deny');
    }),
  );
});

const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '_'), maxLength: 8 });
const text = fc.string({ unit: fc.constantFrom('a', 'b', '_', 'é'), maxLength: 10 });

test('globs mean what the equivalent regular expression means', () => {
  fc.assert(
    fc.property(glob, text, (pattern, value) => {
      const regex = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
      assert.equal(globMatches(pattern, value), regex.test(value));
      assert.equal(compileGlobs([pattern])(value), regex.test(value));
    }),
    { numRuns: 2_000 },
  );
});

test('a glob that contains another matches all that the other matches', () => {
  fc.assert(
    fc.property(glob, glob, text, (outer, inner, value) => {
      if (globContains(outer, inner) && globMatches(inner, value)) assert.ok(globMatches(outer, value));
    }),
    { numRuns: 5_000 },
  );
  assert.ok(globContains('*', 'a*b') && globContains('a*', 'ab*') && globContains('a?c', 'abc'));
  assert.ok(!globContains('a?c', 'a*c') && !globContains('a*', '*a') && !globContains('abc', 'ab?'));
});

test('a glob of many stars does not run away on a long text', () => {
  assert.equal(globMatches(`${'*a'.repeat(50)}b`, 'a'.repeat(20_000)), false);
});

test('durations add up, and what is none is null', () => {
  assert.equal(parseDuration('30m'), 1_800_000);
  assert.equal(parseDuration('1d2h3m4s5ms'), 93_784_005);
  for (const wrong of ['', '5', 'm', '-5m', '1.5h', '0m', '5 m', '5M', '367d', '9999999d', '1h '])
    assert.equal(parseDuration(wrong), null, wrong);
});
