import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { startRawUpstream, type TestUpstream } from '../support/upstream.ts';
import { handshake, wire, type WireReply } from './wire.ts';

let upstream: TestUpstream;
let gateway: TestGateway;
let session: Record<string, string>;
let misbehave: (reply: ServerResponse, id: string, headers: NodeJS.Dict<string | string[]>) => void =
  () => {};

const json = { 'content-type': 'application/json' };
const sse = { 'content-type': 'text/event-stream' };

before(async () => {
  upstream = await startRawUpstream((request, reply) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const id = /"id":("[^"]*"|\d+)/.exec(body)?.[1] ?? 'null';
      const result =
        '{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"raw","version":"1"}}';
      if (body.includes('"initialize"'))
        reply
          .writeHead(200, { ...json, 'mcp-session-id': 's' })
          .end(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
      else misbehave(reply, id, request.headers);
    });
  });
  gateway = await testGateway({
    connections: {
      raw: {
        kind: 'http',
        url: upstream.url,
        headers: { 'x-configured': 'yes' },
        credentials: {
          in: 'header',
          name: 'Authorization',
          prefix: '',
          source: { kind: 'value', value: 'Bearer own-credential-of-the-gateway' },
        },
        connectTimeoutMs: 2000,
        idleTimeoutMs: 1000,
      },
      down: httpConnection('http://127.0.0.1:9/mcp'),
    },
  });
  session = await handshake(gateway.url('raw'));
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function call(id: string | number = 1): Promise<WireReply> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'x', arguments: {} },
  });
  return wire(gateway.url('raw'), body, session);
}

describe('each way in which an upstream fails has its own code, and the client always gets an answer', () => {
  const ok = (id: string): string => `{"jsonrpc":"2.0","id":${id},"result":{"content":[]}}`;
  const ways: [string, string, typeof misbehave][] = [
    ['it never answers', 'upstream_timeout', () => {}],
    [
      'it goes silent in the middle',
      'upstream_timeout',
      (reply) => void reply.writeHead(200, json).write('{"jsonrpc"'),
    ],
    ['it dies before it answers', 'upstream_closed', (reply) => void reply.socket?.destroy()],
    [
      'it dies half-way',
      'upstream_closed',
      (reply) => {
        reply.writeHead(200, { ...json, 'content-length': '1000' }).write('{"jsonrpc":"2.0"');
        setTimeout(() => reply.socket?.destroy(), 20);
      },
    ],
    [
      'its stream ends without the response',
      'upstream_closed',
      (reply) => void reply.writeHead(200, sse).end(': nothing\n\n'),
    ],
    ['it answers another id', 'upstream_invalid', (reply) => void reply.writeHead(200, json).end(ok('99'))],
    [
      'it answers another id on a stream',
      'upstream_invalid',
      (reply) => void reply.writeHead(200, sse).end(`data: ${ok('99')}\n\n`),
    ],
    ['it answers with no JSON', 'upstream_invalid', (reply) => void reply.writeHead(200, json).end('<html>')],
    [
      'it answers with another type',
      'upstream_invalid',
      (reply) => void reply.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    ],
    [
      'it answers with duplicate keys',
      'upstream_invalid',
      (reply, id) =>
        void reply.writeHead(200, json).end(`{"jsonrpc":"2.0","id":${id},"result":{"a":1,"a":2}}`),
    ],
    [
      'it answers with invalid UTF-8',
      'upstream_invalid',
      (reply) => void reply.writeHead(200, json).end(Buffer.from([0x22, 0xc3, 0x28, 0x22])),
    ],
    [
      'its stream has invalid UTF-8',
      'upstream_invalid',
      (reply) => void reply.writeHead(200, sse).end(Buffer.from([0x64, 0x3a, 0xff, 0x0a, 0x0a])),
    ],
    [
      'it nests too deeply',
      'upstream_invalid',
      (reply, id) =>
        void reply
          .writeHead(200, json)
          .end(`{"jsonrpc":"2.0","id":${id},"result":{"a":${'['.repeat(100)}${']'.repeat(100)}}}`),
    ],
    [
      'it answers with too much',
      'upstream_too_large',
      (reply) => void reply.writeHead(200, json).end(`"${'x'.repeat(9_000_000)}"`),
    ],
    [
      'one event is too large',
      'upstream_too_large',
      (reply) => {
        reply.writeHead(200, sse);
        reply.on('error', () => {});
        const flood = (): void =>
          void (reply.destroyed || reply.write(`data: ${'x'.repeat(500_000)}\n`, () => setImmediate(flood)));
        flood();
      },
    ],
    [
      'it redirects',
      'upstream_redirected',
      (reply) => void reply.writeHead(307, { location: 'http://169.254.169.254/' }).end(),
    ],
    [
      'it does not accept the credentials',
      'upstream_unauthorized',
      (reply) => void reply.writeHead(401).end(),
    ],
    [
      'it fails',
      'upstream_refused',
      (reply) => void reply.writeHead(500, json).end('{"secret":"stack trace"}'),
    ],
  ];
  for (const [what, code, way] of ways)
    test(`${what}: ${code}`, async () => {
      misbehave = way;
      const reply = await call(7);
      assert.equal(reply.json?.error?.data?.['code'], code, reply.text.slice(0, 300));
      assert.equal(reply.json?.id, 7);
      assert.equal(reply.status, 200);
      assert.ok(!reply.text.includes('stack trace'));
    });

  test('it cannot be reached: upstream_unreachable, and the session leaves nothing behind', async () => {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'w', version: '1' },
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params });
    const reply = await wire(gateway.url('down'), body);
    assert.equal(reply.json?.error?.data?.['code'], 'upstream_unreachable');
    const { rows } = await gateway.db.pool.query("select 1 from mcp_sessions where connection = 'down'");
    assert.equal(rows.length, 0);
  });
});

test('an answer after the answer is not passed on', async () => {
  misbehave = (reply, id) =>
    void reply
      .writeHead(200, sse)
      .end(
        `data: {"jsonrpc":"2.0","id":${id},"result":{"n":1}}\n\ndata: {"jsonrpc":"2.0","id":${id},"result":{"n":2}}\n\n`,
      );
  const reply = await call();
  assert.deepEqual(reply.text.match(/"n":\d/g), ['"n":1']);
});

test('events are passed on as they come, whole, however upstream cuts them', async () => {
  misbehave = (reply, id) => {
    const text = [
      ': a comment\r\n\r\n',
      'event: message\rid: 1\rdata: {"jsonrpc":"2.0","method":"notifications/progress",\rdata: "params":{"progressToken":1,"progress":1,"message":"ü€😀"}}\r\r',
      'event: other\ndata: {"not":"for us"}\n\n',
      `data:{"jsonrpc":"2.0","id":${id},"result":{"done":true}}\n\n`,
    ].join('');
    const bytes = Buffer.from(text);
    reply.writeHead(200, sse);
    void (async () => {
      for (let at = 0; at < bytes.length; at += 7) {
        reply.write(bytes.subarray(at, at + 7));
        await sleep(1);
      }
      reply.end();
    })();
  };
  const reply = await call();
  assert.match(String(reply.headers['content-type']), /text\/event-stream/);
  const data = reply.text.split('\n').filter((line) => line.startsWith('data: {'));
  assert.equal(data.length, 2);
  assert.match(data[0] ?? '', /ü€😀/);
  assert.match(data[1] ?? '', /"done":true/);
});

test("upstream gets Holdpoint's credential, and an echo of it does not reach the client", async () => {
  let seen = '';
  misbehave = (reply, id, headers) => {
    seen = [headers['authorization'], headers['x-configured']].join(' ');
    reply.writeHead(200, { ...json, 'x-echo': 'own-credential-of-the-gateway' });
    reply.end(
      `{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"you sent own-credential-of-the-gateway"}]}}`,
    );
  };
  const reply = await call();
  assert.equal(seen, 'Bearer own-credential-of-the-gateway yes');
  assert.ok(!`${reply.text}${JSON.stringify(reply.headers)}`.includes('own-credential'));
});

test('a session that upstream has lost is over: the client is told to initialize again', async () => {
  const lost = await handshake(gateway.url('raw'));
  misbehave = (reply) =>
    void reply
      .writeHead(404, json)
      .end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"gone"}}');
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' });
  assert.equal((await wire(gateway.url('raw'), body, lost)).status, 404);
  misbehave = (reply, id) => void reply.writeHead(200, json).end(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  assert.equal((await wire(gateway.url('raw'), body, lost)).status, 404);
});

test("upstream's own JSON-RPC errors reach the client as they are", async () => {
  misbehave = (reply, id) =>
    void reply
      .writeHead(400, json)
      .end(`{"jsonrpc":"2.0","id":${id},"error":{"code":-32602,"message":"bad arguments","data":{"x":1}}}`);
  const reply = await call();
  assert.deepEqual(reply.json?.error, { code: -32602, message: 'bad arguments', data: { x: 1 } });
});
