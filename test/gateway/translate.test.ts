import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { httpConnection, stdioConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { startConformanceServer } from '../support/conformance/server.ts';
import { everythingCommand, startEverything, type TestUpstream } from '../support/upstream.ts';
import { until } from '../support/until.ts';
import { type Connected, connectV1, connectV2, knowsClient } from './tour.ts';

let upstream: Awaited<ReturnType<typeof startConformanceServer>>;
let old: TestUpstream;
let gateway: TestGateway;
let url: string;

before(async () => {
  upstream = await startConformanceServer({ modernOnly: true });
  old = await startEverything();
  gateway = await testGateway({
    connections: {
      newest: httpConnection(upstream.url),
      old: httpConnection(old.url),
      'old-stdio': stdioConnection(everythingCommand()),
    },
  });
  url = gateway.url('newest');
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await old[Symbol.asyncDispose]();
});

async function text(
  connected: Connected,
  tool: string,
  args: object = {},
  options?: object,
): Promise<string> {
  const { content } = (await connected.call(tool, args, options)) as { content: { text: string }[] };
  return content[0]?.text ?? '';
}

for (const [sdk, connect] of [
  ['SDK 1.x', connectV1],
  ['SDK 2.x', (where: string) => connectV2(where)],
] as const)
  describe(`a 2025 client of ${sdk} at an upstream that has only 2026-07-28`, () => {
    let connected: Connected;
    before(async () => {
      connected = await connect(url);
    });
    after(() => connected.end());

    test('lists, reads, gets and calls', async () => {
      const { client } = connected;
      assert.ok((await client.listTools()).tools.length > 10);
      assert.ok(await client.listResources());
      assert.ok(await client.readResource({ uri: 'test://static-text' }));
      assert.ok(await client.getPrompt({ name: 'test_simple_prompt' }));
      assert.ok(await client.ping());
      assert.match(await text(connected, 'test_simple_text'), /simple text/);
    });

    test('is asked by requests what upstream asks for by results, over several rounds', async () => {
      assert.equal(await text(connected, 'test_input_required_result_elicitation'), 'Hello, Ada!');
      assert.match(await text(connected, 'test_input_required_result_sampling'), /sampled answer/);
      assert.match(await text(connected, 'test_input_required_result_list_roots'), /file:\/\/\/tmp/);
      assert.match(await text(connected, 'test_input_required_result_multiple_inputs'), /Ada, 1 root/);
      assert.match(await text(connected, 'test_input_required_result_request_state'), /state-ok/);
    });

    test('sees progress, and has its arguments mirrored into headers', async () => {
      const progress: unknown[] = [];
      await text(
        connected,
        'test_tool_with_progress',
        {},
        { onprogress: (step: unknown) => progress.push(step) },
      );
      assert.ok(progress.length >= 2);
      assert.equal(await text(connected, 'test_x_mcp_header', { region: 'zürich' }), 'region=zürich');
    });

    test('is told of changes on its own stream', async () => {
      await connected.call('test_trigger_tool_change', {});
      await until('news of a change', () => connected.heard.toolsChanged > 0);
      assert.ok(connected.heard.toolsChanged > 0);
    });
  });

for (const connection of ['old', 'old-stdio'])
  describe(`a 2026-07-28 client at a 2025 upstream (${connection})`, () => {
    let one: Connected;
    let two: Connected;
    before(async () => {
      const pinned = { mode: { pin: '2026-07-28' } };
      [one, two] = await Promise.all([
        connectV2(gateway.url(connection), pinned, {}),
        connectV2(gateway.url(connection), pinned, {}),
      ]);
    });
    after(() => Promise.all([one.end(), two.end()]));

    test('lists, reads, gets and calls', async () => {
      assert.ok((await one.client.listTools()).tools.length > 5);
      assert.ok(await one.client.readResource({ uri: 'demo://resource/static/document/features.md' }));
      assert.ok(await one.client.getPrompt({ name: 'simple-prompt' }));
      assert.equal(await text(one, 'echo', { message: 'hi' }), 'Echo: hi');
    });

    test('falls back to the older version, where it can be asked things, and loses nothing', async () => {
      const able = await connectV2(gateway.url(connection), { mode: 'auto' });
      await knowsClient(able.client);
      assert.match(
        await text(able, 'trigger-sampling-request', { prompt: 'x', maxTokens: 5 }),
        /sampled answer|LLM/,
      );
      await able.end();
    });

    test('shares the session with others, whose ids and progress tokens are the same, without a mix-up', async () => {
      const work = async (client: Connected, steps: number): Promise<number> => {
        const seen: unknown[] = [];
        const onprogress = (step: unknown): void => void seen.push(step);
        await client.call('trigger-long-running-operation', { duration: 0.5, steps }, { onprogress });
        return seen.length;
      };
      assert.deepEqual(await Promise.all([work(one, 2), work(two, 5)]), [2, 5]);
    });
  });
