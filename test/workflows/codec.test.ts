import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { defaultPayloadConverter } from '@temporalio/common';
import { createCodec } from '../../workflows/codec.ts';
import { CodecServerError, type RunningCodecServer, startCodecServer } from '../../workflows/codec-server.ts';

const codec = createCodec([randomBytes(32)]);
const ui = 'https://temporal.example';
let server: RunningCodecServer;
let encrypted: { metadata: Record<string, string>; data: string };

before(async () => {
  server = await startCodecServer({
    listen: { host: '127.0.0.1', port: 0 },
    codec,
    namespace: 'default',
    uiOrigin: ui,
    authorize: async (token) => token === 'auditor-token',
  });
  const [payload] = await codec.encode([defaultPayloadConverter.toPayload('a secret summary')]);
  encrypted = {
    metadata: Object.fromEntries(
      Object.entries(payload?.metadata ?? {}).map(([name, value]) => [
        name,
        Buffer.from(value).toString('base64'),
      ]),
    ),
    data: Buffer.from(payload?.data ?? []).toString('base64'),
  };
});
after(() => server.stop());

const ask = (headers: Record<string, string>, body: unknown = { payloads: [encrypted] }, path = '/decode') =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const good = { origin: ui, 'x-namespace': 'default', authorization: 'Bearer auditor-token' };

test('payloads are encrypted with the first key, and every key of the ring reads its own', async () => {
  const [old, young] = [randomBytes(32), randomBytes(32)];
  const written = await createCodec([old]).encode([defaultPayloadConverter.toPayload('held')]);
  assert.ok(!Buffer.from(written[0]?.data ?? []).includes('held'));
  const [read] = await createCodec([young, old]).decode(written);
  assert.equal(read && defaultPayloadConverter.fromPayload(read), 'held');
  await assert.rejects(createCodec([young]).decode(written), /keys\.encryption does not have/);
});

test('an altered payload is refused, not decoded', async () => {
  const [payload] = await codec.encode([defaultPayloadConverter.toPayload('held')]);
  const data = Buffer.from(payload?.data ?? []);
  data[data.length - 1] = (data.at(-1) ?? 0) ^ 1;
  await assert.rejects(codec.decode([{ ...payload, data }]));
});

test('the Temporal UI of somebody who may read gets payloads decoded', async () => {
  const preflight = await fetch(`${server.url}/decode`, { method: 'OPTIONS', headers: { origin: ui } });
  assert.equal(preflight.headers.get('access-control-allow-origin'), ui);
  assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /x-namespace/);
  const response = await ask(good);
  assert.equal(response.status, 200);
  const { payloads } = (await response.json()) as { payloads: { data: string }[] };
  assert.equal(Buffer.from(payloads[0]?.data ?? '', 'base64').toString(), '"a secret summary"');
});

test('nobody else does: wrong origin, namespace, token, or none', async () => {
  const refused: [number, Record<string, string>][] = [
    [403, { ...good, origin: 'https://evil.example' }],
    [403, { ...good, origin: `${ui}.evil.example` }],
    [403, { ...good, origin: '' }],
    [403, { ...good, 'x-namespace': 'other' }],
    [401, { ...good, authorization: 'Bearer somebody' }],
    [401, { origin: ui, 'x-namespace': 'default' }],
  ];
  for (const [status, headers] of refused) {
    const response = await ask(headers);
    assert.equal(response.status, status, JSON.stringify(headers));
    assert.doesNotMatch(await response.text(), /secret|c2VjcmV0/);
  }
});

test('what is no list of payloads is refused, and nothing is encoded for anybody', async () => {
  for (const body of [
    null,
    {},
    { payloads: 'x' },
    { payloads: [1] },
    { payloads: [{ metadata: { encoding: 1 } }] },
  ])
    assert.equal((await ask(good, body)).status, 400, JSON.stringify(body));
  assert.equal((await ask(good, { payloads: [{ ...encrypted, data: 'AAAA' }] })).status, 422);
  assert.equal((await ask(good, undefined, '/encode')).status, 404);
});

test('without a check of who asks it listens on loopback only, and answers to no other name', async () => {
  const open = { codec, namespace: 'default', uiOrigin: ui, authorize: null };
  await assert.rejects(startCodecServer({ ...open, listen: { host: '0.0.0.0', port: 0 } }), CodecServerError);
  const local = await startCodecServer({ ...open, listen: { host: '127.0.0.1', port: 0 } });
  try {
    const { hostname, port } = new URL(local.url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'rebound.example', origin: ui, 'x-namespace': 'default', 'content-length': 0 };
      request({ hostname, port, path: '/decode', method: 'POST', headers }, (response) =>
        resolve(response.resume().statusCode),
      )
        .on('error', reject)
        .end();
    });
    assert.equal(status, 403);
  } finally {
    await local.stop();
  }
});
