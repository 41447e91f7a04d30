import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { httpConnection, testGateway } from '../support/gateway.ts';
import { startEverything } from '../support/upstream.ts';

const run = promisify(execFile);
const launcher = fileURLToPath(
  new URL(
    '../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
    import.meta.url,
  ),
);

test('the official Inspector lists and calls tools through the gateway', async () => {
  await using upstream = await startEverything();
  await using gateway = await testGateway({ connections: { everything: httpConnection(upstream.url) } });
  const inspect = async (
    ...args: string[]
  ): Promise<{ tools: { name: string }[]; content: { text: string }[] }> => {
    const command = [launcher, '--cli', gateway.url('everything'), '--transport', 'http', ...args];
    const { stdout } = await run(process.execPath, command, { timeout: 30_000 });
    return JSON.parse(stdout);
  };
  const { tools } = await inspect('--method', 'tools/list');
  assert.ok(tools.some(({ name }) => name === 'echo'));
  const { content } = await inspect(
    '--method',
    'tools/call',
    '--tool-name',
    'echo',
    '--tool-arg',
    'message=hi there',
  );
  assert.equal(content[0]?.text, 'Echo: hi there');
});
