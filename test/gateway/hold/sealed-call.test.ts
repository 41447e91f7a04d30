import assert from 'node:assert/strict';
import { test } from 'node:test';
import { argsOf, asSent, nameOf } from '../../../gateway/hold/sealed-call.ts';

const call = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;

test('the arguments of a tool call are taken as they stand', () => {
  assert.equal(argsOf('tools/call', call('{"arguments":{ "n":1e3 },"name":"t"}')), '{ "n":1e3 }');
  assert.equal(argsOf('tools/call', call('{"name":"t"}')), null);
  assert.equal(argsOf('tools/call', '{"jsonrpc":"2.0","id":1,"method":"tools/call"}'), null);
});

test('whatever else a request would have done is shown and bound too', () => {
  const sneaky = call('{"name":"t","arguments":{"a":1},"inputResponses":{"confirm":true},"_meta":{"x":1}}');
  assert.equal(argsOf('tools/call', sneaky), '{"arguments":{"a":1},"inputResponses":{"confirm":true}}');
  assert.equal(
    argsOf('resources/read', call('{"uri":"file:///etc/passwd","_meta":{}}')),
    '{"uri":"file:///etc/passwd"}',
  );
});

test('a request calls by its name, a resource by its URI', () => {
  assert.equal(nameOf('tools/call', call('{"name":"t\\u0065st"}')), 'test');
  assert.equal(nameOf('resources/read', call('{"uri":"file:///x"}')), 'file:///x');
  assert.equal(nameOf('tools/call', call('{"name":7}')), '');
});

test('what is sent differs from what was stored by id and progress token only', () => {
  const stored = call('{ "_meta":{"progressToken":"a", "b":12345678901234567890},"name":"t" }');
  assert.equal(
    asSent(stored, '"z"', '9'),
    stored.replace('"id":1', '"id":"z"').replace('"progressToken":"a"', '"progressToken":9'),
  );
  assert.equal(asSent(stored, '1', null), stored);
});
