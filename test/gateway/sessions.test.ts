import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Identifier } from '../../gateway/identify/identify.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { openSession } from '../../recording/read.ts';
import { httpConnection, stdioConnection, testGateway } from '../support/gateway.ts';
import { everythingCommand, startEverything } from '../support/upstream.ts';
import { handshake, wire } from './wire.ts';

const echo =
  '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}';

/** Takes `Bearer <name>` for that person: what is tested here is what the gateway does once it knows who calls. */
const byName: Identifier = {
  metadata: () => null,
  lacks: () => null,
  identify: async ({ authorization = '' }) => {
    const name = authorization.replace('Bearer ', '');
    if (name === '')
      return { refused: 'missing_token', status: 401, message: 'sign in', challenge: 'Bearer' };
    const nobody = {
      email: null,
      name: null,
      groups: [],
      actors: [],
      client: null,
      credentialId: null,
      claims: {},
    };
    return {
      ...nobody,
      key: `oidc:https://idp.example#${name}`,
      subject: name,
      issuer: 'https://idp.example',
    };
  },
};

test("another caller's session does not exist for anybody else, in any method", async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({
    connections: { everything: httpConnection(upstream.url) },
    identifier: byName,
  });
  const url = gateway.url('everything');
  assert.equal((await wire(url, echo)).status, 401);
  const alice = await handshake(url, '2025-11-25', { authorization: 'Bearer alice' });
  const stolen = { ...alice, authorization: 'Bearer mallory' };
  assert.equal((await wire(url, echo, stolen)).status, 404);
  assert.equal((await wire(url, null, stolen, 'GET')).status, 404);
  assert.equal((await wire(url, null, stolen, 'DELETE')).status, 404);
  assert.equal((await wire(url, echo, alice)).status, 200);
});

test('one caller’s sessions have a limit of their own, which leaves room for everybody else', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({
    connections: { everything: httpConnection(upstream.url) },
    identifier: byName,
    limits: { sessionsPerCaller: 1 },
  });
  const url = gateway.url('everything');
  const alice = { authorization: 'Bearer alice' };
  const first = await handshake(url, '2025-11-25', alice);
  await assert.rejects(handshake(url, '2025-11-25', alice), /503.*as many as one caller may have/);
  await handshake(url, '2025-11-25', { authorization: 'Bearer bob' });
  await wire(url, null, first, 'DELETE');
  await handshake(url, '2025-11-25', alice);
});

test('one caller with as many open replies as they may have keeps nobody else out', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({
    connections: { everything: httpConnection(upstream.url) },
    identifier: byName,
    limits: { streamsPerCaller: 2 },
  });
  const url = gateway.url('everything');
  const [ann, other, bob] = await Promise.all(
    ['ann', 'ann', 'bob'].map((name) => handshake(url, '2025-11-25', { authorization: `Bearer ${name}` })),
  );
  const aborter = new AbortController();
  const opened = await Promise.all(
    [ann, other].map((session) =>
      fetch(url, { headers: { ...session, accept: 'text/event-stream' }, signal: aborter.signal }),
    ),
  );
  assert.deepEqual(
    opened.map(({ status }) => status),
    [200, 200],
  );
  const refused = await wire(url, echo, ann);
  assert.equal(refused.json?.error?.data?.['code'], 'too_many_streams');
  assert.match(refused.json?.error?.message ?? '', /2 open replies .* one caller/);
  assert.equal((await wire(url, echo, bob)).status, 200);
  aborter.abort();
  for (;;) {
    const again = await wire(url, echo, ann);
    if (again.status === 200) break;
    assert.equal(again.json?.error?.data?.['code'], 'too_many_streams');
    await sleep(50);
  }
});

test('any replica serves a session over HTTP, ends it for all, and knows nothing of it afterwards', async () => {
  await using upstream = await startEverything();
  const connections = { everything: httpConnection(upstream.url) };
  await using first = await testGateway({ connections, identifier: byName });
  await using second = await testGateway({ connections, identifier: byName, replicaOf: first });
  const alice = await handshake(first.url('everything'), '2025-11-25', { authorization: 'Bearer alice' });
  assert.match((await wire(second.url('everything'), echo, alice)).text, /Echo: hello/);
  const stolen = { ...alice, authorization: 'Bearer mallory' };
  assert.equal((await wire(second.url('everything'), echo, stolen)).status, 404);
  assert.equal((await wire(second.url('everything'), null, alice, 'DELETE')).status, 200);
  assert.equal((await wire(second.url('everything'), echo, alice)).status, 404);
  assert.equal((await wire(first.url('everything'), echo, alice)).status, 404);
});

test('a session over HTTP outlives the gateway that began it', async () => {
  await using upstream = await startEverything();
  const connections = { everything: httpConnection(upstream.url) };
  await using first = await testGateway({ connections });
  const session = await handshake(first.url('everything'));
  await first.gateway.stop(100);
  await using second = await testGateway({ connections, replicaOf: first });
  assert.match((await wire(second.url('everything'), echo, session)).text, /Echo: hello/);
});

test('a stdio session lives on one replica; elsewhere its client is told to begin again', async () => {
  const connections = { everything: stdioConnection(everythingCommand()) };
  await using first = await testGateway({ connections });
  await using second = await testGateway({ connections, replicaOf: first });
  const session = await handshake(first.url('everything'));
  assert.equal((await wire(second.url('everything'), echo, session)).status, 404);
  assert.match((await wire(first.url('everything'), echo, session)).text, /Echo: hello/);
});

test('what passed is recorded in order, both directions, before it went on', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({ connections: { everything: httpConnection(upstream.url) } });
  const url = gateway.url('everything');
  const session = await handshake(url);
  await wire(url, '{"jsonrpc":"2.0","method":"notifications/initialized"}', session);
  await wire(url, echo, session);
  await wire(url, null, session, 'DELETE');
  const { rows } = await gateway.db.pool.query<{ session_id: string }>(
    'select session_id from record_sessions',
  );
  const events: string[] = [];
  const deps = { reader: createRecordReader(gateway.db.pool), keyRing: gateway.keyRing };
  const opened = await openSession(deps, rows[0]?.session_id ?? '');
  assert.ok(opened);
  for await (const event of opened.events())
    events.push(`${event.kind} ${event.direction} ${event.method ?? ''}`);
  assert.deepEqual(events, [
    'open none ',
    'connect none ',
    'message client-to-upstream initialize',
    'message upstream-to-client initialize',
    'message client-to-upstream notifications/initialized',
    'message client-to-upstream tools/call',
    'message upstream-to-client tools/call',
    'end none ',
  ]);
});

test('without the database nothing passes, and the client is told to try again', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({ connections: { everything: httpConnection(upstream.url) } });
  const url = gateway.url('everything');
  const session = await handshake(url);
  await gateway.recorder.close();
  const reply = await wire(url, echo, session);
  assert.equal(reply.json?.error?.data?.['code'], 'recording_unavailable');
  assert.equal(reply.json?.error?.data?.['retryable'], true);
  assert.equal(reply.json?.id, 5);
});

test('a call that policy denies is answered as a tool result that says which rule, and never goes upstream', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({
    connections: { everything: httpConnection(upstream.url) },
    policy: `
default: pass
rules:
  - { name: no-echo, match: { tool: echo }, then: deny, reason: Nobody echoes here. }
  - { name: no-prompts, match: { method: prompts/get }, then: deny }
`,
  });
  const url = gateway.url('everything');
  const session = await handshake(url);
  const { json } = await wire(url, echo, session);
  const content = json?.result?.['content'] as { text: string }[] | undefined;
  assert.equal(json?.result?.['isError'], true);
  assert.equal(json?.result?.['structuredContent'], undefined);
  assert.match(content?.[0]?.text ?? '', /rule "no-echo".*Nobody echoes here\..*not carried out/);
  const prompt = '{"jsonrpc":"2.0","id":"p","method":"prompts/get","params":{"name":"simple-prompt"}}';
  const refused = await wire(url, prompt, session);
  assert.equal(refused.json?.error?.data?.['rule'], 'no-prompts');
});

test('stopping ends open streams and lets calls that are under way end', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({ connections: { everything: httpConnection(upstream.url) } });
  const url = gateway.url('everything');
  const session = await handshake(url);
  const long =
    '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"_meta":{"progressToken":"t"},"name":"trigger-long-running-operation","arguments":{"duration":1,"steps":5}}}';
  const accept = 'application/json, text/event-stream';
  const headers = { ...session, accept, 'content-type': 'application/json' };
  // Their heads have come: both are under way.
  const calling = await fetch(url, { method: 'POST', headers, body: long });
  const stream = await fetch(url, { headers });
  await gateway.gateway.stop(20_000);
  assert.equal(stream.status, 200);
  await stream.text();
  assert.match(await calling.text(), /Long running operation completed/);
});

test('health is told apart from readiness, and metrics are on their own listener', async () => {
  await using gateway = await testGateway({ connections: {}, metrics: true });
  const { port } = gateway.gateway.address;
  const status = async (path: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).status;
  assert.equal(await status('/healthz'), 200);
  assert.equal(await status('/readyz'), 200);
  assert.equal(await status('/metrics'), 404);
  const metrics = await fetch(`http://127.0.0.1:${gateway.gateway.metricsAddress?.port}/metrics`);
  assert.match(await metrics.text(), /holdpoint_gateway_sessions 0/);
  await gateway.db.pool.end();
  assert.equal(await status('/healthz'), 200);
  assert.equal(await status('/readyz'), 503);
});
