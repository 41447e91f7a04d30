import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { request } from 'undici';
import { createRecordReader } from '../../db/records-read.ts';
import { openSession } from '../../recording/read.ts';
import { sessionsOf } from '../../recording/search.ts';
import { places } from '../masking/message-places.ts';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { startRawUpstream, type TestUpstream } from '../support/upstream.ts';
import { handshake, wire } from './wire.ts';

const versions = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;
const modern = '2026-07-28';

interface Rpc {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
}

let upstream: TestUpstream;
let gateway: TestGateway;
/** What upstream says to the next request that is no handshake. */
let answer: (reply: ServerResponse, rpc: Rpc) => void = () => {};
/** What upstream says on the stream that a client opens by GET; null where it has none. */
let following: ((reply: ServerResponse) => void) | null = null;
/** What upstream got, in clear. */
const arrived: string[] = [];

before(async () => {
  upstream = await startRawUpstream((incoming, reply) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      if (incoming.method === 'GET' && following) return following(reply);
      if (incoming.method !== 'POST') return void reply.writeHead(405).end();
      const text = Buffer.concat(chunks).toString();
      arrived.push(text);
      const rpc = JSON.parse(text) as Rpc;
      if (rpc.id === undefined || rpc.method === undefined) return void reply.writeHead(202).end();
      if (rpc.method !== 'initialize' || planned) return answer(reply, rpc);
      const result = {
        protocolVersion: rpc.params?.['protocolVersion'],
        capabilities: {},
        serverInfo: { name: 'raw', version: '1' },
      };
      reply
        .writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' })
        .end(JSON.stringify({ jsonrpc: '2.0', id: rpc.id, result }));
    });
  });
  gateway = await testGateway({
    connections: { raw: httpConnection(upstream.url) },
    metrics: true,
    logLevel: 'trace',
  });
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Whether the next handshake is answered by `answer` too. */
let planned = false;
const planted: string[] = [];

/** Two values that stand nowhere else: one by its form, one by its kind. Fresh ones, since sessions remember. */
function canary(place: string): string {
  const n = planted.length;
  const token = `ghp_${`cAnary${n}x`.padEnd(36, 'q7X4vK9z2Jw8Mt5PhB3n')}`;
  planted.push(token);
  // In addresses that the protocol works with, secrets alone are hidden.
  if (/uri|link|address|updated/.test(place)) return token;
  const mail = `canary-${n}.person@corp.example`;
  planted.push(mail);
  return `${token} ${mail}`;
}

function assertHidden(where: string, text: string): void {
  for (const value of planted) {
    const encoded = Buffer.from(value).toString('base64').slice(0, 24);
    const at = text.indexOf(value);
    assert.equal(at < 0 ? '' : `${where}: ${text.slice(Math.max(0, at - 150), at + 60)}`, '');
    assert.ok(!text.includes(encoded), `${where}: ${value} in base64`);
    assert.ok(!text.includes(encodeURIComponent(value)), `${where}: ${value} in an address`);
  }
}

const isMasked = (text: string): boolean => text.includes('[masked:') || text.includes('W21hc2tlZD');

/** Sends bytes in pieces of a few, so that every value is cut somewhere. */
function inPieces(reply: ServerResponse, text: string, size: number): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) reply.write(bytes.subarray(at, at + size));
  reply.end();
}

function say(reply: ServerResponse, messages: readonly object[], sse: boolean, size: number): void {
  reply.writeHead(200, {
    'content-type': sse ? 'text/event-stream' : 'application/json',
    'mcp-session-id': 's',
  });
  const texts = messages.map((message) => JSON.stringify(message));
  inPieces(
    reply,
    sse ? texts.map((text) => `event: message\ndata: ${text}\n\n`).join('') : texts.join(''),
    size,
  );
}

/** The request whose answer a place stands in. */
const asks: Readonly<Record<string, Rpc>> = {
  'resources/read': { method: 'resources/read', params: { uri: 'file:///a' } },
  'resources/list': { method: 'resources/list' },
  'resource templates': { method: 'resources/templates/list' },
  'prompts/get': { method: 'prompts/get', params: { name: 'p' } },
  'prompts/list': { method: 'prompts/list' },
  'tools/list': { method: 'tools/list' },
  'completion answer': {
    method: 'completion/complete',
    params: { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: 'x' } },
  },
};
const call: Rpc = { method: 'tools/call', params: { name: 't', arguments: {} } };
const initialize: Rpc = {
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
};

async function ask(version: string, rpc: Rpc, id: unknown = 7): Promise<{ status: number; text: string }> {
  const { body, headers } = await asked(version, rpc, id);
  return wire(gateway.url('raw'), body, headers);
}

async function asked(version: string, rpc: Rpc, id: unknown = 7) {
  const meta = {
    ...(rpc.params?.['_meta'] as object | undefined),
    'io.modelcontextprotocol/protocolVersion': version,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'wire', version: '1' },
  };
  const isNew = version === modern && rpc.method !== 'initialize';
  const body = JSON.stringify({
    jsonrpc: '2.0',
    ...(rpc.method?.startsWith('notifications/') === true ? {} : { id }),
    ...rpc,
    ...(isNew && { params: { ...rpc.params, _meta: meta } }),
  });
  const name = rpc.params?.['name'] ?? rpc.params?.['uri'];
  const headers: Record<string, string> = isNew
    ? {
        'mcp-protocol-version': version,
        'mcp-method': rpc.method ?? '',
        ...(typeof name === 'string' && { 'mcp-name': name }),
      }
    : rpc.method === 'initialize'
      ? {}
      : await handshake(gateway.url('raw'), version);
  return { body, headers };
}

const clientSends =
  /^(?:tools\/call arg|input resp|request _meta|prompts\/get arguments|resources\/read uri|completion argument|client info|cancelled|a method nobody)/;
const serverSends =
  /^(?:sampling request|elicitation request|elicitation by|progress|logging|resource updated|cancelled)/;
const clientAnswers = /^(?:roots, answer|sampling answer|sampling tool use|elicitation answer)/;

for (const version of versions)
  test(`${version}: no place of a server's answer brings a secret to the client, as JSON or as a stream, cut anywhere`, async () => {
    const clear: string[] = [];
    for (const [place, make] of Object.entries(places)) {
      if (clientSends.test(place) || serverSends.test(place) || clientAnswers.test(place)) continue;
      for (const sse of [false, true]) {
        const body = make(canary(place)) as object;
        answer = (reply, { id }) => say(reply, [{ jsonrpc: '2.0', id, ...body }], sse, 3);
        planned = place === 'initialize answer';
        const rpc = planned ? initialize : (asks[place] ?? call);
        const { text } = await ask(version, rpc);
        planned = false;
        assertHidden(place, text);
        if (!isMasked(text)) clear.push(`${place}: ${text}`);
      }
    }
    assert.deepEqual(clear, [], 'every answer arrived, masked');
  });

for (const version of versions)
  test(`${version}: nothing that a server says on its own brings a secret to the client`, async () => {
    let masked = 0;
    for (const [place, make] of Object.entries(places)) {
      if (!serverSends.test(place)) continue;
      const message = make(canary(place)) as Rpc;
      const own = message.method?.startsWith('notifications/') === true ? message : { id: 's1', ...message };
      answer = (reply, { id }) =>
        say(
          reply,
          [
            { jsonrpc: '2.0', ...own },
            { jsonrpc: '2.0', id, result: { content: [] } },
          ],
          true,
          2,
        );
      // A progress token makes progress wanted.
      const { text } = await ask(version, {
        ...call,
        params: { ...call.params, _meta: { progressToken: 1 } },
      });
      assertHidden(place, text);
      if (isMasked(text)) masked += 1;
    }
    // The newest version has no requests of servers, and knows fewer notifications.
    assert.ok(masked >= (version === modern ? 2 : 6), `${masked} arrived, masked`);
  });

for (const version of versions.slice(0, 3))
  test(`${version}: nothing that a server says on a stream of its own brings a secret to the client`, async () => {
    const messages = Object.entries(places)
      .filter(([place]) => serverSends.test(place) && place !== 'progress')
      .map(([place, make], at) => {
        const message = make(canary(place)) as Rpc;
        const own = message.method?.startsWith('notifications/') === true ? {} : { id: `s${at}` };
        return { jsonrpc: '2.0', ...own, ...message };
      });
    following = (reply) => say(reply, messages, true, 5);
    try {
      const headers = await handshake(gateway.url('raw'), version);
      const { statusCode, body } = await request(gateway.url('raw'), {
        headers: { accept: 'text/event-stream', ...headers },
      });
      assert.equal(statusCode, 200);
      const text = await body.text();
      assertHidden('the stream', text);
      assert.equal(text.split('\ndata: ').length - 1, messages.length, text);
      assert.ok((text.match(/\[masked:/g)?.length ?? 0) >= messages.length, 'each arrived, masked');
    } finally {
      following = null;
    }
  });

test('a stream cut at any byte brings no part of a secret to the client', async () => {
  const value = canary('stream');
  const whole = (id: unknown): string =>
    `event: message\r\ndata: {"jsonrpc":"2.0","id":${JSON.stringify(id)},\r\ndata: "result":{"content":[{"type":"text","text":"see ${value}"}]}}\r\n\r\n`;
  const size = Buffer.byteLength(whole(7));
  const { body, headers } = await asked('2025-11-25', call);
  for (let cut = 1; cut < size; cut += 1) {
    answer = (reply, { id }) => {
      reply.writeHead(200, { 'content-type': 'text/event-stream' });
      const bytes = Buffer.from(whole(id));
      reply.write(bytes.subarray(0, cut));
      reply.end(bytes.subarray(cut));
    };
    const { text } = await wire(gateway.url('raw'), body, headers);
    assert.match(text, /see \[masked:github-token\] \[masked:email\]/, String(cut));
  }
});

test("what clients answer to servers' questions goes to the server in clear, and is recorded masked", async () => {
  for (const version of versions.slice(0, 3))
    for (const [place, make] of Object.entries(places)) {
      if (!clientAnswers.test(place)) continue;
      const value = canary(place);
      let end = (): void => {};
      answer = (reply, { id }) => {
        reply.writeHead(200, { 'content-type': 'text/event-stream' });
        reply.write(
          'data: {"jsonrpc":"2.0","id":"q1","method":"elicitation/create","params":{"message":"who?","requestedSchema":{"type":"object","properties":{}}}}\n\n',
        );
        end = () =>
          void reply.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } })}\n\n`);
      };
      const { body, headers } = await asked(version, call);
      const reply = await request(gateway.url('raw'), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
        body,
      });
      let text = '';
      for await (const chunk of reply.body as AsyncIterable<Buffer>) {
        text += chunk.toString();
        const asking = /"id":("[^"]*"|\d+),"method":"elicitation\/create"/.exec(text);
        if (!asking) continue;
        text = '';
        const response = JSON.stringify({
          jsonrpc: '2.0',
          id: JSON.parse(asking[1] ?? '0'),
          ...(make(value) as object),
        });
        const taken = await wire(gateway.url('raw'), response, headers);
        assert.equal(taken.status, 202, taken.text);
        end();
      }
      assert.ok(
        arrived.some((said) => said.includes(value.split(' ')[0] ?? '')),
        `${place} reached the server`,
      );
    }
});

test('what clients send is recorded masked in every version, and refusals repeat nothing of it', async () => {
  for (const version of versions)
    for (const [place, make] of Object.entries(places)) {
      if (!clientSends.test(place)) continue;
      const rpc = make(canary(place)) as Rpc;
      answer = (reply, { id }) => say(reply, [{ jsonrpc: '2.0', id, result: { content: [] } }], false, 1_000);
      const { text } = await ask(version, rpc);
      assertHidden(place, text);
    }
});

test('neither a path that names no connection nor a name that is cut brings a secret, or a part of it, anywhere', async () => {
  const token = canary('uri of nothing');
  for (const path of [token, `${'x'.repeat(40)}-${token}`]) {
    const { status, text } = await wire(
      gateway.url(path),
      JSON.stringify({ jsonrpc: '2.0', id: 1, ...call }),
    );
    assert.equal(status, 404);
    assertHidden('the refusal', text);
  }
  const secret = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from(JSON.stringify({ sub: 'x'.repeat(300) })).toString('base64url')}.${'s'.repeat(43)}`;
  const name = `${secret} ${token}`;
  assert.ok(name.length > 510 && secret.length < 490, 'cut in the middle of the second');
  planted.push(secret.slice(30, 60), token.slice(0, 16));
  await ask('2025-11-25', {
    ...initialize,
    params: { ...initialize.params, clientInfo: { name, version: '1' } },
  });
});

test('none of all these secrets is in the recording, the database, the log or the metrics', async () => {
  const reading = { reader: createRecordReader(gateway.db.pool), keyRing: gateway.keyRing };
  const recorded: string[] = [];
  for await (const { facts } of sessionsOf(reading, {})) {
    const opened = await openSession(reading, facts.sessionId);
    recorded.push(JSON.stringify(facts));
    if (opened)
      for await (const event of opened.events()) recorded.push(`${event.tool} ${event.bytes?.toString()}`);
  }
  const { rows } = await gateway.db.pool.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const stored: string[] = [];
  for (const { name } of rows) {
    const found = await gateway.db.pool.query<{ line: string }>(`select t::text as line from ${name} t`);
    stored.push(...found.rows.map(({ line }) => line));
  }
  const port = gateway.gateway.metricsAddress?.port;
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const found: Record<string, string> = {
    'the recording': recorded.join('\n'),
    'the database': stored.join('\n'),
    'the log': gateway.log.join('\n'),
    'the metrics': metrics,
  };
  assert.ok(planted.length > 300, 'secrets were planted');
  assert.ok(
    (found['the recording']?.match(/\[masked:github-token\]/g)?.length ?? 0) > 200,
    'and recorded, masked',
  );
  assert.match(metrics, /holdpoint_masking_found_total\{[^}]*github-token/);
  for (const [where, text] of Object.entries(found)) assertHidden(where, text);
});
