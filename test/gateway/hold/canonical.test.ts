import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../support/fast-check.ts';
import {
  attachKey,
  type CallIdentity,
  canonicalJson,
  commitToArgs,
  digestOf,
} from '../../../gateway/hold/canonical.ts';
import { at, splice } from '../../../gateway/hold/json-text.ts';
import { readByReference } from '../fuzz/reference.ts';
import type { Bound } from '../../../workflows/contract.ts';

test('key order, white space and escapes do not make another call', () => {
  assert.equal(canonicalJson(' { "b" : [ 1 , 2 ] ,\n"a":"\\u0041\\/" } '), '{"a":"A/","b":[1,2]}');
});

test('the example of RFC 8785 section 3.2.2 comes out as printed there, but for the number that it rounds', () => {
  const given = String.raw`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]
  }`;
  // All but the first number, which a double cannot hold: RFC 8785 rounds it, Holdpoint keeps it.
  assert.equal(
    canonicalJson(given),
    String.raw`{"literals":[null,true,false],"numbers":[33333333333333329e-8,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
  );
});

test('keys are ordered by UTF-16 code units, as RFC 8785 section 3.2.3 shows', () => {
  const given = String.raw`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`;
  const order = [...canonicalJson(given).matchAll(/:(\d)/g)].map((match) => match[1]).join('');
  assert.equal(order, '2467153');
});

test('integers that a double would merge stay apart', () => {
  assert.notEqual(canonicalJson('9007199254740993'), canonicalJson('9007199254740992'));
  assert.notEqual(canonicalJson('0.1000000000000000055511151231257827'), canonicalJson('0.1'));
  assert.notEqual(canonicalJson('1e400'), canonicalJson('1e401'));
  assert.notEqual(canonicalJson('-0'), canonicalJson('0'));
});

test('numbers of the same value are the same number, however they are written', () => {
  for (const one of ['100', '1e2', '1E+2', '100.0', '0.1e3', '1000e-1'])
    assert.equal(canonicalJson(one), '100');
  assert.equal(canonicalJson('9007199254740993'), canonicalJson('9007199254740993.0'));
  assert.equal(canonicalJson('0e5'), canonicalJson('0.00'));
});

test('a key that occurs twice, a lone surrogate and endless nesting are refused', () => {
  assert.throws(() => canonicalJson('{"a":1,"\\u0061":2}'), /same key twice/);
  assert.throws(() => canonicalJson('"\\ud800"'), /lone surrogate/);
  assert.throws(() => canonicalJson('['.repeat(300) + ']'.repeat(300)), /nested deeper/);
  assert.throws(() => canonicalJson('{} {}'), /text follows/);
  assert.throws(() => canonicalJson('{"a"'), /no|does not end|missing/);
});

test('what JSON.stringify writes canonicalises to a text that means the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      const canonical = canonicalJson(text);
      assert.deepEqual(readByReference(canonical).value, readByReference(text).value);
      assert.equal(canonicalJson(canonical), canonical);
    }),
    { numRuns: 300 },
  );
});

test('a text of a million characters in one string is read without recursion', () => {
  const text = JSON.stringify({ long: '\\"x'.repeat(400_000) });
  assert.equal(canonicalJson(text), text);
});

test('a value is found by its path and replaced without touching a character beside it', () => {
  const text = '{ "id" : 7, "params":{"n":9007199254740993, "_meta":{"progressToken":"t"}} }';
  const id = at(text, ['id']);
  const token = at(text, ['params', '_meta', 'progressToken']);
  assert.ok(id && token);
  assert.equal(
    splice(text, [
      { ...token, with: '12' },
      { ...id, with: '"x"' },
    ]),
    '{ "id" : "x", "params":{"n":9007199254740993, "_meta":{"progressToken":12}} }',
  );
  assert.equal(at(text, ['params', 'none', 'deeper']), null);
});

const bound: Bound = {
  callId: 'hp_1',
  callerKey: 'local:agent',
  connection: 'files',
  method: 'tools/call',
  tool: 'write',
  definitionHash: null,
  argsSha256: 'aa',
  policyVersion: 'sha256:00',
  expiresAtMs: 1,
};

test('every part of what an approval is bound to changes its digest', () => {
  const changed: Partial<Bound>[] = [
    { callId: 'hp_2' },
    { callerKey: 'local:other' },
    { connection: 'db' },
    { method: 'prompts/get' },
    { tool: 'Write' },
    { definitionHash: 'x' },
    { argsSha256: 'ab' },
    { policyVersion: 'sha256:01' },
    { expiresAtMs: 2 },
  ];
  const digests = new Set([bound, ...changed.map((part) => ({ ...bound, ...part }))].map(digestOf));
  assert.equal(digests.size, changed.length + 1);
});

test('the attach key tells calls apart that differ in any part, and absent arguments from empty ones', () => {
  const secret = Buffer.alloc(32, 1);
  const call: CallIdentity = { ...bound, argsJson: '{"a":1,"b":2}' };
  const key = (change: Partial<CallIdentity>) => attachKey(secret, { ...call, ...change }).toString('hex');
  assert.equal(key({}), key({ argsJson: '{"b":2,"a":1.0}' }));
  const others = [
    key({ argsJson: '{}' }),
    key({ argsJson: null }),
    key({ callerKey: 'x' }),
    key({ connection: 'x' }),
    key({ method: 'x' }),
    key({ tool: 'x' }),
    key({ policyVersion: 'x' }),
  ];
  assert.equal(new Set([key({}), ...others]).size, others.length + 1);
  assert.notEqual(commitToArgs(secret, null), commitToArgs(secret, '{}'));
  assert.notEqual(commitToArgs(secret, '{}'), commitToArgs(Buffer.alloc(32, 2), '{}'));
});
