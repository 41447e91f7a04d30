import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpConnection, testGateway } from '../support/gateway.ts';
import { startRawUpstream } from '../support/upstream.ts';
import { connectV2 } from './tour.ts';

test('a server that refuses the first request by 2026-07-28’s own codes is known to speak that version', async () => {
  let refusals = 0;
  const methods: string[] = [];
  await using upstream = await startRawUpstream((request, reply) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { id, method } = JSON.parse(body) as { id: number; method: string };
      methods.push(method);
      const refused = refusals++ === 0;
      const error = { code: -32022, message: 'no', data: { supported: ['2026-07-28'], requested: 'x' } };
      const result =
        method === 'server/discover'
          ? {
              supportedVersions: ['2026-07-28'],
              capabilities: { tools: {} },
              serverInfo: { name: 'choosy', version: '1' },
            }
          : { tools: [] };
      const complete = { resultType: 'complete', ttlMs: 0, cacheScope: 'private', ...result };
      reply.writeHead(refused ? 400 : 200, { 'content-type': 'application/json' });
      reply.end(JSON.stringify({ jsonrpc: '2.0', id, ...(refused ? { error } : { result: complete }) }));
    });
  });
  await using gateway = await testGateway({ connections: { choosy: httpConnection(upstream.url) } });
  const { client, end } = await connectV2(gateway.url('choosy'), { mode: { pin: '2026-07-28' } });
  assert.deepEqual((await client.listTools()).tools, []);
  await end();
  assert.ok(!methods.includes('initialize'), methods.join());
});
