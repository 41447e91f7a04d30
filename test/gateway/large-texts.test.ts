import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readRpcMessage } from '../../gateway/mcp/rpc-message.ts';
import { createMessageQueue } from '../../gateway/upstreams/message-queue.ts';
import { secretRemover } from '../../gateway/upstreams/own-secrets.ts';
import type { SharedChannel } from '../../gateway/upstreams/shared-channel.ts';
import { createSharedSession } from '../../gateway/upstreams/shared-session.ts';
import { createTextReader } from '../../gateway/upstreams/text-reader.ts';
import { legacyCall } from '../../gateway/upstreams/translate/legacy-call.ts';
import type { UpstreamSession } from '../../gateway/upstreams/upstream.ts';
import { readText } from '../../gateway/upstreams/read-text.ts';

const reader = createTextReader();
after(() => reader.close());

const rules = { forms: ['hunter2-hunter2'], depth: 64 };
const long = 'x y '.repeat(20_000);
const texts = {
  'a result': JSON.stringify({ jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text: long }] } }),
  'an error': JSON.stringify({ jsonrpc: '2.0', id: 'a', error: { code: -32601, message: long } }),
  'an error without an id': JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: 1, message: long } }),
  'a request': JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { message: long } }),
  'a notification': JSON.stringify({ jsonrpc: '2.0', method: 'x', params: { data: long } }),
  'a batch': JSON.stringify([
    { jsonrpc: '2.0', method: 'x', params: { data: `${long} ünïcödé 日本` } },
    { jsonrpc: '2.0', id: 1, result: {} },
  ]),
  'half a surrogate pair': JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: `${long}\ud800` } }),
  'own secrets': JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: `${long} hunter2-hunter2` } }),
  'no JSON': `{"jsonrpc":"2.0","id":1,"result":{"text":"${long}"`,
  'a key twice': `{"jsonrpc":"2.0","id":1,"result":{"a":"${long}","a":1}}`,
  'too deep': `{"jsonrpc":"2.0","id":1,"result":{"a":${'['.repeat(70_000)}${']'.repeat(70_000)}}}`,
  'no message': JSON.stringify({ jsonrpc: '2.0', id: 1, result: {}, more: long }),
};

for (const [what, text] of Object.entries(texts))
  test(`a large text from upstream is read off the event loop as a small one is on it: ${what}`, async () => {
    const reading = reader.read(text, rules);
    assert.ok(reading instanceof Promise);
    const here = readText(text, rules);
    const expected = here.problem === null ? { ...here, messages: here.messages.map(withoutValues) } : here;
    assert.deepEqual(await reading, expected);
  });

test('large texts are answered in the order in which they came', async () => {
  const order: number[] = [];
  await Promise.all(
    [3, 1, 2].map(async (times, at) => {
      const result = { text: long.repeat(times) };
      await reader.read(JSON.stringify({ jsonrpc: '2.0', id: at, result }), rules);
      order.push(at);
    }),
  );
  assert.deepEqual(order, [0, 1, 2]);
});

test('what a thread that ends had still to read is read all the same', async () => {
  const ending = createTextReader();
  const reading = ending.read(texts['a result'], rules);
  await ending.close();
  const read = await reading;
  assert.equal(read.problem, null);
  assert.equal(read.messages[0]?.json, texts['a result']);
});

test('what a process writes behind a large answer does not overtake it, nor does its end', async () => {
  let say: (line: Buffer) => void = () => {};
  let end: (because: string) => void = () => {};
  const channel: SharedChannel = {
    ready: async () => {},
    write: async () => {
      say(Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'x', params: { data: long } })));
      say(Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'y' })));
      say(Buffer.from(texts['a result']));
      end('it was over');
    },
    consume: () => false,
    onLine: (handler) => (say = handler),
    onGone: (handler) => (end = handler),
    stop: async () => {},
  };
  const session = createSharedSession(channel, {
    name: 'upstream "x"',
    depth: 64,
    idleTimeoutMs: 60_000,
    withoutSecrets: secretRemover([]),
    reader,
    onInvalid: (because) => assert.fail(because),
    onClose: () => {},
  });
  const asked = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: {} });
  const options = { idJson: '7', signal: new AbortController().signal, headers: {} };
  const methods: (string | null)[] = [];
  for await (const { method } of session.send(asked, options)) methods.push(method);
  assert.deepEqual(methods, ['x', 'y', null]);
});

/** The values that were read stay in the thread. */
function withoutValues(message: object): object {
  const { params: _params, result: _result, error: _error, ...rest } = message as Record<string, unknown>;
  return rest;
}

test('an older server’s response is completed for a newer client wherever its id stands, all else as it came', async () => {
  const request = readRpcMessage('{"jsonrpc":"2.0","id":"own","method":"tools/list"}', {
    depth: 64,
    loneSurrogates: 'refuse',
  });
  assert.equal(request.kind, 'request');
  const big = '{ "b": 12345678901234567890, "a":1e3 }';
  const added = '"resultType":"complete","ttlMs":0,"cacheScope":"private"';
  const cases: [string, string][] = [
    [
      `{"id":ID,"result":${big},"jsonrpc":"2.0"}`,
      `{"id":"own","result":{${added},${big.slice(1)},"jsonrpc":"2.0"}`,
    ],
    [
      `{"result":${big},"jsonrpc":"2.0", "id": ID}`,
      `{"result":{${added},${big.slice(1)},"jsonrpc":"2.0", "id": "own"}`,
    ],
    ['{"result":{ },"id":ID,"jsonrpc":"2.0"}', `{"result":{${added} },"id":"own","jsonrpc":"2.0"}`],
    ['{"jsonrpc":"2.0","error":{"code":1}}', '{"id":"own","jsonrpc":"2.0","error":{"code":1}}'],
  ];
  for (const [said, expected] of cases) {
    const session: UpstreamSession = {
      async *send(_json, { idJson }) {
        yield { json: said.replace('ID', idJson ?? ''), kind: 'response', method: null };
      },
      events: async () => createMessageQueue(),
      resumable: null,
      close: async () => {},
    };
    const server = { session, headers: {}, about: {} };
    const options = { idJson: '"own"', signal: new AbortController().signal, headers: {} };
    for await (const { json } of legacyCall(server, request, options, 'x')) assert.equal(json, expected);
  }
});
