import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultMaskingConfig } from '../../masking/check-config.ts';
import { createMaskingEngine } from '../../masking/create.ts';
import { createMaskMemory, createKnownFinder, remember } from '../../masking/known-values.ts';
import type { Span } from '../../masking/span.ts';

const engine = createMaskingEngine(defaultMaskingConfig);
const masker = engine.masker('default');
const secret = 'Qz7vT2mX9a';

test('a secret named at the end is hidden in strings that were read before, however often and however written', () => {
  const line = `the ref is ${secret} for now`;
  const text = JSON.stringify({
    rows: [
      { note: line, remark: 'nothing to see here' },
      { note: line, remark: 'nothing to see here' },
      { note: `percent ${secret.replace('Q', '%51')} and so on` },
      { note: `run ${Buffer.from(`some words, then ${secret} and more`).toString('base64')} end` },
      { note: JSON.stringify({ inner: line, remark: 'nothing to see here' }) },
      { note: `${JSON.stringify({ inner: line })}\n${JSON.stringify({ inner: line })}` },
    ],
    password: secret,
  });
  const masked = masker.json(text).text;
  const rows = (JSON.parse(masked) as { rows: { note: string }[] }).rows;
  assert.ok(!masked.includes(secret), masked);
  assert.ok(!masked.includes(secret.replace('Q', '%51')), masked);
  const run = /run (\S+) end/.exec(rows[3]?.note ?? '')?.[1] ?? '';
  assert.match(Buffer.from(run, 'base64').toString(), /^some words, then \[masked:/);
  assert.equal(masked.match(/nothing to see here/g)?.length, 3);
  assert.equal(masker.json(masked).text, masked);
});

test('the same string is judged anew under another name and at another depth', () => {
  const value = 'correct horse battery';
  const text = JSON.stringify({ note: value, password: value, again: { note: value } });
  assert.ok(!masker.json(text).text.includes(value));
  const number = '4711 0815 22';
  const named = JSON.stringify({ title: `my ${number}`, phone: `my ${number}` });
  assert.match(masker.json(named).text, /"title":"my 4711 0815 22","phone":"my \[masked:phone\]"/);
});

/** Where values stand, told by asking at every offset. */
function slowly(values: readonly string[], text: string): Set<number> {
  const hidden = new Set<number>();
  for (const value of values) {
    for (let at = 0; at + value.length <= text.length; at += 1) {
      if (!text.startsWith(value, at)) continue;
      const around = `${text.charAt(at - 1)}${text.charAt(at + value.length)}`;
      if (value.length < 12 && /[A-Za-z0-9]/.test(around)) continue;
      for (let i = at; i < at + value.length; i += 1) hidden.add(i);
    }
  }
  return hidden;
}

test('every known value is found, those that overlap or hold one another too', () => {
  const values = [
    'abc-123-x',
    'abc-123-xyz-long',
    '123-x yz 99',
    'é-ümlaut-9',
    'zz-1234',
    'long-value-77',
    'ong-value-7',
  ];
  for (let i = 0; i < 90; i += 1) values.push(`filler-${i * 7919}-value`);
  const pieces = [...values, ' ', '-', 'x', 'abc-12', 'value'];
  let seed = 7;
  for (const count of [3, 7, values.length]) {
    const some = values.slice(0, count);
    const find = createKnownFinder(new Map(some.map((value) => [value, 'credential'])));
    for (let round = 0; round < 200; round += 1) {
      let text = '';
      for (let i = 0; i < 12; i += 1) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        text += `${pieces[(seed >>> 8) % (round % 2 === 0 ? 12 : pieces.length)]}${(seed & 0x4000) === 0 ? ' ' : ''}`;
      }
      const out: Span[] = [];
      find(text, out);
      const covered = new Set(
        out.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
      );
      assert.deepEqual(
        [...covered].sort((a, b) => a - b),
        [...slowly(some, text)].sort((a, b) => a - b),
        text,
      );
    }
  }
});

test('a known value is hidden however its writer escapes it, in the same message and in later ones', () => {
  const writers: Record<string, (value: unknown) => string> = {
    plain: (value) => JSON.stringify(value),
    go: (value) => escaped(JSON.stringify(value), /[<>&]/g),
    dotnet: (value) => escaped(JSON.stringify(value), /[<>&'+`]|[^ -~]/g),
    php: (value) => escaped(JSON.stringify(value).replaceAll('/', '\\/'), /[<>&']|[^ -~]/g),
  };
  for (const mark of ['&', '<', '>', "'", '+', '`', '"', '\\', '/', 'ü'])
    for (const [name, write] of Object.entries(writers)) {
      const value = `blue${mark}Harbor-77`;
      const memory = createMaskMemory();
      const session = engine.masker('default', { memory });
      const said = `say ${value} now`;
      const same = session.message(write({ result: { said, password: value } })).text;
      const later = session.message(write({ result: { said } })).text;
      const nested = session.message(write({ result: { text: write({ said }) } })).text;
      for (const text of [same, later, nested]) {
        assert.doesNotMatch(text, /Harbor-77/, `${name} ${mark}`);
        assert.match(text, /say \[masked:password\] now/, `${name} ${mark}`);
      }
    }
});

function escaped(json: string, what: RegExp): string {
  return json.replace(what, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

test('what a session remembers later is looked for in its next message', () => {
  const memory = createMaskMemory();
  const session = engine.masker('default', { memory });
  remember(memory, 'first-Value-81', 'credential');
  assert.ok(!session.text('here first-Value-81 stands').text.includes('first-Value-81'));
  remember(memory, 'other-Value-92', 'credential');
  assert.ok(!session.text('here other-Value-92 stands').text.includes('other-Value-92'));
});
