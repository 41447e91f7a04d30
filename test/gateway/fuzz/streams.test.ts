import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createParser } from 'eventsource-parser';
import * as fc from '../../support/fast-check.ts';
import { GatewayError } from '../../../gateway/errors.ts';
import { legAnswer, takeState } from '../../../gateway/hold/request-state.ts';
import type { HeldRequest } from '../../../gateway/hold-port.ts';
import { decodeHeaderValue, encodeHeaderValue } from '../../../gateway/mcp/mirror-headers.ts';
import { createSseReader, SseError, type SseEvent } from '../../../gateway/mcp/sse-reader.ts';
import { placeOf } from '../../../gateway/sessions/stream-log.ts';
import { createLineReader, LineTooLongError } from '../../../gateway/upstreams/line-reader.ts';
import { cut, mutated, places, runs } from './generate.ts';

const field = fc.oneof(
  fc.string().map((text) => `data:${text}`),
  fc.constantFrom(
    'data',
    'data: a',
    'data:  two spaces',
    'event: message',
    'event:',
    'id: 7',
    'id',
    'id:',
    'retry: 10',
    'retry: x',
    ': comment',
    ':',
    'unknown: x',
    'data:{"jsonrpc":"2.0"}',
    ' data: indented',
    'data : x',
    '\ufeffdata: late mark',
  ),
);
const stream = fc
  .array(fc.tuple(field, fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n')), { maxLength: 20 })
  .map((lines) => lines.map(([line, end]) => line.replaceAll(/[\r\n]/g, '') + end).join(''));

function events(chunks: readonly Uint8Array[], limit = 1e6): SseEvent[] | SseError {
  const reader = createSseReader(limit);
  try {
    return chunks.flatMap((chunk) => reader.push(chunk));
  } catch (error) {
    assert.ok(error instanceof SseError, String(error));
    return error;
  }
}

test('an event stream means the same however it is cut, and what it means to the SDK’s reader', () => {
  fc.assert(
    fc.property(stream, places, (text, at) => {
      // A lone CR at the very end is a line end only once it is known what follows.
      const bytes = Buffer.from(text.toWellFormed());
      const whole = events([bytes]);
      assert.deepEqual(events(cut(bytes, at)), whole);
      if (whole instanceof SseError || bytes.toString().includes('\ufeff')) return;
      const theirs: { event: string; data: string }[] = [];
      const parser = createParser({
        onEvent: ({ event, data }) => void theirs.push({ event: event || 'message', data }),
      });
      parser.feed(bytes.toString());
      const ours = whole.filter(({ data }) => data !== '').map(({ event, data }) => ({ event, data }));
      const complete = /(?:\r\n|\n)$/.test(text) && !/\r(?!\n)/.test(text);
      if (complete)
        assert.deepEqual(
          ours,
          theirs.filter(({ data }) => data !== ''),
        );
    }),
    runs,
  );
});

test('bytes that are no event stream end in an error of the reader’s own, and never take more than the limit', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), places, (bytes, at) => {
      events(cut(bytes, at), 50);
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 500 }), (length) => {
      assert.ok(events([Buffer.from(`data:${'x'.repeat(length)}\n\n`)], 50) instanceof SseError);
    }),
    runs,
  );
});

test('lines of a process are the same however its output is cut, and one that is too long ends it', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 8 }), places, (lines, at) => {
      const bytes = Buffer.concat(lines.flatMap((line) => [Buffer.from(line), Buffer.from('\n')]));
      const read = createLineReader(64);
      const expected = bytes.toString('latin1').split('\n').slice(0, -1);
      assert.deepEqual(
        cut(bytes, at).flatMap((chunk) => read(chunk).map((line) => line.toString('latin1'))),
        expected,
      );
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.integer({ min: 65, max: 300 }), places, (length, at) => {
      const read = createLineReader(64);
      assert.throws(() => cut(Buffer.alloc(length, 120), at).forEach(read), LineTooLongError);
    }),
    runs,
  );
});

test('any text survives a header, and no header value fails otherwise than by being none', () => {
  const text = fc.string({ unit: 'binary' }).filter((value) => value.isWellFormed());
  fc.assert(
    fc.property(text, (value) => {
      const header = encodeHeaderValue(value);
      assert.match(header, /^[\x20-\x7e]*$/);
      assert.equal(decodeHeaderValue(header), value);
    }),
    runs,
  );
  fc.assert(
    fc.property(mutated(text.map(encodeHeaderValue)), (header) => {
      const value = decodeHeaderValue(header);
      assert.ok(value === null || typeof value === 'string');
    }),
    runs,
  );
});

const secret = randomBytes(32);
const request = {
  caller: { key: 'local:agent' },
  session: { connection: 'db' },
  protocolVersion: '2026-07-28',
  method: 'tools/call',
  tool: 'query',
  idJson: '1',
  json: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query","arguments":{"a":1}}}',
} as unknown as HeldRequest;

function withState(state: string, of = request): HeldRequest {
  const json = of.json.replace('"name"', `"requestState":${JSON.stringify(state)},"name"`);
  return { ...of, json };
}

test('a request state opens for the caller and the call it was given for, and changed in any way for nobody', () => {
  const answer = JSON.parse(legAnswer(secret, request, { callId: 'h_1', round: 1 })) as {
    result: { requestState: string };
  };
  const { requestState } = answer.result;
  assert.deepEqual(takeState(secret, withState(requestState)).state, { callId: 'h_1', round: 1 });
  fc.assert(
    fc.property(mutated(fc.constant(requestState)), (state) => {
      try {
        const taken = takeState(secret, withState(state));
        // Not ours at all, or another spelling of the same bytes.
        if (taken.state !== null) assert.deepEqual(taken.state, { callId: 'h_1', round: 1 });
      } catch (error) {
        assert.ok(error instanceof GatewayError && error.code === 'invalid_params', String(error));
      }
    }),
    runs,
  );
  for (const other of [
    { ...request, caller: { key: 'local:other' } },
    { ...request, tool: 'drop' },
    { ...request, json: request.json.replace('"a":1', '"a":2') },
  ])
    assert.throws(() => takeState(secret, withState(requestState, other as HeldRequest)), GatewayError);
});

test('a Last-Event-ID is a place in a stream of ours, or nothing', () => {
  fc.assert(
    fc.property(fc.oneof(mutated(fc.constant('gw.abcdefghijklmnop.12')), fc.string()), (id) => {
      const place = placeOf(id);
      if (place) assert.equal(`gw.${place.streamId}.${place.seq}`, id.replace(/\.0+(?=\d)/, '.'));
    }),
    runs,
  );
});
