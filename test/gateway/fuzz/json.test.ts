import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../../support/fast-check.ts';
import { canonicalJson } from '../../../gateway/hold/canonical.ts';
import { JsonTextError, members } from '../../../gateway/hold/json-text.ts';
import {
  membersAt,
  readStrictJson,
  type StrictJson,
  StrictJsonError,
} from '../../../gateway/mcp/strict-json.ts';
import { parseJson } from '../../../gateway/mcp/parse-json.ts';
import { jsonText, mutated, objectText, runs } from './generate.ts';
import { type Reference, readByReference, referenceCanonical } from './reference.ts';

const depth = 3;

function strictly(text: string): StrictJson | StrictJsonError {
  try {
    return readStrictJson(text, { depth, loneSurrogates: 'refuse' });
  } catch (error) {
    assert.ok(error instanceof StrictJsonError, `${String(error)} for ${JSON.stringify(text)}`);
    return error;
  }
}

/** What another reader finds in a text; null when the text is no JSON. V8's own values are not to be trusted. */
function referenceOf(text: string): Reference | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return readByReference(text);
}

/** What the strict reader must make of a text, by two readers of other makes. */
function agrees(text: string): void {
  const read = strictly(text);
  const reference = referenceOf(text);
  const fine =
    reference !== null &&
    !reference.duplicate &&
    !reference.loneSurrogate &&
    reference.depth <= depth &&
    text.isWellFormed();
  assert.equal(!(read instanceof StrictJsonError), fine, JSON.stringify(text));
  if (read instanceof StrictJsonError || !reference) return;
  const { value } = reference;
  assert.deepEqual(read.value, value);
  assert.deepEqual(parseJson(text), value);
  for (const [key, { start, end }] of read.members ?? [])
    assert.deepEqual(readByReference(text.slice(start, end)).value, (value as Record<string, unknown>)[key]);
  assert.equal(read.members?.size, read.members ? Object.keys(value as object).length : undefined);
  read.elements?.forEach(({ start, end }, index) =>
    assert.deepEqual(readByReference(text.slice(start, end)).value, (value as unknown[])[index]),
  );
}

test('strict reading accepts exactly what every reader takes for the same, and finds each value where it stands', () => {
  fc.assert(fc.property(jsonText, agrees), runs);
});

test('of texts that are nearly JSON it accepts exactly the same, and fails in no other way', () => {
  fc.assert(fc.property(mutated(jsonText), agrees), runs);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), agrees), runs);
});

test('both readers of spans find the same members', () => {
  fc.assert(
    fc.property(objectText, (text) => {
      if (strictly(text) instanceof StrictJsonError) return;
      const one = [...membersAt(text, 0)].map(([key, { start, end }]) => [key, start, end]);
      assert.deepEqual(
        one,
        members(text, 0).map(({ key, start, end }) => [key, start, end]),
      );
    }),
    runs,
  );
});

test('the canonical form is one for all texts of a value, and RFC 8785 where doubles hold it', () => {
  fc.assert(
    fc.property(jsonText, (text) => {
      const { value, duplicate, loneSurrogate } = readByReference(text);
      if (duplicate || loneSurrogate) {
        assert.throws(() => canonicalJson(text), JsonTextError);
        return;
      }
      const canonical = canonicalJson(text);
      assert.equal(canonicalJson(canonical), canonical);
      assert.deepEqual(readByReference(canonical).value, value);
      const spread = JSON.stringify(value, null, 3);
      const exact = /^[^\d]*$/.test(
        text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').replaceAll(/(?<![\d.eE+-])\d{1,15}(?![\d.eE])/g, ''),
      );
      if (!exact) return;
      assert.equal(canonical, referenceCanonical(value));
      assert.equal(canonicalJson(spread), canonical);
    }),
    runs,
  );
});

test('what is no JSON has no canonical form', () => {
  fc.assert(
    fc.property(mutated(jsonText), (text) => {
      if (referenceOf(text)) return;
      try {
        canonicalJson(text);
      } catch (error) {
        assert.ok(error instanceof JsonTextError || error instanceof SyntaxError, String(error));
      }
    }),
    runs,
  );
});
