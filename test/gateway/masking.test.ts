import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { startEverything, type TestUpstream } from '../support/upstream.ts';
import { handshake, wire, type WireReply } from './wire.ts';

let upstream: TestUpstream;
let gateway: TestGateway;

before(async () => {
  upstream = await startEverything();
  gateway = await testGateway({ connections: { everything: httpConnection(upstream.url) } });
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function echo(session: Record<string, string>, message: string, of = gateway): Promise<WireReply> {
  const params = { name: 'echo', arguments: { message } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'tools/call', params });
  return wire(of.url('everything'), body, session);
}

test('a value judged secret once is hidden in all later messages of the session, and in no other session', async () => {
  const session = await handshake(gateway.url('everything'));
  const first = await echo(session, 'password: blue-Harbor-77');
  assert.match(first.text, /Echo: password: \[masked:password\]/);
  assert.match((await echo(session, 'was it blue-Harbor-77?')).text, /Echo: was it \[masked:password\]\?/);
  const other = await handshake(gateway.url('everything'));
  assert.match((await echo(other, 'was it blue-Harbor-77?')).text, /Echo: was it blue-Harbor-77\?/);
});
