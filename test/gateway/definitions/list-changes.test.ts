import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpConnection, testGateway } from '../../support/gateway.ts';
import { startListingUpstream } from '../../support/listing-upstream.ts';
import { until } from '../../support/until.ts';
import { connectV1, connectV2 } from '../tour.ts';
import { approvers, connect, decide, tool } from './support.ts';

test('clients that listen are told when a tool leaves the lists and when it is back', async () => {
  await using upstream = await startListingUpstream();
  upstream.pages = [[tool('read'), tool('write')]];
  await using gateway = await testGateway({
    connections: { files: httpConnection(upstream.url) },
    policy: `default: pass\n${approvers}definitions: { approvers: [sec] }\n`,
  });
  const url = gateway.url('files');
  for (const listener of [await connectV1(url), await connectV2(url)]) {
    const named = listener.client as unknown as {
      getServerCapabilities(): { tools?: { listChanged?: boolean } };
    };
    assert.equal(named.getServerCapabilities().tools?.listChanged, true);
    upstream.pages = [[tool('read'), tool('write')]];
    const other = await connect(url);
    assert.equal((await listener.client.listTools()).tools.length, 2);
    upstream.pages = [[tool('read'), tool('write', 'changed')]];
    const before = listener.heard.toolsChanged;
    await other.list();
    await until('news of a change', () => listener.heard.toolsChanged > before);
    assert.equal(listener.heard.toolsChanged, before + 1);
    assert.deepEqual(
      (await listener.client.listTools()).tools.map(({ name }) => name),
      ['read'],
    );
    await decide(gateway, 'approve');
    await until('news of a change', () => listener.heard.toolsChanged > before + 1);
    assert.equal(listener.heard.toolsChanged, before + 2);
    assert.equal((await listener.client.listTools()).tools.length, 2);
    // For the next listener: what was accepted first is accepted again.
    await gateway.db.pool.query('delete from tool_definitions');
    await listener.end();
  }
});
