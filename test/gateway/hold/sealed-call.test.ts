import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  argsOf,
  asSent,
  nameOf,
  sealCall,
  TamperedCallError,
  unsealCall,
} from '../../../gateway/hold/sealed-call.ts';
import { localKeyRing, newDataKey } from '../../../recording/key-ring.ts';
import { seal, unseal } from '../../../recording/seal.ts';

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

test('a sealed call opens only as what was approved: its contents, its name, its place and every fact it is bound to', async () => {
  const keyRing = localKeyRing([newDataKey()]);
  const bound = {
    callId: 'hp_1',
    callerKey: 'local:agent',
    connection: 'db',
    method: 'tools/call',
    tool: 'query',
    definitionHash: null,
    policyVersion: 'sha256:1',
    expiresAtMs: 1_800_000_000_000,
  };
  const facts = { bound } as unknown as Parameters<typeof sealCall>[1];
  const json = call('{"name":"query","arguments":{"sql":"select 1"}}');
  const { request, digest } = await sealCall(keyRing, facts, json);
  assert.equal((await unsealCall(keyRing, 'hp_1', request, digest)).json, json);
  const refused = (value: typeof request, id = 'hp_1', named = digest): Promise<void> =>
    assert.rejects(unsealCall(keyRing, id, value, named), TamperedCallError);
  await refused(request, 'hp_2');
  await refused(request, 'hp_1', 'sha256:other');
  // As somebody who holds the keys could write it.
  const context = 'held request hp_1';
  const key = await keyRing.unwrap(request, context);
  type Sealed = { facts: { bound: Record<string, unknown> }; json: string };
  const rewritten = (change: (sealed: Sealed) => void): typeof request => {
    const sealed = JSON.parse(unseal(key, request.sealed, context).toString()) as Sealed;
    change(sealed);
    return { ...request, sealed: seal(key, Buffer.from(JSON.stringify(sealed)), context) };
  };
  await unsealCall(
    keyRing,
    'hp_1',
    rewritten(() => {}),
    digest,
  );
  await refused(rewritten((sealed) => void (sealed.json = json.replace('select', 'delete'))));
  await refused(rewritten((sealed) => void (sealed.json = json.replace('"query"', '"other"'))));
  await refused(rewritten((sealed) => void (sealed.json = json.replace('{"sql"', '{"more":1,"sql"'))));
  for (const name of Object.keys(bound).filter((each) => each !== 'callId'))
    await refused(rewritten((sealed) => void (sealed.facts.bound[name] = 'another')));
});

test('what is sent differs from what was stored by id and progress token only', () => {
  const stored = call('{ "_meta":{"progressToken":"a", "b":12345678901234567890},"name":"t" }');
  assert.equal(
    asSent(stored, '"z"', '9'),
    stored.replace('"id":1', '"id":"z"').replace('"progressToken":"a"', '"progressToken":9'),
  );
  assert.equal(asSent(stored, '1', null), stored);
});
