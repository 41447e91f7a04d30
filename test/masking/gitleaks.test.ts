import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { readGitleaksRules } from '../../masking/gitleaks.ts';
import { readToml, TomlError } from '../../masking/toml.ts';

const rules = `
title = "own rules"
[allowlist]
description = "shared"
regexes = ['''^acme_0{20}$''']
stopwords = [ "example", ]

[[rules]]
id = "Acme_Token"
description = "an Acme token"
regex = '''(?i)[\\w.-]{0,50}?(?:acme)(?:[ \\t\\w.-]{0,20})[\\s'"]{0,3}(?:=|:)[\\x60'"\\s=]{0,5}(acme_[a-z0-9]{20})(?:[\\x60'"\\s;]|\\\\[nr]|$)'''
entropy = 3
keywords = [
  "acme", # the vendor's name
]
[[rules.allowlists]]
regexes = ['''^acme_b+''']

[[rules]]
id = "some-file"
path = '''secret\\.txt$'''
`;

test('a rule file in gitleaks form is used as it is: keywords, entropy, groups, allow-lists', () => {
  const read = readGitleaksRules(rules);
  assert.ok(read.ok);
  assert.deepEqual(read.file.skipped, [
    { name: 'some-file', reason: 'it looks at paths, which messages do not have' },
  ]);
  const masker = createMaskingEngine(
    loadMaskingConfig({ default: { detect: [] }, ruleFiles: ['own.toml'] }, () => rules),
  ).masker('default');
  assert.equal(
    masker.text('ACME-key = "acme_q7x4vk9z2jw8mt5phb3n"').text,
    'ACME-key = "[masked:acme-token]"',
  );
  for (const harmless of [
    'acme_00000000000000000000',
    'acme_bbbbbq7x4vk9z2jw8mt',
    'acme_exampleq7x4vk9z2jw',
    'acme_aaaaaaaaaaaaaaaaaaaa',
  ]) {
    assert.equal(masker.text(`acme: ${harmless} `).text, `acme: ${harmless} `);
  }
});

test('a rule file with a rule that cannot be used is refused, not used in part', () => {
  const bad = `${rules}\n[[rules]]\nid = "ahead"\nregex = '''a(?=b)'''\n`;
  const problems = checkMaskingConfig({ ruleFiles: ['own.toml'] }, () => bad);
  assert.match(problems[0]?.message ?? '', /own\.toml: rule ahead: lookaround/);
  assert.match(
    checkMaskingConfig({ ruleFiles: ['own.toml'] }, () => '[[rules]]\nid = "x').at(0)?.message ?? '',
    /line 2: string is not closed/,
  );
  assert.match(checkMaskingConfig({ ruleFiles: ['own.toml'] })[0]?.message ?? '', /cannot be read here/);
});

test('TOML is read as written, and mistakes are told with their line', () => {
  const table = readToml(
    `a = "x\\ty" # c\nb = 'raw\\t'\nc = """\nlong "quoted"\\u0041"""\n[t.u]\nn = -1_000.5\n[[l]]\nk = [1, [true, "z"],]\n[[l]]\n`,
  );
  assert.deepEqual(JSON.parse(JSON.stringify(table)), {
    a: 'x\ty',
    b: 'raw\\t',
    c: 'long "quoted"A',
    t: { u: { n: -1000.5 } },
    l: [{ k: [1, [true, 'z']] }, {}],
  });
  for (const [text, line] of [
    ['a = 1\na = 2', 2],
    ['a = ', 1],
    ['x\ny', 1],
    ['a = [1\n', 2],
    ['\n\na = "b', 3],
    ['a = 1 2', 1],
    ['[a', 1],
  ] as const) {
    assert.throws(
      () => readToml(text),
      (error: unknown) => error instanceof TomlError && error.line === line,
      text,
    );
  }
  assert.equal(Object.getPrototypeOf(readToml('__proto__ = 1')), null);
});
