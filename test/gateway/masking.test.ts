import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { type LaterMasker, MaskingError, type MaskingEngine } from '../../masking/engine.ts';
import { openSession } from '../../recording/read.ts';
import { sessionsOf } from '../../recording/search.ts';
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts';
import { startEverything, type TestUpstream } from '../support/upstream.ts';
import { handshake, wire, type WireReply } from './wire.ts';

let upstream: TestUpstream;
let counting: CountingUpstream;
let gateway: TestGateway;

/** Masking that fails where a text says so, as a worker does that dies or takes too long. */
function failing(engine: MaskingEngine): MaskingEngine {
  const unless =
    (mask: LaterMasker['message']): LaterMasker['message'] =>
    async (text) => {
      if (/unmaskable request|ran unmaskable/.test(text))
        throw new MaskingError('masking_timeout', 'masking took longer than 30000 ms');
      return mask(text);
    };
  return {
    ...engine,
    masker: (profile, options) => {
      const masker = engine.masker(profile, options);
      const { message, json, text } = masker.later;
      return { ...masker, later: { message: unless(message), json: unless(json), text: unless(text) } };
    },
  };
}

before(async () => {
  upstream = await startEverything();
  counting = await startCountingUpstream();
  gateway = await testGateway({
    connections: {
      everything: httpConnection(upstream.url),
      counting: httpConnection(counting.url),
    },
    masking: failing,
  });
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await counting[Symbol.asyncDispose]();
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

test('what cannot be masked goes nowhere: a request reaches no server, an answer no client, and neither the recording', async () => {
  const session = await handshake(gateway.url('counting'));
  const run = (command: string): Promise<WireReply> => {
    const params = { name: 'run', arguments: { command } };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 6, method: 'tools/call', params });
    return wire(gateway.url('counting'), body, session);
  };
  const request = await run('unmaskable request');
  assert.equal(request.json?.error?.data?.['code'], 'masking_unavailable', request.text);
  assert.equal(request.json?.error?.data?.['retryable'], true);
  assert.deepEqual(counting.calls('run'), []);
  const answer = await run('unmaskable');
  assert.equal(answer.json?.error?.data?.['code'], 'masking_unavailable', answer.text);
  assert.ok(!answer.text.includes('ran unmaskable'), answer.text);
  assert.deepEqual(counting.calls('run'), [{ command: 'unmaskable' }], 'it ran, and its answer is kept back');
  assert.match((await run('something')).text, /ran something/, 'everything else goes on');
  const reading = { reader: createRecordReader(gateway.db.pool), keyRing: gateway.keyRing };
  for await (const { facts } of sessionsOf(reading, {})) {
    const opened = await openSession(reading, facts.sessionId);
    for await (const event of opened?.events() ?? [])
      assert.doesNotMatch(event.bytes?.toString() ?? '', /unmaskable request|ran unmaskable/);
  }
});
