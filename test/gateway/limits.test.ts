import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpConnection, testGateway } from '../support/gateway.ts';
import { startEverything, startRawUpstream } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { handshake, wire } from './wire.ts';

const echo =
  '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}';
const initialize =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"w","version":"1"}}}';

test('sessions have a limit, and a client that ends one makes room', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({
    connections: { everything: httpConnection(upstream.url) },
    limits: { sessions: 2 },
  });
  const url = gateway.url('everything');
  const first = await handshake(url);
  await handshake(url);
  const third = await wire(url, initialize);
  assert.equal(third.status, 503);
  assert.equal(third.json?.error?.data?.['code'], 'too_many_sessions');
  assert.equal(third.json?.error?.data?.['retryable'], true);
  await wire(url, null, first, 'DELETE');
  assert.equal((await wire(url, initialize)).status, 200);
});

test('open replies have a limit', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({
    connections: { everything: httpConnection(upstream.url) },
    limits: { streams: 1 },
  });
  const url = gateway.url('everything');
  const session = await handshake(url);
  const aborter = new AbortController();
  const headers = { ...session, accept: 'text/event-stream' };
  const stream = await fetch(url, { headers, signal: aborter.signal });
  assert.equal(stream.status, 200);
  assert.equal((await wire(url, echo, session)).json?.error?.data?.['code'], 'too_many_streams');
  aborter.abort();
  await until(
    'the reply that was left makes room',
    async () => (await wire(url, echo, session)).status === 200,
  );
});

test('a reader that does not read holds upstream back instead of filling memory', async () => {
  let written = 0;
  await using upstream = await startRawUpstream((request, reply) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (Buffer.concat(chunks).includes('initialize'))
        return reply
          .writeHead(200, { 'content-type': 'application/json' })
          .end(
            '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"r","version":"1"}}}',
          );
      reply.writeHead(200, { 'content-type': 'text/event-stream' }).on('error', () => {});
      const event = `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"${'x '.repeat(5000)}"}}\n\n`;
      const flood = (): void => {
        while (!reply.destroyed && written < 60_000_000 && reply.write(event)) written += event.length;
        if (!reply.destroyed && written < 60_000_000) reply.once('drain', flood);
      };
      flood();
      return undefined;
    });
  });
  await using gateway = await testGateway({
    connections: { raw: httpConnection(upstream.url) },
    logLevel: 'silent',
  });
  const session = await handshake(gateway.url('raw'), '2025-06-18');
  const { port, pathname, host } = new URL(gateway.url('raw'));
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  const headers = {
    ...session,
    host,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'content-length': String(echo.length),
  };
  socket.write(
    `POST ${pathname} HTTP/1.1\r\n${Object.entries(headers)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\r\n')}\r\n\r\n${echo}`,
  );
  // Sockets' own buffers take some megabytes, however slowly; after that nothing moves.
  await until('something comes', () => written > 0);
  const taken = [-1];
  while (taken.at(-1) !== written && taken.length < 30) {
    taken.push(written);
    await sleep(1000);
  }
  assert.equal(taken.at(-1), written, 'what upstream may write comes to an end');
  assert.ok(written < 30_000_000, `${written} bytes were taken from upstream while nobody read`);
  socket.destroy();
});

test('a client that writes slowly is cut off in time, and keeps nobody waiting', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({
    connections: { everything: httpConnection(upstream.url) },
    limits: { requestSeconds: 1 },
  });
  const url = new URL(gateway.url('everything'));
  const slow = [
    `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{`,
    'POST /mcp',
  ];
  const cutOff = slow.map(async (beginning) => {
    const socket = connect(Number(url.port), url.hostname);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write(beginning);
    // A byte now and then is not silence, and no excuse either.
    const dripping = setInterval(() => socket.write(' '), 200);
    // Bytes that arrive after the end are answered with a reset.
    socket.on('error', () => {});
    await new Promise((closed) => socket.once('close', closed));
    clearInterval(dripping);
    return answer;
  });
  assert.equal((await wire(url.href, initialize)).status, 200);
  for (const answer of await Promise.all(cutOff)) assert.match(answer, /^$|^HTTP\/1.1 408 /);
});
