import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { namedLayouts } from './layouts.ts';

const masker = createMaskingEngine(defaultMaskingConfig).masker('default');

/** Values that only their names betray. */
const values: Readonly<Record<string, string>> = {
  letters: 'aX7bQ9kLm2Zp4TrV8wYc1NdE5fGh6JsK',
  'hex of 32': '9f86d081884c7d659a2feaa0c55ad015',
  'hex of 40': '3f786850e387550fdab836ed7e6dc881de23001b',
  uuid: '5d4a1c0e-2f3b-4c6d-8e9f-0a1b2c3d4e5f',
  base64: 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=',
};

test('a value that only its name betrays is hidden in every dialect of configuration, code, commands and prose', () => {
  const left: string[] = [];
  for (const [dialect, write] of Object.entries(namedLayouts)) {
    for (const [kind, value] of Object.entries(values)) {
      const text = write('acme', value);
      const asText = masker.text(text).text;
      const inJson = masker.json(JSON.stringify({ out: text })).text;
      if (asText === text || asText.includes(value)) left.push(`${dialect}: ${kind}`);
      if (inJson.includes(value)) left.push(`${dialect} in JSON: ${kind}`);
      assert.doesNotThrow(() => JSON.parse(inJson), dialect);
    }
  }
  assert.deepEqual(left, []);
});

test('the same dialects with a variable, a template or crosses in place of the value stay as they are', () => {
  const touched: string[] = [];
  for (const [dialect, write] of Object.entries(namedLayouts)) {
    if (/b64|k8s64|basic|escJson|dbl|dataurl|urlUser|curlU/.test(dialect)) continue;
    for (const stop of ['<your-token>', 'xxxxxxxxxxxxxxxx', 'YOUR_API_KEY', 'changeme']) {
      const text = write('acme', stop);
      // A word where a password is named may be the password.
      if (
        /pass|pwd|dsn|ado|jdbc|odbc|mongo|redis|amqp|mysql|netrc|pypirc|npmrc2|dlogin|gitcfg|gradle/i.test(
          dialect,
        )
      )
        continue;
      if (masker.text(text).text !== text) touched.push(`${dialect}: ${stop} -> ${masker.text(text).text}`);
    }
  }
  assert.deepEqual(touched, []);
});
