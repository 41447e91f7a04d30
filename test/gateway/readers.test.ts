import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../support/fast-check.ts';
import { guardedLookup, refuseAddressOf } from '../../gateway/upstreams/address-guard.ts';
import { createLineReader } from '../../gateway/upstreams/line-reader.ts';
import { secretRemover } from '../../gateway/upstreams/own-secrets.ts';
import { decodeHeaderValue, encodeHeaderValue } from '../../gateway/mcp/mirror-headers.ts';
import { parseJson } from '../../gateway/mcp/parse-json.ts';
import { paramSpan, readRpcMessage, withId } from '../../gateway/mcp/rpc-message.ts';
import { readByReference } from './fuzz/reference.ts';
import { createSseReader, type SseEvent } from '../../gateway/mcp/sse-reader.ts';
import { membersAt, readStrictJson, StrictJsonError } from '../../gateway/mcp/strict-json.ts';

const strict = { depth: 64, loneSurrogates: 'refuse' } as const;

describe('strict JSON', () => {
  test('accepts every JSON text without duplicate keys or lone surrogates, and means what another reader finds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'medium' }), fc.constantFrom(0, 1, 3), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        if (/\\u[dD][89a-fA-F]/.test(text)) return;
        const json = readStrictJson(text, strict);
        const whole = readByReference(text).value;
        assert.deepEqual(json.value, whole);
        for (const [key, { start, end }] of json.members ?? [])
          assert.deepEqual(
            readByReference(text.slice(start, end)).value,
            (whole as Record<string, unknown>)[key],
          );
        for (const [index, { start, end }] of (json.elements ?? []).entries())
          assert.deepEqual(readByReference(text.slice(start, end)).value, (whole as unknown[])[index]);
      }),
      { numRuns: 2000 },
    );
  });

  test('a key written with an escape is the key that rules see, whatever was read before it', () => {
    // What makes V8 take a key for one that it has seen (nodejs/node#63785): the same shape, and a key that ends in `\\`.
    readStrictJson('{"tool":[],"c\\\\":0}', strict);
    for (const [written, key] of [
      ['c\\u006dd', 'cmd'],
      ['c\\"', 'c"'],
      ['c\\n', 'c\n'],
      ['c\\\\', 'c\\'],
    ] as const) {
      const text = `{"tool":1,"${written}":"rm -rf /"}`;
      for (const value of [readStrictJson(text, strict).value, parseJson(text)])
        assert.deepEqual(Object.keys(value as object), ['tool', key]);
    }
    assert.deepEqual(Object.keys(parseJson('{"\\u005f_proto__":{"admin":true}}') as object), ['__proto__']);
  });

  test('any text at all is read or refused with a reason, and nothing that JSON.parse refuses is read', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      '\\u',
      'd800',
      'dc00',
      'a',
      '1',
      '-',
      'e',
      'true',
      'null',
      ' ',
      '\n',
      '""',
      '"a":1',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 25 }), (parts) => {
        const text = parts.join('');
        let accepted = true;
        try {
          readStrictJson(text, strict);
        } catch (error) {
          assert.ok(error instanceof StrictJsonError);
          accepted = false;
        }
        if (accepted) JSON.parse(text);
      }),
      { numRuns: 20_000 },
    );
  });

  test('a duplicate is found at any depth, among any number of keys, in any spelling', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 40 }),
        fc.nat(),
        fc.boolean(),
        (keys, at, escaped) => {
          const twice = keys[at % keys.length] ?? '';
          const spell = (key: string): string => {
            if (!escaped) return JSON.stringify(key);
            const units = Array.from({ length: key.length }, (_, at) => key.charCodeAt(at));
            return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
          };
          const members = keys.map((key) => `${JSON.stringify(key)}:0`);
          const text = `[{"x":{${members.join(',')},${spell(twice)}:1}}]`;
          assert.throws(() => readStrictJson(text, { ...strict, loneSurrogates: 'allow' }), {
            rule: 'duplicate_key',
          });
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('depth is counted exactly', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    readStrictJson(nested(64), strict);
    assert.throws(() => readStrictJson(nested(65), strict), { rule: 'too_deep' });
    assert.throws(() => readStrictJson('['.repeat(4_000_000), strict), StrictJsonError);
  });

  test('a key of Object.prototype is a key like any other', () => {
    const members = membersAt('{"__proto__":{"a":1},"constructor":2}', 0);
    assert.deepEqual([...members.keys()], ['__proto__', 'constructor']);
  });
});

describe('JSON-RPC', () => {
  test('an id is replaced and a parameter found without a change to anything else', () => {
    const json = '{ "result" : {"n":1e400}, "id" :  "x", "jsonrpc":"2.0" }';
    const response = readRpcMessage(json, strict);
    assert.ok(response.kind === 'response');
    assert.equal(withId(response, '123'), '{ "result" : {"n":1e400}, "id" :  123, "jsonrpc":"2.0" }');
    const call = readRpcMessage(
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken": 10000000000000000001 }}}',
      strict,
    );
    assert.ok(call.kind === 'request');
    const span = paramSpan(call, '_meta', 'progressToken');
    assert.equal(call.json.slice(span?.start, span?.end), '10000000000000000001');
  });
});

describe('event streams', () => {
  /** The events of a stream that comes in pieces of the given sizes. */
  function readIn(text: string, sizes: readonly number[]): SseEvent[] {
    const reader = createSseReader(1_000_000);
    const bytes = Buffer.from(text);
    const events: SseEvent[] = [];
    let at = 0;
    for (const size of [...sizes, bytes.length]) {
      events.push(...reader.push(bytes.subarray(at, at + size)));
      at = Math.min(at + size, bytes.length);
    }
    return events;
  }

  test('wherever it is cut, a stream has the same events', () => {
    const lines = fc.constantFrom(
      'data: ä€😀',
      'data:x',
      'data',
      'event: e',
      'id: 7',
      'id',
      ': c',
      'retry: 5',
      'retry: x',
      'unknown: y',
      '',
    );
    const ends = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(lines, ends)),
        fc.array(fc.integer({ min: 1, max: 9 })),
        (parts, sizes) => {
          const text = parts.flat().join('');
          assert.deepEqual(readIn(text, sizes), readIn(text, []));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('fields mean what the standard says', () => {
    const text =
      ': hi\ndata: one\ndata:two\ndata\nevent: e\nid: 1\nretry: 250\n\ndata:  two spaces\n\nid: 2\n\nevent: x\n\n';
    assert.deepEqual(readIn(text, []), [
      { event: 'e', data: 'one\ntwo\n', id: '1', retryMs: 250 },
      { event: 'message', data: ' two spaces', id: null, retryMs: null },
      { event: 'message', data: '', id: '2', retryMs: null },
    ]);
  });

  test('an event that never ends is cut off, comments for ever are not', () => {
    const reader = createSseReader(1000);
    for (let i = 0; i < 1000; i++) reader.push(Buffer.from(': still here\n'));
    assert.throws(
      () => {
        for (let i = 0; i < 1000; i++) reader.push(Buffer.from('data: more\n'));
      },
      { code: 'event_too_large' },
    );
    assert.throws(() => createSseReader(1000).push(Buffer.from('x'.repeat(1001))), {
      code: 'event_too_large',
    });
    assert.throws(() => createSseReader(1000).push(Buffer.from([0x64, 0xff])), { code: 'not_utf8' });
  });
});

test('lines are the same however they arrive, and have a limit', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'bc', '\n', '€')),
      fc.array(fc.integer({ min: 1, max: 4 })),
      (parts, sizes) => {
        const bytes = Buffer.from(parts.join(''));
        const read = createLineReader(1000);
        const lines: string[] = [];
        let at = 0;
        for (const size of [...sizes, bytes.length]) {
          lines.push(...read(bytes.subarray(at, at + size)).map((line) => line.toString()));
          at = Math.min(at + size, bytes.length);
        }
        assert.deepEqual(lines, bytes.toString().split('\n').slice(0, -1));
      },
    ),
  );
  assert.throws(() => createLineReader(10)(Buffer.from('x'.repeat(11))), /longer than 10 bytes/);
});

test('a header value survives its encoding, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const encoded = encodeHeaderValue(value);
      assert.match(encoded, /^[\x20-\x7e]*$/);
      assert.equal(decodeHeaderValue(encoded), value);
    }),
  );
});

describe("Holdpoint's own secrets", () => {
  test('are taken out of what upstream says, also without their scheme', () => {
    const remove = secretRemover(['Bearer abcdefgh1234', 'quo"ted-secret', 'short']);
    assert.equal(remove('{"a":"abcdefgh1234 short"}'), '{"a":"[credential removed by Holdpoint] short"}');
    assert.equal(
      remove(JSON.stringify({ a: 'quo"ted-secret' })),
      '{"a":"[credential removed by Holdpoint]"}',
    );
  });
});

describe('addresses that are never an upstream', () => {
  test('are refused when they are written', () => {
    for (const host of [
      '169.254.169.254',
      '0.0.0.0',
      '[::]',
      '[fe80::1]',
      '[fd00:ec2::254]',
      '[::ffff:169.254.169.254]',
      '224.0.0.1',
      '2852039166',
    ])
      assert.throws(() => refuseAddressOf(new URL(`http://${host}/mcp`)), /never an upstream/, host);
    for (const host of ['127.0.0.1', '10.0.0.1', '[::1]', 'mcp.example'])
      refuseAddressOf(new URL(`http://${host}/mcp`));
  });

  test('are refused when a name points at them, this host included', async () => {
    const resolve = (url: string, name: string): Promise<string> =>
      new Promise((done) => {
        guardedLookup(new URL(url))(name, { all: true }, (error, addresses) =>
          done(error?.code ?? JSON.stringify(addresses)),
        );
      });
    assert.equal(await resolve('http://mcp.example/', 'localhost'), 'ADDRESS_REFUSED');
    assert.equal(await resolve('http://mcp.example/', '169.254.169.254'), 'ADDRESS_REFUSED');
    assert.match(await resolve('http://localhost/', 'localhost'), /127\.0\.0\.1|::1/);
  });
});
