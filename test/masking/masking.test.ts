import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import { checkMaskingConfig, defaultMaskingConfig, loadMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { builtinDetectors } from '../../masking/detectors.ts';
import { prefixRules } from '../../masking/detect/vendor-tokens.ts';
import { createMaskMemory } from '../../masking/known-values.ts';
import { readShape } from '../../masking/rules/shape.ts';
import { scanJson } from '../../masking/scan.ts';
import { layouts, negatives, positives } from './corpus.ts';

const key = new Uint8Array(32).fill(7);
const masker = createMaskingEngine(defaultMaskingConfig, key).masker('default');
const profile = (masking: unknown) => createMaskingEngine(loadMaskingConfig(masking), key).masker('default');
const reply = (text: string): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } });
const leaks = (text: string, value: string): boolean =>
  text.includes(value) ||
  text.includes(JSON.stringify(value).slice(1, -1)) ||
  text.includes(encodeURIComponent(value));
const github = readShape('ghp_{w36}').sample(99);

test('every detector catches its own samples in every layout', () => {
  const missed: string[] = [];
  for (const sample of positives()) {
    for (const [name, layout] of Object.entries(layouts)) {
      const { text } = masker.message(reply(layout(sample.lead, sample.value)));
      if (leaks(text, sample.hidden)) missed.push(`${sample.detector} in ${name}: ${sample.value}`);
    }
  }
  assert.deepEqual(missed, []);
});

test('near misses and everyday replies are left as they are', () => {
  const touched = negatives.filter(
    (text) => masker.text(text).text !== text || masker.message(reply(text)).text !== reply(text),
  );
  assert.deepEqual(touched, []);
});

test('every way of writing an assignment gives its value away, and is masked', () => {
  const token = 'q7X4vK9z2Jw8Mt5PhB3n9d';
  const password = 'Tr0ub4dor&3';
  const dialects = [
    ...[
      `MY_TOKEN=${token}`,
      `"myToken": "${token}"`,
      `var myToken string = "${token}"`,
      `myToken := "${token}"`,
      `:my_token => "${token}"`,
      `<myToken>\n  ${token}\n</myToken>`,
      `("myToken", "${token}")`,
      `--my-token ${token}`,
      `| my_token | ${token} |`,
      `<add key="ServiceToken" value="${token}" />`,
      `- name: SERVICE_TOKEN\n  value: ${token}`,
      `https://x.io/cb?access_token=${token}&x=1`,
      `curl -H "X-Api-Key: ${token}" https://x`,
      `Authorization: Bearer ${token}`,
      `Cookie: session=${token}; theme=dark`,
      `{\\"token\\":\\"${token}\\"}`,
      `api key: ${token}`,
    ].map((text) => [text, token] as const),
    ...[
      `password=${password}`,
      `Password: ${password}`,
      `Server=x;Uid=sa;Pwd=${password};Encrypt=yes`,
      `postgres://bob:${password}@db/x`,
      `redis://:${password}@h:6379`,
      `the password is ${password}`,
      `password: |\n  ${password}`,
      `curl -u bob:${password} https://x`,
      `IDENTIFIED BY '${password}'`,
      `ENV DB_PASSWORD ${password}`,
      `id,name,password\n1,bob,"${password}"\n`,
      `id;passwd\n1;${password}`,
      ` id | password \n----+----------\n  1 | ${password} \n`,
    ].map((text) => [text, password] as const),
  ];
  const missed = dialects
    .filter(([text, value]) => leaks(masker.text(text).text, value))
    .map(([text]) => text);
  assert.deepEqual(missed, []);
});

test('a value is seen through folding, percent, entities, escapes, base64 and nesting', () => {
  const email = 'alice@example.com';
  const disguises = [
    'alice%40example.com',
    'alice&#64;example.com',
    'alice&commat;example.com',
    'alice\\u0040example.com',
    'al\u200bice@exam\u00adple.com',
    'ａｌｉｃｅ＠example．com',
    Buffer.from(`contact: ${email} today`).toString('base64'),
    Buffer.from(`contact: ${email} today`).toString('base64url'),
    `data:text/plain;base64,${Buffer.from(`contact: ${email} today`).toString('base64')}`,
    JSON.stringify(JSON.stringify(JSON.stringify({ email }))),
    `{"a":1}\n{"email":"${email}"}\n`,
  ];
  for (const disguise of disguises) {
    const { text, findings } = masker.json(JSON.stringify({ note: disguise }));
    assert.ok(findings.length > 0 && !leaks(text, disguise), disguise);
  }
  for (const card of [
    '４１１１ １１１１ １１１１ １１１１',
    '4111\u20111111\u20111111\u20111111',
    '4111\u200b1111\u200b1111\u200b1111',
    '4111\u00a01111\u00a01111\u00a01111',
  ]) {
    assert.match(masker.text(`card ${card} ok`).text, /^card \[masked:payment-card\] ok$/, card);
  }
});

test('only planted spans change: shape, order, numbers and escapes stay byte for byte', () => {
  const secret = fc.constantFrom(
    github,
    'alice@example.com',
    '4111 1111 1111 1111',
    'DE89370400440532013000',
  );
  const plain = fc.string({
    unit: fc.constantFrom('a', ' ', '\n', '"', '\\', 'é', '😀', 'x', '.'),
    maxLength: 12,
  });
  const leaf = fc.oneof(
    plain,
    fc.integer({ min: -99, max: 99 }),
    fc.boolean(),
    fc.constant(null),
    fc.tuple(plain, secret, plain).map(([a, s, b]) => ({ planted: s, text: `${a} ${s} ${b}` })),
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('tree'), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, fc.nat(2), (value, indent) => {
      const text = JSON.stringify(
        { jsonrpc: '2.0', id: 1, result: { structuredContent: value } },
        null,
        indent,
      );
      const { text: out } = masker.message(text);
      const expected = [github, 'alice@example.com', '4111 1111 1111 1111', 'DE89370400440532013000'].reduce(
        (all, each) => all.replaceAll(` ${each} `, ` ${marker(each)} `),
        text.replaceAll(/"planted":( ?)"[^"]*"/g, (whole) =>
          whole.replace(/"(?:ghp_|alice|4111|DE89)[^"]*"/, (quoted) => `"${marker(quoted.slice(1, -1))}"`),
        ),
      );
      assert.equal(out, expected);
      assert.equal(masker.message(out).text, out);
    }),
    { numRuns: 1_500 },
  );
});

function marker(value: string): string {
  const detector = value.startsWith('ghp_')
    ? 'github-token'
    : value.startsWith('alice')
      ? 'email'
      : value.startsWith('4')
        ? 'payment-card'
        : 'iban';
  return `[masked:${detector}]`;
}

test('any text at all is masked without an error, stays JSON, and masking twice changes nothing', () => {
  const piece = fc.constantFrom(
    github,
    'password: ',
    'token=',
    '"',
    '\\',
    '[masked:email]',
    '[masked:',
    '[[email:',
    ']]',
    '@',
    'a@b.co',
    '://u:p@h',
    '4111111111111111',
    '-----BEGIN RSA PRIVATE KEY-----',
    '\n',
    '{',
    '}',
    ',',
    '%40',
    '\\u0040',
    '１',
    '\u200b',
    'eyJhbGciOiJIUzI1NiJ9.e30.',
    'Bearer ',
    '| a | b |',
    'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=',
    'x',
    '1985-01-01',
    'born ',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 14 }), (pieces) => {
      const text = pieces.join('');
      const once = masker.text(text).text;
      assert.equal(masker.text(once).text, once);
      const message = JSON.stringify({ note: text });
      if (!text.isWellFormed()) return;
      const masked = masker.json(message).text;
      scanJson(masked);
      assert.equal(masker.json(masked).text, masked);
    }),
    { numRuns: 6_000 },
  );
});

test('what the protocol works with stays, in requests, results, errors and notifications', () => {
  const odd = github;
  const messages = [
    {
      jsonrpc: '2.0',
      id: odd,
      method: 'tools/call',
      params: { name: odd, arguments: {}, _meta: { progressToken: odd } },
    },
    { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: odd, progress: 1 } },
    { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: odd } },
    {
      jsonrpc: '2.0',
      id: 1,
      result: {
        nextCursor: odd,
        tools: [
          {
            name: odd,
            inputSchema: {
              type: 'object',
              properties: { password: { type: 'string' }, ssn: { type: 'string', pattern: '^x$' } },
            },
          },
        ],
      },
    },
    { jsonrpc: '2.0', id: 1, result: { resultType: 'task', taskId: odd } },
  ];
  for (const message of messages)
    assert.equal(masker.message(JSON.stringify(message)).text, JSON.stringify(message));
});

test('a secret is masked wherever a message can carry a string', () => {
  const s = `see ${github}`;
  const places = [
    { params: { name: 'x', arguments: { deep: [{ deeper: s }] } }, method: 'tools/call', id: 1 },
    {
      id: 1,
      result: { content: [{ type: 'text', text: s }], structuredContent: { a: s }, _meta: { note: s } },
    },
    {
      id: 1,
      result: { content: [{ type: 'resource', resource: { uri: `file:///x?token=${github}`, text: s } }] },
    },
    {
      id: 1,
      result: {
        contents: [{ uri: 'file:///x', mimeType: 'text/plain', blob: Buffer.from(s).toString('base64') }],
      },
    },
    {
      id: 1,
      result: {
        tools: [
          { name: 'x', description: s, inputSchema: { type: 'object', properties: { a: { default: s } } } },
        ],
      },
    },
    { id: 1, result: { messages: [{ role: 'user', content: { type: 'text', text: s } }] } },
    { id: 1, error: { code: -1, message: s, data: { stack: [s] } } },
    { method: 'notifications/progress', params: { progressToken: 1, message: s } },
    { method: 'notifications/message', params: { level: 'info', data: s } },
    {
      method: 'elicitation/create',
      id: 2,
      params: { message: s, requestedSchema: { type: 'object', properties: {} } },
    },
    { id: 1, result: { [github]: 'key' } },
    [{ id: 1, result: { content: [{ type: 'text', text: s }] } }],
  ];
  for (const place of places) {
    const { text } = masker.message(JSON.stringify(place));
    assert.ok(
      !text.includes(github) && !text.includes(Buffer.from(github).toString('base64').slice(4, 40)),
      JSON.stringify(place),
    );
    scanJson(text);
  }
});

test('a value once judged secret is masked wherever else it stands, also in later messages of the session', () => {
  const memory = createMaskMemory();
  const session = createMaskingEngine(defaultMaskingConfig, key).masker('default', { memory });
  const first = session.message(
    reply(JSON.stringify({ password: 'blue-Harbor-77', log: 'tried blue-Harbor-77 twice' })),
  );
  assert.ok(!first.text.includes('blue-Harbor-77'));
  assert.ok(!session.message(reply('still blue-Harbor-77 here')).text.includes('blue-Harbor-77'));
  assert.ok(masker.message(reply('still blue-Harbor-77 here')).text.includes('blue-Harbor-77'));
});

test('numbers become numbers of the same kind', () => {
  const { text } = masker.json(
    '{"card":4111111111111111,"ssn":536228145,"cvv":123,"price":19.99,"id":12345678901234567890}',
  );
  assert.equal(
    text,
    '{"card":1000000000000000,"ssn":100000000,"cvv":100,"price":19.99,"id":12345678901234567890}',
  );
});

test('operators replace as they say, and each result is left alone the second time', () => {
  const text = JSON.stringify({ a: 'write alice@example.com', c: '4111 1111 1111 1111' });
  const expected: Readonly<Record<string, RegExp>> = {
    redact: /"write \[masked:email\]","c":"\[masked:payment-card\]"/,
    partial: /\[masked:email …ecom\]|\[masked:email …ecom\]|\[masked:payment-card …1111\]/,
    hash: /\[masked:email #[0-9a-f]{32}\]/,
    pseudonym: /\[masked:email ~[0-9a-f]{8}\]/,
    format: /"write xxxxx@masked\.invalid","c":"0000 0000 0000 0000"/,
    drop: /"write ","c":""/,
    token: /\[masked:email\]/,
  };
  for (const [operator, pattern] of Object.entries(expected)) {
    const chosen = profile({ default: { operators: { pii: operator, payment: operator } } });
    const once = chosen.json(text).text;
    assert.match(once, pattern);
    assert.equal(chosen.json(once).text, once, operator);
  }
});

test('fields and paths of a profile are masked or kept as they say', () => {
  const chosen = profile({
    default: {
      detect: ['secrets'],
      fields: { 'customer-note': 'redact', '$.order.items[*].sku': 'drop', '$.order.contact': 'keep' },
    },
  });
  const { text } = chosen.json(
    JSON.stringify({
      customerNote: 'likes tea',
      order: { items: [{ sku: 'A1' }, { sku: 'B2' }], contact: github },
    }),
  );
  assert.equal(
    text,
    JSON.stringify({
      customerNote: '[masked:field]',
      order: { items: [{ sku: '' }, { sku: '' }], contact: github },
    }),
  );
});

test('a field that policy names is hidden whatever stands in it, and what masking has left itself stays', () => {
  const said = [
    'a',
    'xxxx',
    '****',
    `\${NOTE}`,
    'null',
    'none',
    'string',
    'changeme',
    'please replace this part: he is ill',
    '[masked:nothing of ours] and more',
    '[[field:AAAAAAAAAAAAAAAAAAAAAAAA]]',
    'likes tea',
  ];
  const tokens = { key: new Uint8Array(64).fill(9), connection: 'crm' };
  for (const operator of ['redact', 'partial', 'hash', 'pseudonym', 'format', 'drop', 'token'] as const) {
    const config = loadMaskingConfig({ default: { detect: ['secrets'], fields: { note: operator } } });
    const chosen = createMaskingEngine(config).masker('default', { tokens });
    for (const value of said) {
      const { text } = chosen.json(JSON.stringify({ note: value, other: 1 }));
      const shown = (JSON.parse(text) as { note: string }).note;
      if (operator === 'format') assert.doesNotMatch(shown, /[abd-wyzABD-WYZ]/, `${value}: ${shown}`);
      else
        assert.match(shown, /^(?:|\[masked:field(?: [^\]]+)?\]|\[\[field:[\w-]+\]\])$/, `${value}: ${shown}`);
      assert.equal(chosen.json(text).text, text, `${operator}: masking twice changes nothing`);
    }
  }
});

test('detectors that are switched off find nothing', () => {
  const chosen = profile({ default: { detect: ['secrets'], except: ['github-token'] } });
  assert.equal(
    chosen.text(`alice@example.com 4111111111111111 ${github}`).text,
    `alice@example.com 4111111111111111 ${github}`,
  );
});

test('a wrong masking config is refused with the way to every mistake', () => {
  const problems = checkMaskingConfig({
    default: {
      detect: ['secrets', 'nonsense'],
      fields: { a: 'shred', '$..b': 'drop' },
      operators: { emial: 'redact' },
      extra: 1,
    },
    detectors: [
      { name: 'Bad', pattern: 'x' },
      { name: 'slow', pattern: '(?=a)b' },
      { name: 'wrong', pattern: 'a+', examples: ['bbb'] },
    ],
  });
  assert.deepEqual(
    problems.map((problem) => problem.path.join('.')),
    [
      'detectors.0.name',
      'detectors.1',
      'detectors.2',
      'default.extra',
      'default.detect.1',
      'default.fields.a',
      'default.fields.$..b',
      'default.operators.emial',
    ],
  );
  assert.deepEqual(checkMaskingConfig(undefined), []);
});

test("a user's detector finds what it describes, near its keywords", () => {
  const chosen = profile({
    detectors: [
      { name: 'badge', pattern: '\\bBDG-(\\d{6})\\b', keywords: ['badge'], examples: ['BDG-123456'] },
    ],
  });
  assert.equal(chosen.text('badge BDG-123456 in').text, 'badge BDG-[masked:badge] in');
  assert.equal(chosen.text('part BDG-123456 in').text, 'part BDG-123456 in');
});

test('images and other binary content are kept, or dropped with type, size and hash', () => {
  const message = JSON.stringify({
    id: 1,
    result: {
      content: [
        {
          type: 'image',
          mimeType: 'image/png',
          data: Buffer.from([137, 80, 78, 71, 1, 2, 3]).toString('base64'),
        },
      ],
    },
  });
  assert.equal(masker.message(message).text, message);
  const dropping = profile({ default: { images: 'drop' } });
  const { text } = dropping.message(message);
  const data =
    (JSON.parse(text) as { result: { content: { data: string }[] } }).result.content[0]?.data ?? '';
  assert.match(
    Buffer.from(data, 'base64').toString(),
    /^\[dropped image\/png, 7 bytes, sha256 [0-9a-f]{64}\]$/,
  );
  assert.equal(dropping.message(text).text, text);
});

test('findings name detector and place and never the value', () => {
  const { findings } = masker.message(reply(JSON.stringify({ user: { mail: 'alice@example.com' } })));
  assert.deepEqual(
    findings.map(({ detector, path, operator }) => ({ detector, path, operator })),
    [{ detector: 'email', path: '$.result.content[0].text→$.user.mail', operator: 'redact' }],
  );
});

test('every rule names its source and belongs to a family', () => {
  for (const rule of prefixRules)
    assert.ok(rule.source.length > 5 && builtinDetectors.get(rule.name) === 'secrets', rule.name);
});

test('what stands in a container named for secrets or passwords is judged by that name', () => {
  const { text } = masker.json(
    '{"secrets":{"stripe":"k7-Qz4-vb9-Lm2"},"api_keys":["abcd1234efgh5678"],"passwords":["$ecretPass1","$DB_PASSWORD"],"tokens":17}',
  );
  assert.equal(
    text,
    '{"secrets":{"stripe":"[masked:credential]"},"api_keys":["[masked:credential]"],"passwords":["[masked:password]","$DB_PASSWORD"],"tokens":17}',
  );
});
