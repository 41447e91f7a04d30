import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainMarkdown } from '../../workflows/markdown.ts';

test('text stays text in Markdown: no markup, HTML, entity or link comes of it', () => {
  assert.equal(
    plainMarkdown('**bold** [a](http://evil.example)'),
    '\\*\\*bold\\*\\* \\[a\\]\\(http\\[:\\]//evil\\.example\\)',
  );
  assert.equal(plainMarkdown('<img src=x onerror=alert(1)>'), '\\<img src=x onerror=alert\\(1\\)\\>');
  assert.equal(plainMarkdown('&lt; www.evil.example'), '&amp;lt; www\\[\\.\\]evil\\.example');
});

test('line breaks, controls and bidirectional characters become one space', () => {
  assert.equal(plainMarkdown('a\n# b\u202Ec\u0000\u200Bd\u2028e'), 'a \\# b c d e');
});

test('what is cut is marked', () => {
  assert.match(plainMarkdown('x'.repeat(500)), /^x{400} \\\[…\\\]$/);
});
