import * as fc from '../../support/fast-check.ts';

/** How often each property is tried; `npm run fuzz` sets many more. */
export const runs = { numRuns: Number(process.env['HOLDPOINT_FUZZ_RUNS'] ?? 2000) };

const space = fc.constantFrom('', '', '', ' ', '\n', '\t', ' \r\n ');

/** Names that lead deep, twice the same in different spellings, and names of prototypes. */
const names = fc.constantFrom(
  'a',
  'name',
  'n\\u0061me',
  'method',
  'params',
  'id',
  'arguments',
  'holdpoint_intent',
  '__proto__',
  'constructor',
  '',
  '\\ud83d\\ude00',
  '😀',
);

const strings = fc.oneof(
  names,
  fc.constantFrom(
    '\\ud800',
    '\\udc00\\ud800',
    '\\"',
    '\\\\',
    '\\/\\b\\f\\n\\r\\t',
    '\\u0000',
    '}',
    '],\\"',
    'ſ',
  ),
  fc.string().map((text) => JSON.stringify(text).slice(1, -1)),
);

const numbers = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1',
    '9007199254740993',
    '12345678901234567890',
    '1e400',
    '-1.5E+3',
    '0.1e-7',
    '1.0',
  ),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);

const grammar = fc.letrec<{ value: string; object: string; array: string; member: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
    strings.map((text) => `"${text}"`),
    numbers,
    fc.constantFrom('true', 'false', 'null'),
    tie('object'),
    tie('array'),
  ),
  member: fc
    .tuple(fc.oneof(names, strings), space, space, tie('value'))
    .map(([name, before, after, value]) => `"${name}"${before}:${after}${value}`),
  object: fc
    .tuple(space, fc.array(fc.tuple(tie('member'), space), { maxLength: 3 }))
    .map(([first, members]) => `{${first}${members.map(([member, after]) => member + after).join(',')}}`),
  array: fc
    .tuple(space, fc.array(fc.tuple(tie('value'), space), { maxLength: 3 }))
    .map(([first, values]) => `[${first}${values.map(([value, after]) => value + after).join(',')}]`),
}));

/** JSON texts by the grammar: valid ones, but for keys that occur twice and halves of surrogate pairs. */
export const jsonText: fc.Arbitrary<string> = fc
  .tuple(space, grammar.value, space)
  .map(([before, value, after]) => before + value + after);

/** The same, of objects. */
export const objectText: fc.Arbitrary<string> = grammar.object;

/** Texts with some characters put in, taken out or replaced: nearly what they were. */
export function mutated(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.integer({ min: 0, max: 3 }),
    put: fc.constantFrom(
      '',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      'u',
      '\u0000',
      '\ud800',
      '\u2028',
      '\ufeff',
      ' ',
    ),
  });
  return fc.tuple(texts, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([text, edits]) =>
    edits.reduce((now, { at, cut, put }) => {
      const place = Math.floor(at * now.length);
      return now.slice(0, place) + put + now.slice(place + cut);
    }, text),
  );
}

/** JSON-RPC messages: good ones, and ones with members that are missing, of another kind, or too many. */
export const rpcText: fc.Arbitrary<string> = fc
  .record({
    jsonrpc: fc.constantFrom(
      '"jsonrpc":"2.0"',
      '"jsonrpc":"2.0"',
      '"jsonrpc":"2.0"',
      '"jsonrpc":"2.0"',
      '"jsonrpc":"2.0"',
      '"jsonrpc":"2.0"',
      '"jsonrpc":"2.0"',
      '"jsonrpc":2.0',
      '',
    ),
    id: fc.constantFrom(
      '"id":1',
      '"id":2',
      '"id":-3',
      '"id":"y"',
      '"id":"x"',
      '"id":null',
      '"id":1.5',
      '"id":12345678901234567890',
      '"id":[]',
      '',
    ),
    method: fc.constantFrom(
      '"method":"tools/call"',
      '"method":"tools/list"',
      '"method":"a"',
      '"method":"b"',
      '"method":"ping"',
      '"m\\u0065thod":"x"',
      '"method":7',
      '',
    ),
    params: fc.oneof(
      fc.constant(''),
      objectText.map((text) => `"params":${text}`),
      jsonText.map((text) => `"params":${text}`),
    ),
    result: fc.oneof(
      { weight: 4, arbitrary: fc.constant('') },
      { weight: 1, arbitrary: objectText.map((text) => `"result":${text}`) },
    ),
    error: fc.constantFrom('', '', '', '"error":{"code":1,"message":"m"}', '"error":null'),
    more: fc.constantFrom('', '', '', '', '"x":1', '"id":2'),
    order: fc.nat(),
  })
  .map(({ order, ...members }) => {
    const present = Object.values(members).filter((member) => member !== '');
    const turned = [
      ...present.slice(order % (present.length + 1)),
      ...present.slice(0, order % (present.length + 1)),
    ];
    return `{${turned.join(', ')}}`;
  });

/** A text or bytes cut into pieces at places that have nothing to do with what it says. */
export function cut<T extends { slice(start: number, end: number): T; length: number }>(
  whole: T,
  places: readonly number[],
): T[] {
  const at = [...new Set(places.map((place) => Math.floor(place * whole.length)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => whole.slice(start, at[index] ?? whole.length));
}

/** Places for {@link cut}. */
export const places: fc.Arbitrary<number[]> = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
  maxLength: 8,
});
