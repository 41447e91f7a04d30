import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { startConformanceServer } from '../support/conformance/server.ts';
import { startRawUpstream } from '../support/upstream.ts';
import { connectV2 } from './tour.ts';
import { handshake, wire } from './wire.ts';

let upstream: Awaited<ReturnType<typeof startConformanceServer>>;
let gateway: TestGateway;
let url: string;

before(async () => {
  upstream = await startConformanceServer();
  gateway = await testGateway({
    connections: { fixtures: httpConnection(upstream.url) },
    policy: 'default: pass\nrules: [{ name: no-images, match: { tool: test_image_content }, then: deny }]\n',
  });
  url = gateway.url('fixtures');
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const version = '2026-07-28';

function modern(method: string, params: object = {}, id: unknown = 1): string {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'wire', version: '1' },
  };
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } });
}

function mirrors(method: string, name?: string): Record<string, string> {
  return {
    'mcp-protocol-version': version,
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': name }),
  };
}

describe('2026-07-28', () => {
  test('a client of that version works without a session', async () => {
    const { client, call, end } = await connectV2(url, { mode: { pin: version } });
    const { tools } = await client.listTools();
    assert.ok(tools.length > 10);
    const result = (await call('test_simple_text', {})) as { content: { text: string }[] };
    assert.match(result.content[0]?.text ?? '', /simple text/);
    await end();
  });

  test('a client that takes what it gets ends up with the newest version that upstream has', async () => {
    const { call, end } = await connectV2(url, { mode: 'auto' });
    assert.ok(await call('test_simple_text', {}));
    await end();
  });

  test('what the headers say must be what the body says, whatever way it is written', async () => {
    const body = modern('tools/call', { name: 'test_simple_text', arguments: {} });
    const good = mirrors('tools/call', 'test_simple_text');
    assert.equal((await wire(url, body, good)).status, 200);
    const encoded = `=?base64?${Buffer.from('test_simple_text').toString('base64')}?=`;
    assert.equal((await wire(url, body, { ...good, 'mcp-name': encoded })).status, 200);
    for (const bad of [
      mirrors('tools/list', 'test_simple_text'),
      mirrors('tools/call', 'test_error_handling'),
      mirrors('tools/call', 'TEST_SIMPLE_TEXT'),
      mirrors('tools/call'),
      { ...good, 'mcp-name': '=?base64?//8=?=' },
      { ...good, 'mcp-protocol-version': '2025-11-25' },
    ]) {
      const reply = await wire(url, body, bad);
      assert.deepEqual(
        [reply.status, reply.json?.error?.code, reply.json?.id],
        [400, -32020, 1],
        JSON.stringify(bad),
      );
    }
  });

  test('a denied call says that its result is complete', async () => {
    const body = modern('tools/call', { name: 'test_image_content', arguments: {} });
    const { json } = await wire(url, body, mirrors('tools/call', 'test_image_content'));
    assert.equal(json?.result?.['resultType'], 'complete');
    assert.equal(json?.result?.['isError'], true);
  });

  test('there are no streams of the server and no sessions to end', async () => {
    assert.equal((await wire(url, null, mirrors('x'), 'GET')).status, 405);
    assert.equal((await wire(url, null, mirrors('x'), 'DELETE')).status, 405);
  });

  test('results that upstream lets anybody keep are private once policy and masking have been at them', async () => {
    await using shared = await startRawUpstream((request, reply) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { id } = JSON.parse(Buffer.concat(chunks).toString()) as { id: unknown };
        const common = '"supportedVersions":["2026-07-28"],"tools":[],"ttlMs":1000,"resultType":"complete"';
        reply
          .writeHead(200, { 'content-type': 'application/json' })
          .end(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${common}, "cacheScope" : "public"}}`);
      });
    });
    await using other = await testGateway({ connections: { shared: httpConnection(shared.url) } });
    const reply = await wire(other.url('shared'), modern('tools/list'), mirrors('tools/list'));
    assert.match(reply.text, /"cacheScope" : "private"/);
  });
});

describe('2025-03-26', () => {
  const call = (id: number, name: string): string =>
    `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${name}","arguments":{}}}`;

  test('each call of a batch is decided on and answered by itself', async () => {
    const session = await handshake(url, '2025-03-26');
    const body = `[${call(1, 'test_simple_text')}, ${call(2, 'test_image_content')}, ${call(3, 'test_error_handling')}]`;
    const reply = await wire(url, body, session);
    const answers = reply.text
      .split('\n')
      .filter((line) => line.startsWith('data: '))
      .map(
        (line) =>
          JSON.parse(line.slice(6)) as {
            id: number;
            result: { isError?: boolean; content: { text: string }[] };
          },
      );
    const of = (id: number) => answers.find((answer) => answer.id === id)?.result;
    assert.equal(answers.length, 3);
    assert.match(of(1)?.content[0]?.text ?? '', /simple text/);
    assert.match(of(2)?.content[0]?.text ?? '', /rule "no-images"/);
    assert.equal(of(3)?.isError, true);
  });

  test('a batch of notifications is taken without an answer', async () => {
    const session = await handshake(url, '2025-03-26');
    const reply = await wire(url, '[{"jsonrpc":"2.0","method":"notifications/initialized"}]', session);
    assert.deepEqual([reply.status, reply.text], [202, '']);
  });

  test('a handshake in a batch, and a batch too long, are refused', async () => {
    const session = await handshake(url, '2025-03-26');
    const initialize = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}';
    assert.equal((await wire(url, `[${initialize}]`, session)).json?.error?.code, -32600);
    const many = Array.from({ length: 101 }, (_, id) => call(id, 'test_simple_text')).join(',');
    assert.equal((await wire(url, `[${many}]`, session)).json?.error?.code, -32600);
  });
});
