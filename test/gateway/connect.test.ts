import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  ElicitationCompleteNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ToolListChangedNotificationSchema,
  UrlElicitationRequiredError,
} from '@modelcontextprotocol/sdk/types.js';
import { pino } from 'pino';
import { revoke, unrevoke } from '../../db/revoke.ts';
import { startTellingEnded } from '../../gateway/connect/tell-ended.ts';
import type { Masked } from '../../masking/masked.ts';
import { accessibilityProblems, noBrowser, type TestBrowser, testBrowser } from '../support/browser.ts';
import { agreeUpstream, atConsole, type ConnectScene, connectScene } from '../support/connect-scene.ts';
import { type GuardedUpstream, startGuardedUpstream } from '../support/guarded-upstream.ts';
import { until } from '../support/until.ts';
import { handshake, wire } from './wire.ts';

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
  await client.connect(transport);
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
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => void changed.push('prompts'));
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void changed.push('resources'));
  assert.deepEqual((await client.listPrompts()).prompts, []);
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

  await until(
    'the session is told',
    () => changed.includes('tools') && changed.includes(elicitation?.elicitationId ?? ''),
  );
  await until('it is told of prompts and resources', () =>
    ['prompts', 'resources'].every((what) => changed.includes(what)),
  );
  assert.deepEqual((await client.listPrompts()).prompts, [], 'of which this server knows nothing');
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    ['whoami', 'write', 'impossible', 'echo_token'],
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

/** Signs somebody in at the upstream, from the page Connections. */
async function connected(name: string): Promise<void> {
  const page = await browser.page();
  await atConsole(scene, page, name);
  await page.getByRole('link', { name: 'Connections' }).click();
  await page.getByRole('button', { name: 'Connect box' }).click();
  await agreeUpstream(page, name);
  await page.getByText('since').waitFor();
  await page.context().close();
}

async function dump(): Promise<string> {
  const { rows } = await scene.db.pool.query<{ all: string }>(
    `select string_agg(query_to_xml(format('select * from %I', table_name), true, false, '')::text, '') as all
     from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  return rows[0]?.all ?? '';
}

test('a client that opens no pages gets the link in words; what begins on one replica goes on on the other; no token is stored or logged in clear', {
  skip: noBrowser,
}, async () => {
  const { gateway, other } = scene;
  const session = await handshake(gateway.url('box'), '2025-11-25', { authorization: 'Bearer bob' });
  const call = (id: number, gate = gateway) =>
    wire(
      gate.url('box'),
      JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'whoami' } }),
      session,
    );
  const asked = await call(1);
  const link = /http:\S+\/connections\/box\?ask=\S+/.exec(textOf(asked.json?.result))?.[0];
  assert.match(textOf(asked.json?.result), /^SIGN_IN_NEEDED\. The call was not carried out/);
  assert.equal(asked.json?.result?.['isError'], true);
  assert.ok(link);
  await connected('bob');
  assert.equal(textOf((await call(2, other)).json?.result), 'you are bob');
  assert.equal(textOf((await call(3)).json?.result), 'you are bob');
  const everything = (await dump()) + scene.log.join('\n') + gateway.log.join('\n') + other.log.join('\n');
  assert.ok(upstream.tokens.length > 0);
  for (const token of upstream.tokens)
    for (const form of [token, Buffer.from(token).toString('base64'), Buffer.from(token).toString('hex')])
      assert.ok(!everything.includes(form), 'a token is stored or logged');
});

test('of two replicas that use a token at its end, one renews it; one that upstream refuses is renewed and the call sent once more', {
  skip: noBrowser,
}, async () => {
  await connected('carol');
  const sessions = await Promise.all(
    [scene.gateway, scene.other].map(async (gateway) => ({
      gateway,
      headers: await handshake(gateway.url('box'), '2025-06-18', { authorization: 'Bearer carol' }),
    })),
  );
  const callAll = () =>
    Promise.all(
      [1, 2, 3].flatMap((id) =>
        sessions.map(({ gateway, headers }) =>
          wire(
            gateway.url('box'),
            JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'whoami' } }),
            headers,
          ),
        ),
      ),
    );
  const renewals = (): number => upstream.grants.filter((grant) => grant === 'refresh_token').length;
  const before = renewals();
  await scene.db.pool.query('update connection_sign_ins set renew_at = now() where holder = $1', [
    scene.keyOf('carol'),
  ]);
  for (const reply of await callAll()) assert.equal(textOf(reply.json?.result), 'you are carol');
  assert.equal(renewals() - before, 1);

  const calls = upstream.calls.length;
  upstream.refuse(upstream.tokens.at(-1) ?? '');
  for (const reply of await callAll()) assert.equal(textOf(reply.json?.result), 'you are carol');
  assert.equal(renewals() - before, 2);
  assert.equal(upstream.calls.length - calls, 6, 'each call ran once');

  // The person, or their provider, has ended it: asked for again, in the same call.
  await upstream.endAllGrants();
  for (const reply of await callAll()) assert.match(textOf(reply.json?.result), /^SIGN_IN_NEEDED/);
  assert.equal(upstream.calls.length - calls, 6);
});

test("a link of somebody else's program, an answer in another browser, a used one, and one that names another issuer connect nobody", {
  skip: noBrowser,
}, async () => {
  const mallory = await clientOf('mallory', url);
  const asked = await mallory.callTool({ name: 'holdpoint_sign_in' }).catch((error: unknown) => error);
  assert.ok(asked instanceof UrlElicitationRequiredError);
  const link = asked.elicitations[0]?.url ?? '';
  await mallory.close();
  const page = await browser.page();
  await atConsole(scene, page, 'dave');
  await page.goto(link);
  await page.getByText('This link is not for you').waitFor();

  // Forged into the form of one's own page, it leads nowhere either.
  await page.goto(`${scene.consoleUrl}/connections/box`);
  const ask = JSON.stringify(new URL(link).searchParams.get('ask'));
  await page.evaluate(`(() => {
      const field = document.createElement('input');
      Object.assign(field, { name: 'ask', value: ${ask}, type: 'hidden' });
      document.querySelector('form[action$="/connect"]').append(field);
    })()`);
  await page.getByRole('button', { name: 'Connect box' }).click();
  await page.getByText('This link is not for you').waitFor();

  // An answer is intercepted and opened in mallory's browser, then in its own, twice.
  const answers: string[] = [];
  upstream.tamper = (location) => {
    answers.push(location.href);
    location.pathname = '/healthz';
  };
  await page.goto(`${scene.consoleUrl}/connections`);
  await page.getByRole('button', { name: 'Connect box' }).click();
  await agreeUpstream(page, 'dave');
  await until('an answer', () => answers.length === 1);
  const [answer = ''] = answers;
  const theirs = await browser.page();
  await theirs.goto(answer);
  await theirs.getByText('No sign-in waits in this browser').waitFor();
  await atConsole(scene, theirs, 'mallory');
  await theirs.goto(answer);
  await theirs.getByText('No sign-in waits for this answer in this browser').waitFor();
  // RFC 9207: said to come from another authorization server, or from none.
  const mixed = new URL(answer);
  mixed.searchParams.set('iss', 'https://attacker.example');
  await page.goto(mixed.href);
  await page.getByText('You are not signed in there').waitFor();
  await page.goto(answer);
  await page.getByText('No sign-in waits for this answer in this browser').waitFor();
  const { rows } = await scene.db.pool.query('select 1 from connection_sign_ins where holder = any($1)', [
    [scene.keyOf('dave'), scene.keyOf('mallory')],
  ]);
  assert.equal(rows.length, 0);

  upstream.tamper = (location) => location.searchParams.delete('iss');
  await page.goto(`${scene.consoleUrl}/connections`);
  await page.getByRole('button', { name: 'Connect box' }).click();
  await page.getByText('You are not signed in there').waitFor();
  upstream.tamper = () => {};
});

test('a form from elsewhere connects and disconnects nothing, and the pages hold no accessibility problem', {
  skip: noBrowser,
}, async () => {
  const page = await browser.page();
  await atConsole(scene, page, 'gina');
  await page.goto(`${scene.consoleUrl}/connections`);
  assert.deepEqual(await accessibilityProblems(page), []);
  const cookie = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  for (const act of ['connect', 'disconnect'])
    for (const headers of [
      { cookie, origin: scene.consoleUrl },
      { cookie, origin: 'https://evil.example' },
    ]) {
      const content = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
      const url = `${scene.consoleUrl}/connections/box/${act}`;
      const reply = await fetch(url, {
        method: 'POST',
        headers: content,
        body: 'csrf=x',
        redirect: 'manual',
      });
      assert.equal(reply.status, 403);
    }
  const { rows } = await scene.db.pool.query('select 1 from connection_sign_in_states where holder = $1', [
    scene.keyOf('gina'),
  ]);
  assert.equal(rows.length, 0);
});

test('whoever is cut off loses their sign-ins with it; ending one on the page ends it at the authorization server, too', {
  skip: noBrowser,
}, async () => {
  await connected('erin');
  const client = await clientOf('erin');
  assert.equal(textOf(await client.callTool({ name: 'whoami' })), 'you are erin');
  const token = upstream.tokens.at(-1) ?? '';
  const page = await browser.page();
  await atConsole(scene, page, 'erin');
  await page.goto(`${scene.consoleUrl}/connections`);
  await page.getByRole('button', { name: 'Disconnect box' }).click();
  await page.getByRole('cell', { name: 'no', exact: true }).waitFor();
  assert.equal(await upstream.counts(token), false);
  await until('the sign-in is gone', async () =>
    textOf(await client.callTool({ name: 'whoami' })).startsWith('SIGN_IN_NEEDED'),
  );
  await client.close();

  await connected('erin');
  const anew = await clientOf('erin');
  assert.equal(textOf(await anew.callTool({ name: 'whoami' })), 'you are erin');
  await anew.close();
  const second = upstream.tokens.at(-1) ?? '';
  assert.equal(await upstream.counts(second), true);
  const by = { key: 'test', name: 'test', via: 'cli' } as const;
  const ask = { kind: 'person', value: scene.keyOf('erin'), reason: 'test', by } as const;
  const deps = {
    maskText: (text: string) => text as Masked<string>,
    recordAct: async () => {},
    cancelWorkflow: async () => {},
  };
  await revoke(scene.db.pool, ask, deps);
  const { rows } = await scene.db.pool.query('select 1 from connection_sign_ins where holder = $1', [
    scene.keyOf('erin'),
  ]);
  assert.equal(rows.length, 0);
  // Cut off here at once; elsewhere as soon as the authorization server can be told.
  const acts: unknown[] = [];
  const told = startTellingEnded({
    ...scene.gateway,
    pool: scene.db.pool,
    log: pino({ level: 'silent' }),
    recordAct: async (act, details) => void acts.push([act, details]),
  });
  await until('the authorization server was told', () => acts.length > 0);
  await told.close();
  const details = { connection: 'box', by: scene.keyOf('erin'), outcome: 'revoked' };
  assert.deepEqual(acts, [['connections.revoke', details]]);
  assert.equal(await upstream.counts(second), false);
  const left = await scene.db.pool.query('select 1 from connection_sign_ins_ended');
  assert.equal(left.rowCount, 0);
  await unrevoke(scene.db.pool, ask, deps);
});

test('a server that wants more rights for a call has its person asked for all of them together, once; what signing in anew does not give is refused, not asked for again', {
  skip: noBrowser,
}, async () => {
  await connected('hugo');
  const client = await clientOf('hugo');
  const asked = textOf(await client.callTool({ name: 'write' }));
  const link = /http:\S+\/connections\/box\?ask=\S+/.exec(asked)?.[0] ?? assert.fail(asked);
  assert.equal(textOf(await client.callTool({ name: 'whoami' })), 'you are hugo', 'the rest goes on');
  const page = await browser.page();
  await atConsole(scene, page, 'hugo');
  await page.goto(link);
  await page.getByText('It wants in addition: write').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  const [request] = await Promise.all([
    page.waitForRequest((sent) => sent.url().startsWith(`${upstream.issuer}/auth?`)),
    page.getByRole('button', { name: 'Connect anew box' }).click(),
  ]);
  assert.equal(new URL(request.url()).searchParams.get('scope'), 'tools write');
  await agreeUpstream(page, 'hugo');
  await page.getByText('since').waitFor();
  assert.equal(await page.getByText('It wants in addition').count(), 0);
  assert.equal(textOf(await client.callTool({ name: 'write' })), 'done: write');

  assert.match(textOf(await client.callTool({ name: 'impossible' })), /^SIGN_IN_NEEDED/);
  await page.goto(`${scene.consoleUrl}/connections`);
  await page.getByText('It wants in addition: never').waitFor();
  await page.getByRole('button', { name: 'Connect anew box' }).click();
  const again = page.getByRole('button', { name: 'Continue' });
  const done = page.getByText('May do there');
  await again.or(done).waitFor();
  if (await again.isVisible()) await again.click();
  await done.waitFor();
  await assert.rejects(client.callTool({ name: 'impossible' }), /signing in again would not give them/);
  assert.equal(textOf(await client.callTool({ name: 'write' })), 'done: write');
  await client.close();
});

test('a client of 2026-07-28 is asked by input_required and gets its result when it comes back; a machine is told that it cannot', {
  skip: noBrowser,
}, async () => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'modern', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': url,
  };
  const send = (id: number, name: string, more: object = {}, as = 'frank') =>
    wire(
      scene.gateway.url('box'),
      JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, ...more, _meta: meta } }),
      {
        authorization: `Bearer ${as}`,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
      },
    );
  const asked = await send(1, 'whoami');
  assert.equal(asked.json?.result?.['resultType'], 'input_required', asked.text);
  const { requestState, inputRequests } = (asked.json?.result ?? {}) as {
    requestState: string;
    inputRequests: { signIn: { method: string; params: { mode: string; url: string } } };
  };
  assert.equal(inputRequests.signIn.params.mode, 'url');
  // It comes back before its person is done, and waits for them.
  const back = send(2, 'whoami', { requestState, inputResponses: { signIn: { action: 'accept' } } });
  await connected('frank');
  const answered = await back;
  assert.equal(textOf(answered.json?.result), 'you are frank', answered.text);

  // What listens before the sign-in is told to look again after it, on the same stream.
  const listening = await fetch(scene.gateway.url('box'), {
    method: 'POST',
    headers: {
      authorization: 'Bearer ivy',
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 'listening',
      method: 'subscriptions/listen',
      params: { notifications: { toolsListChanged: true }, _meta: meta },
    }),
  });
  assert.equal(listening.status, 200);
  let heard = '';
  const reading = (async () => {
    for await (const part of listening.body ?? []) {
      heard += Buffer.from(part).toString();
      if (heard.includes('notifications/tools/list_changed')) return;
    }
  })();
  await until('the subscription is acknowledged', () =>
    heard.includes('notifications/subscriptions/acknowledged'),
  );
  await connected('ivy');
  await reading;
  assert.match(
    heard,
    /"method":"notifications\/tools\/list_changed","params":\{"_meta":\{"io\.modelcontextprotocol\/subscriptionId":"listening"\}/,
  );
  assert.ok(!heard.includes('prompts/list_changed'), 'of which it did not ask to hear');

  const machine = await send(3, 'whoami', {}, 'service:nightly');
  assert.match(textOf(machine.json?.result), /machine’s/);
});
