import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { HeldRequest } from '../../../gateway/hold-port.ts';
import { intentArgument, takeIntent, withIntentArgument } from '../../../gateway/definitions/intent.ts';
import { readRpcMessage } from '../../../gateway/mcp/rpc-message.ts';
import { httpConnection, noHold, type TestGateway, testGateway } from '../../support/gateway.ts';
import { type ListingUpstream, startListingUpstream } from '../../support/listing-upstream.ts';
import { approvers, connect, tool } from './support.ts';

let upstream: ListingUpstream;
let gateway: TestGateway;
const held: HeldRequest[] = [];

before(async () => {
  upstream = await startListingUpstream();
  gateway = await testGateway({
    connections: { files: httpConnection(upstream.url) },
    policy: `default: pass
${approvers}rules:
  - { name: secret, match: { tool: hidden }, then: deny }
  - { name: writes, match: { tool: "write*" }, when: 'call.args.a != "harmless"', then: hold, approvers: [sec], askIntent: true }
  - { name: notes, match: { tool: [note, own] }, then: pass, askIntent: true }
`,
    hold: {
      ...noHold,
      async hold(request) {
        held.push(request);
        await request.stream.respond(
          request.masker.message(
            `{"jsonrpc":"2.0","id":${request.idJson},"result":{"content":[{"type":"text","text":"held"}]}}`,
          ).text,
        );
      },
    },
  });
});
after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});
beforeEach(() => {
  upstream.calls.length = 0;
  held.length = 0;
  upstream.pages = [[tool('read'), tool('write'), tool('note'), tool('hidden')]];
});

test('tools that a rule may ask about gain one described argument, and every other tool stays byte for byte', async () => {
  const client = await connect(gateway.url('files'));
  const text = await client.listRaw();
  assert.ok(text.includes(tool('read')));
  assert.ok(!text.includes('"hidden"'), 'what this caller can never use is not listed');
  const { result } = JSON.parse(text) as {
    result: {
      tools: { name: string; inputSchema: { properties: Record<string, unknown>; required?: string[] } }[];
    };
  };
  const asked = result.tools.filter((one) => 'holdpoint_intent' in one.inputSchema.properties);
  assert.deepEqual(
    asked.map(({ name }) => name),
    ['write', 'note'],
  );
  assert.deepEqual(asked[0]?.inputSchema.required, ['holdpoint_intent']);
  assert.deepEqual(Object.keys(asked[0]?.inputSchema.properties ?? {}), ['holdpoint_intent', 'a']);
});

test('a call that a rule asks about and that says nothing is told what to add, and goes nowhere', async () => {
  const client = await connect(gateway.url('files'));
  for (const args of ['{"a":"x"}', '{"a":"x","holdpoint_intent":"  "}', '{"a":"x","holdpoint_intent":7}']) {
    const { text, isError } = await client.call('write', args);
    assert.ok(isError);
    assert.match(text, /^INTENT_MISSING.*rule "writes".*argument "holdpoint_intent"/);
  }
  const long = JSON.stringify({ a: 'x', holdpoint_intent: 'y'.repeat(1001) });
  assert.match((await client.call('write', long)).text, /^INTENT_TOO_LONG.*at most 1000 characters/);
  assert.equal(held.length + upstream.calls.length, 0);
});

test('an intent reaches the approver masked, and neither policy, the digest nor the server', async () => {
  const client = await connect(gateway.url('files'));
  const secret = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a';
  await client.call(
    'write',
    `{ "holdpoint_intent" : "to tidy up, with ${secret}", "a":12345678901234567890 }`,
  );
  const [request] = held;
  assert.ok(request);
  assert.equal(request.argsJson, '{ "a":12345678901234567890 }');
  assert.ok(!request.json.includes('holdpoint_intent'));
  assert.match(request.intent ?? '', /^to tidy up, with \[masked/);
  assert.ok(!(request.intent ?? '').includes(secret));
});

test('an intent of a call that passes is taken out of exactly the bytes that stand for it', async () => {
  const client = await connect(gateway.url('files'));
  for (const [sent, forwarded] of [
    ['{"a":"1","holdpoint_intent":"why"}', '{"a":"1"}'],
    ['{"holdpoint_intent":"why"}', '{}'],
    ['{"a":"1", "holdpoint_intent" :"a, b","b":[1.0,2]}', '{"a":"1","b":[1.0,2]}'],
  ] as const) {
    assert.equal((await client.call('note', sent)).text, 'done');
    assert.ok(upstream.calls.at(-1)?.includes(`"arguments":${forwarded}}`), upstream.calls.at(-1));
  }
  assert.equal((await client.call('read', '{"a":"1","holdpoint_intent":"unasked"}')).text, 'done');
  assert.ok(
    upstream.calls.at(-1)?.includes('"arguments":{"a":"1"}}'),
    'what nobody asked for does not go upstream',
  );
});

test('a rule that does not match asks for nothing', async () => {
  const client = await connect(gateway.url('files'));
  assert.equal((await client.call('write', '{"a":"harmless"}')).text, 'done');
});

test('a tool that has an argument of that name keeps it, and is asked under the next name', async () => {
  const own =
    '{"name":"own","description":"n","inputSchema":{"type":"object","properties":{"holdpoint_intent":{"type":"string"}},"required":["holdpoint_intent"]}}';
  assert.equal(intentArgument(own), 'holdpoint_intent_2');
  upstream.pages = [[own]];
  const client = await connect(gateway.url('files'));
  // Nobody has listed it yet: the gateway asks by itself.
  await client.call('own', '{"holdpoint_intent":"the tool’s","holdpoint_intent_2":"mine"}');
  assert.match(await client.listRaw(), /"required":\["holdpoint_intent_2","holdpoint_intent"\]/);
  await client.call('own', '{"holdpoint_intent":"the tool’s","holdpoint_intent_2":"mine"}');
  assert.ok(
    upstream.calls.at(-1)?.includes('"arguments":{"holdpoint_intent":"the tool’s"}}'),
    upstream.calls.at(-1),
  );
});

test('what is added is a schema whatever the tool’s own schema looks like', () => {
  for (const schema of [
    '{}',
    '{"type":"object"}',
    '{"properties":{},"required":[]}',
    '{"properties":null,"required":"a"}',
    '{ "required" : [ "a" ] }',
  ]) {
    const { inputSchema } = JSON.parse(withIntentArgument(`{"name":"t","inputSchema":${schema}}`)) as {
      inputSchema: { properties: object; required: string[] };
    };
    assert.ok('holdpoint_intent' in inputSchema.properties, schema);
    assert.equal(inputSchema.required[0], 'holdpoint_intent', schema);
  }
  assert.equal(withIntentArgument('{"name":"t"}'), '{"name":"t"}');
});

test('arguments nested deeper or named alike are nobody’s intent', () => {
  const read = (args: string) => {
    const json = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":${args}}}`;
    const message = readRpcMessage(json, { depth: 64, loneSurrogates: 'refuse' });
    assert.equal(message.kind, 'request');
    return message.kind === 'request' ? takeIntent(message, null) : null;
  };
  assert.equal(read('{"x":{"holdpoint_intent":"a"}}'), null);
  assert.equal(read('{"holdpoint_intents":"a"}'), null);
  assert.equal(read('["holdpoint_intent"]'), null);
  assert.equal(read('{"holdpoint_intent":"a"}')?.intent, 'a');
});
