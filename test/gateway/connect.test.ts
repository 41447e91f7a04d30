import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  ElicitationCompleteNotificationSchema,
  ToolListChangedNotificationSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js';
import { noBrowser, type TestBrowser, testBrowser } from '../support/browser.ts';
import { agreeUpstream, atConsole, type ConnectScene, connectScene } from '../support/connect-scene.ts';
import { type GuardedUpstream, startGuardedUpstream } from '../support/guarded-upstream.ts';
import { eventually } from './tour.ts';

let upstream: GuardedUpstream;
let scene: ConnectScene;
let browser: TestBrowser;

before(async () => {
  if (noBrowser) return;
  upstream = await startGuardedUpstream();
  scene = await connectScene({ box: { url: upstream.url } });
  browser = await testBrowser();
});

after(async () => {
  await browser?.[Symbol.asyncDispose]();
  await scene?.[Symbol.asyncDispose]();
  await upstream?.[Symbol.asyncDispose]();
});

const url = { elicitation: { url: {} } };

async function clientOf(name: string, capabilities: object = {}, gateway = scene.gateway): Promise<Client> {
  const client = new Client({ name: 'agent', version: '1' }, { capabilities });
  const headers = { authorization: `Bearer ${name}` };
  const transport = new StreamableHTTPClientTransport(new URL(gateway.url('box')), {
    requestInit: { headers },
  });
  await client.connect(transport as never);
  return client;
}

function textOf(result: unknown): string {
  return (result as { content: { text: string }[] }).content.map(({ text }) => text).join('\n');
}

test('a person signs in at the upstream, asked for by URL elicitation, and the waiting session goes on with their token', {
  skip: noBrowser,
}, async () => {
  const client = await clientOf('alice', url);
  const changed: string[] = [];
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changed.push('tools'));
  client.setNotificationHandler(
    ElicitationCompleteNotificationSchema,
    ({ params }) => void changed.push(params.elicitationId),
  );
  const before = await client.listTools();
  assert.deepEqual(
    before.tools.map(({ name }) => name),
    ['holdpoint_sign_in'],
  );
  const asked = await client.callTool({ name: 'whoami' }).catch((error: unknown) => error);
  assert.ok(asked instanceof UrlElicitationRequiredError, String(asked));
  const [elicitation] = asked.elicitations;
  assert.ok(elicitation?.url.startsWith(`${scene.consoleUrl}/connections/box?ask=`));
  assert.equal(upstream.tokens.length, 0, 'nothing has reached the upstream');

  const page = await browser.page();
  await atConsole(scene, page, 'alice');
  await page.goto(elicitation?.url ?? '');
  await page.getByRole('button', { name: 'Connect box' }).click();
  await agreeUpstream(page, 'alice-upstream');
  await page.getByText('since').waitFor();

  await eventually(() => changed.includes('tools') && changed.includes(elicitation?.elicitationId ?? ''));
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['whoami', 'echo_token'],
  );
  assert.equal(textOf(await client.callTool({ name: 'whoami' })), 'you are alice-upstream');
  const echoed = textOf(await client.callTool({ name: 'echo_token' }));
  assert.match(echoed, /credential removed by Holdpoint/);
  await client.close();
  assert.deepEqual(
    scene.acts.map(({ act }) => act),
    ['connections.connect'],
  );
});
