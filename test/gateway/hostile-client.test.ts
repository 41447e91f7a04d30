import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { createIdentifier } from '../../gateway/identify/identify.ts';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { startRawUpstream, type TestUpstream } from '../support/upstream.ts';
import { handshake, wire } from './wire.ts';

/** Says back what reached it: what must not go upstream is seen here. */
let upstream: TestUpstream;
let gateway: TestGateway;
let url: string;
let session: Record<string, string>;
const reached: Reached[] = [];

/** What reached upstream last. */
const last = (): Reached | undefined => reached.at(-1);

interface Reached {
  readonly body: string;
  readonly headers: Record<string, unknown>;
}

before(async () => {
  upstream = await startRawUpstream((request, reply) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      reached.push({ body, headers: request.headers });
      const id = /"id"\s*:\s*("[^"]*"|-?\d+)/.exec(body)?.[1];
      if (request.method !== 'POST') return reply.writeHead(405).end();
      if (id === undefined) return reply.writeHead(202).end();
      const result = body.includes('"initialize"')
        ? '{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"raw","version":"1"}}'
        : '{"content":[]}';
      return reply
        .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'upstream-secret-session' })
        .end(`{"jsonrpc":"2.0","id":${id},"result":${result}}`);
    });
  });
  gateway = await testGateway({
    connections: { raw: httpConnection(upstream.url), other: httpConnection(upstream.url) },
    limits: { bodyBytes: 100_000, depth: 32 },
  });
  url = gateway.url('raw');
  session = await handshake(url);
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function call(args: string, name = '"echo"'): string {
  return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":${name},"arguments":${args}}}`;
}

describe('what strict reading refuses never reaches upstream', () => {
  const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
  const cases: [string, string | Buffer, number][] = [
    [
      'a duplicate key',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
      -32700,
    ],
    ['a key duplicated by an escape', call('{"a":1,"\\u0061":2}'), -32700],
    ['a duplicated method', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}', -32700],
    ['a lone surrogate', call('{"a":"\\ud800"}'), -32700],
    ['a lone surrogate in a key', call('{"\\udc00":1}'), -32700],
    [
      'invalid UTF-8',
      Buffer.concat([
        Buffer.from('{"jsonrpc":"2.0","id":1,"method":"'),
        Buffer.from([0xc3, 0x28]),
        Buffer.from('"}'),
      ]),
      -32700,
    ],
    [
      'an overlong encoding',
      Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
      -32700,
    ],
    ['a byte order mark', `\ufeff${call('{}')}`, -32700],
    ['a comment', '{"jsonrpc":"2.0",/*x*/"id":1,"method":"ping"}', -32700],
    ['a trailing comma', '{"jsonrpc":"2.0","id":1,"method":"ping",}', -32700],
    ['two values', `${call('{}')}${call('{}')}`, -32700],
    ['NaN', call('{"a":NaN}'), -32700],
    ['depth beyond the limit', call(deep), -32700],
    ['depth that would exhaust the stack', '['.repeat(90_000), -32700],
    ['a null id', '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ['a fractional id', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600],
    ['an object for an id', '{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ['array params', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["x"]}', -32600],
    ['a method beside a result', '{"jsonrpc":"2.0","id":1,"method":"tools/call","result":{}}', -32600],
    ['a result beside an error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', -32600],
    ['another JSON-RPC version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ['a method that is no string', '{"jsonrpc":"2.0","id":1,"method":7}', -32600],
    ['a bare value', '42', -32600],
    ['an empty batch', '[]', -32600],
  ];
  for (const [what, body, code] of cases)
    test(`${what} is refused`, async () => {
      reached.splice(0);
      const reply = await wire(url, body, session);
      assert.equal(reply.json?.error?.code, code, reply.text);
      assert.equal(reply.status, 400);
      assert.deepEqual(reached, []);
    });

  test('an error about what was read never quotes it', async () => {
    const reply = await wire(url, '{"password":"hunter2-secret', session);
    assert.equal(reply.status, 400);
    assert.ok(!reply.text.includes('hunter2'));
    assert.ok(!gateway.log.join('').includes('hunter2'));
  });

  test('a body beyond the limit is refused, announced or not', async () => {
    const body = call(`{"a":"${'x'.repeat(200_000)}"}`);
    reached.splice(0);
    assert.equal((await wire(url, body, session)).status, 413);
    assert.equal(await chunked(body), 413);
    assert.deepEqual(reached, []);
  });

  test('a body of another media type is refused', async () => {
    assert.equal((await wire(url, call('{}'), { ...session, 'content-type': 'text/plain' })).status, 415);
    assert.equal((await wire(url, call('{}'), { ...session, accept: 'application/json' })).status, 406);
  });
});

describe('what is let through goes on unchanged', () => {
  test('the bytes upstream gets are the bytes that were decided on', async () => {
    const body = ` {"id" : 12345678901234567890 ,"jsonrpc":"2.0","method":"tools/call","params":{"arguments":{"n":9007199254740993,"f":1e3,"z":-0,"s":"\\u00e9\\ud83d\\ude00"},"name":"echo"}} `;
    reached.splice(0);
    const reply = await wire(url, body, session);
    assert.equal(reply.status, 200);
    assert.equal(reached[0]?.body, body);
    assert.match(reply.text, /"id":12345678901234567890,/);
  });

  test("nothing of the client's headers goes upstream but the protocol version", async () => {
    reached.splice(0);
    await wire(url, call('{}'), {
      ...session,
      authorization: 'Bearer nothing-to-see',
      cookie: 'a=b',
      'mcp-method': 'tools/list',
      'mcp-name': 'other',
      'mcp-param-x': 'y',
      'x-forwarded-for': '1.2.3.4',
    }).catch(() => null);
    // A token that cannot be checked is refused, not ignored.
    assert.deepEqual(reached, []);
    await wire(url, call('{}'), {
      ...session,
      cookie: 'a=b',
      'mcp-method': 'tools/list',
      'mcp-param-x': 'y',
    });
    const names = Object.keys(last()?.headers ?? {}).sort();
    assert.deepEqual(names, [
      'accept',
      'connection',
      'content-length',
      'content-type',
      'host',
      'mcp-protocol-version',
      'mcp-session-id',
    ]);
    assert.equal(last()?.headers['mcp-session-id'], 'upstream-secret-session');
  });
});

describe('who may call', () => {
  test('a page of another origin is refused', async () => {
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1'])
      assert.equal((await wire(url, call('{}'), { ...session, origin })).status, 403, origin);
    assert.equal((await wire(url, call('{}'), { ...session, origin: new URL(url).origin })).status, 200);
    assert.equal((await wire(url, call('{}'), { ...session, origin: 'http://gateway.test' })).status, 200);
  });

  test('another host name is refused (DNS rebinding)', async () => {
    assert.equal((await wire(url, call('{}'), { ...session, host: 'evil.example' })).status, 403);
    assert.equal((await wire(url, call('{}'), { ...session, host: 'gateway.test' })).status, 200);
  });

  test('a session is good for its own connection only, and made-up ids are unknown', async () => {
    assert.equal((await wire(gateway.url('other'), call('{}'), session)).status, 404);
    assert.equal((await wire(url, call('{}'), { ...session, 'mcp-session-id': 'x'.repeat(43) })).status, 404);
    assert.equal(
      (await wire(url, call('{}'), { ...session, 'mcp-session-id': 'upstream-secret-session' })).status,
      404,
    );
    const { 'mcp-session-id': _, ...without } = session;
    assert.equal((await wire(url, call('{}'), without)).status, 400);
  });

  test("upstream's session id is never shown", async () => {
    const fresh = await handshake(url);
    assert.notEqual(fresh['mcp-session-id'], 'upstream-secret-session');
    const { rows } = await gateway.db.pool.query('select row_to_json(s)::text as row from mcp_sessions s');
    const stored = rows.map((row: { row: string }) => row.row).join('');
    const hex = Buffer.from('upstream-secret-session').toString('hex');
    assert.ok(stored.length > 0 && !stored.includes(hex) && !stored.includes(fresh['mcp-session-id'] ?? '?'));
    assert.ok(!gateway.log.join('').includes('upstream-secret-session'));
  });

  test('a session that was ended is unknown from then on', async () => {
    const fresh = await handshake(url);
    assert.equal((await wire(url, null, fresh, 'DELETE')).status, 200);
    assert.equal((await wire(url, call('{}'), fresh)).status, 404);
  });

  test('an unknown connection, a bad version and a bad method are told apart', async () => {
    assert.equal((await wire(gateway.url('nope'), call('{}'), session)).status, 404);
    assert.equal(
      (await wire(url, call('{}'), { ...session, 'mcp-protocol-version': '1999-01-01' })).json?.error?.code,
      -32022,
    );
    assert.equal((await wire(`${url}/../../metrics`, null, {}, 'GET')).status, 404);
  });
});

test('batches are for 2025-03-26 alone', async () => {
  assert.equal((await wire(url, `[${call('{}')}]`, session)).json?.error?.code, -32600);
});

/** Sends a body in chunks, without saying how long it is. */
function chunked(body: string): Promise<number> {
  const { port, pathname, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      const headers = Object.entries({
        ...session,
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
      });
      socket.write(
        `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\n${headers.map(([k, v]) => `${k}: ${v}`).join('\r\n')}\r\ntransfer-encoding: chunked\r\n\r\n`,
      );
      socket.write(`${body.length.toString(16)}\r\n${body}\r\n`);
    });
    socket.once('data', (data) => {
      socket.destroy();
      resolve(Number(data.toString().split(' ')[1]));
    });
    socket.once('error', reject);
  });
}

test('what a stranger sends is not read: neither its faults nor its size are worth a thought before a token', async () => {
  await using closed = await testGateway({
    connections: { raw: httpConnection(upstream.url) },
    identifier: createIdentifier({ issuers: [], anonymous: null }),
  });
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  for (const body of ['{"jsonrpc":', '{"a":1,"a":2}', '[]', '\xff', `[${'{"\\n":1},'.repeat(100_000)}1]`]) {
    const reply = await fetch(closed.url('raw'), { method: 'POST', headers, body });
    assert.equal(reply.status, 401, `${body.slice(0, 20)}: ${await reply.text()}`);
  }
});
