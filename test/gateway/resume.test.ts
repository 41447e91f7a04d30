import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { startEverything, type TestUpstream } from '../support/upstream.ts';
import { handshake, wire } from './wire.ts';

let upstream: TestUpstream;
let first: TestGateway;
let second: TestGateway;

before(async () => {
  upstream = await startEverything();
  const connections = { everything: httpConnection(upstream.url) };
  first = await testGateway({ connections });
  second = await testGateway({ connections, replicaOf: first });
});

after(async () => {
  await second[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const long = (id: number, duration: number): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"_meta":{"progressToken":"t"},"name":"trigger-long-running-operation","arguments":{"duration":${duration},"steps":3}}}`;

/** Starts a call, breaks off once so many events have come; returns what had come. */
async function breakOff(session: Record<string, string>, events: number): Promise<string> {
  const aborter = new AbortController();
  const reply = await fetch(first.url('everything'), {
    method: 'POST',
    headers: {
      ...session,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: long(3, 1.8),
    signal: aborter.signal,
  });
  let text = '';
  for await (const chunk of reply.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (idsOf(text).length >= events) break;
  }
  aborter.abort();
  return text;
}

const idsOf = (text: string): string[] => [...text.matchAll(/^id: (.*)$/gm)].map((match) => match[1] ?? '');

test('a reply that becomes a stream begins with an event that makes it resumable', async () => {
  const session = await handshake(first.url('everything'));
  const text = await breakOff(session, 250);
  assert.match(text, /^id: gw\.[\w-]{16}\.0\nretry: 10000\ndata: \n\n/);
});

test('a client that was cut off gets the rest from any replica, each message once, in order', async () => {
  const session = await handshake(first.url('everything'));
  const seen = await breakOff(session, 2);
  assert.ok(!seen.includes('"result"'));
  const last = idsOf(seen).at(-1) ?? '';
  const rest = await wire(second.url('everything'), null, { ...session, 'last-event-id': last }, 'GET');
  assert.equal(rest.status, 200);
  assert.match(rest.text, /Long running operation completed/);
  const all = [...idsOf(seen), ...idsOf(rest.text)].map((id) => Number(id.split('.').at(-1)));
  assert.deepEqual(all, [...all.keys()]);
});

test('once more after the end gives the response again, to the same session alone', async () => {
  const session = await handshake(first.url('everything'));
  const seen = await breakOff(session, 1);
  const begin = { ...session, 'last-event-id': idsOf(seen)[0] ?? '' };
  assert.match((await wire(second.url('everything'), null, begin, 'GET')).text, /completed/, 'until the end');
  assert.match((await wire(second.url('everything'), null, begin, 'GET')).text, /completed/);
  const other = await handshake(first.url('everything'));
  const stolen = fetch(first.url('everything'), {
    headers: { ...other, 'last-event-id': begin['last-event-id'], accept: 'text/event-stream' },
    signal: AbortSignal.timeout(1200),
  }).then((reply) => reply.text());
  await assert.rejects(stolen, /timeout|abort/i);
});

test('clients older than 2025-11-25 get no event that they cannot read', async () => {
  const session = await handshake(first.url('everything'), '2025-06-18');
  const reply = await wire(first.url('everything'), long(4, 0.4), session);
  assert.ok(!/^data: $/m.test(reply.text));
  assert.match(reply.text, /completed/);
});
