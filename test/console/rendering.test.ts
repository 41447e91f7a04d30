import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import { escapeHtml } from '../../console/html.ts';
import { jsonView } from '../../console/json-view.ts';
import { visible, visibleText } from '../../console/visible.ts';

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#96': '`' };

/** Reads rendered text back: what a person sees, with each labelled character put back. */
function readBack(markup: string): string {
  return markup
    .replace(/<span class="newline"[^>]*>↵<\/span>/g, '')
    .replace(/<span class="control"[^>]*>U\+([0-9A-F]+)[^<]*<\/span>/g, (_, code: string) =>
      String.fromCodePoint(Number.parseInt(code, 16)),
    )
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot|#39|#96);/g, (_, name: string) => entities[name] ?? '');
}

/** Strings full of what attackers use. */
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '<script>',
        '</pre>',
        '"',
        "'",
        '&lt;',
        '\n',
        '\r\n',
        '\t',
        '\0',
        '\u202e',
        '\u200b',
        '\u2066',
        '\u00a0',
        '\ufeff',
        '\u{e0041}',
        '[masked:email]',
        '⟨U+202E⟩',
        '\ud800',
        '  ',
      ),
    ),
  )
  .map((parts) => parts.join(''));

test('whatever text is shown, nothing of it is left out, changed or reordered', () => {
  fc.assert(
    fc.property(hostile, (text) => assert.equal(readBack(visible(text).toString()), text)),
    { numRuns: 500 },
  );
});

test('nothing invisible and no markup of others reaches a page', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const markup = visible(text).toString();
      assert.doesNotMatch(markup.replaceAll('\n', ''), /(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/u);
      const tags = markup.replace(
        /<span class="(?:newline|control)" title="[\w -]+">|<mark class="masked" title="[\w ]+">|<\/span>|<\/mark>/g,
        '',
      );
      assert.doesNotMatch(tags, /[<>"']/);
    }),
    { numRuns: 500 },
  );
});

test('every string, key and number of any JSON stands on the page digit by digit', () => {
  fc.assert(
    fc.property(fc.dictionary(hostile, fc.oneof(hostile, fc.array(hostile), fc.integer())), (value) => {
      const page = readBack(jsonView(JSON.stringify(value)).toString());
      for (const [key, member] of Object.entries(value)) {
        assert.ok(page.includes(key));
        for (const leaf of Array.isArray(member) ? member : [member]) assert.ok(page.includes(String(leaf)));
      }
    }),
    { numRuns: 200 },
  );
  for (const number of ['12345678901234567890', '1e3', '-0', '1.10', '0.1e-7'])
    assert.ok(readBack(jsonView(`{"n":${number}}`).toString()).includes(number));
});

test('text that is not JSON is shown as the text it is, however deep or broken', () => {
  for (const text of [
    '',
    '{',
    '{"a":1}x',
    '{"a":1,}',
    '"\\ud8',
    'nul',
    '['.repeat(5000),
    '{"a":"\\x"}',
    '01',
  ])
    assert.equal(readBack(jsonView(text).toString()).replace(/^"" \(empty text\)/, ''), text);
});

test('on a terminal nothing of a text moves the cursor or changes direction', () => {
  fc.assert(
    fc.property(hostile, (text) => assert.doesNotMatch(visibleText(text), /(?! )[\p{Cc}\p{Cf}\p{Cs}\p{Z}]/u)),
  );
});

test('escaped text cannot end an attribute or begin a tag', () => {
  fc.assert(fc.property(hostile, (text) => assert.doesNotMatch(escapeHtml(text), /[<>"'`\0]/)));
});
