import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeToken, openToken } from '../../masking/tokens.ts';
import { createTokenKeys, type TokenSession } from '../../gateway/restore.ts';
import { createRecordReader } from '../../db/records-read.ts';
import { openSession } from '../../recording/read.ts';
import { httpConnection, type TestGateway, testGateway } from '../support/gateway.ts';
import { type CountingUpstream, startCountingUpstream } from '../support/counting-upstream.ts';
import { request } from 'undici';
import { handshake, wire } from './wire.ts';

const policy = `
default: pass
masking:
  default:
    operators: { email: token, credential: token }
    fields: { nickname: token }
  closed: { operators: { email: token }, requests: masked }
  use:
    - { connection: closed, profile: closed }
  restore:
    - { from: crm, to: mail, types: [email] }
`;

let upstream: CountingUpstream;
let gateway: TestGateway;

before(async () => {
  upstream = await startCountingUpstream();
  const connection = httpConnection(upstream.url);
  gateway = await testGateway({
    connections: { crm: connection, mail: connection, other: connection, closed: connection },
    policy,
    metrics: true,
  });
});

after(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

/** Calls `echo` and gives what came back, and what had reached upstream. */
async function echo(connection: string, session: Record<string, string>, text: string) {
  const params = { name: 'echo', arguments: { text } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 5, method: 'tools/call', params });
  const reply = await wire(gateway.url(connection), body, session);
  const content =
    (reply.json?.result?.['content'] as { text: string }[] | undefined)?.[0]?.text ?? reply.text;
  return { back: content, sent: (upstream.calls('echo').at(-1) as { text: string }).text };
}

const tokenIn = (text: string): string => /\[\[[a-z-]+:[\w-]+\]\]/.exec(text)?.[0] ?? '';

/** Everything recorded, as text. */
async function recorded(): Promise<string> {
  const reader = createRecordReader(gateway.db.pool);
  const { rows } = await gateway.db.pool.query<{ session_id: string }>(
    'select session_id from record_sessions',
  );
  let all = '';
  for (const { session_id } of rows) {
    const session = await openSession({ reader, keyRing: gateway.keyRing }, session_id);
    if (session) for await (const event of session.events()) all += `${event.bytes?.toString() ?? ''}\n`;
  }
  return all;
}

test('an agent hands a token back and the server it came from gets the value; nobody else sees it', async () => {
  const session = await handshake(gateway.url('crm'));
  const first = await echo('crm', session, 'write to alice.miller@corp.example today');
  const token = tokenIn(first.back);
  assert.match(token, /^\[\[email:/);
  assert.equal(first.back, `write to ${token} today`);

  const second = await echo('crm', session, `cc ${token}, please`);
  assert.equal(second.sent, 'cc alice.miller@corp.example, please');
  assert.equal(second.back, `cc ${token}, please`);
  const all = await recorded();
  assert.ok(!all.includes('alice.miller'), 'the value is recorded nowhere');
  assert.match(all, /\{"restored":\[\{"type":"email","from":"crm","to":"crm"\}\]\}/);
});

test('a value that only its field betrayed stays hidden where its token stood', async () => {
  const session = await handshake(gateway.url('crm'));
  const named = await echo('crm', session, '{"nickname":"Bluebird"}');
  const token = tokenIn(named.back);
  assert.match(token, /^\[\[field:/);
  const again = await echo('crm', session, `call ${token} over`);
  assert.equal(again.sent, 'call Bluebird over');
  assert.ok(!again.back.includes('Bluebird'), again.back);
  // What is large is masked in a thread of its own, which knows nothing of the session but what it is told.
  const fresh = await handshake(gateway.url('crm'));
  const own = tokenIn((await echo('crm', fresh, '{"nickname":"Bluebird"}')).back);
  const words = 'nothing here to hide, '.repeat(2_000);
  const large = await echo('crm', fresh, `call ${own} over, ${words}`);
  assert.ok(large.sent.startsWith('call Bluebird over'));
  assert.ok(!large.back.includes('Bluebird'), large.back.slice(0, 100));
  assert.ok(!(await recorded()).includes('Bluebird'));
});

test('a token of another session, connection or type, and a forged one, stay the text they are', async () => {
  const session = await handshake(gateway.url('crm'));
  const token = tokenIn((await echo('crm', session, 'to bob@corp.example')).back);
  const another = await handshake(gateway.url('crm'));
  assert.equal((await echo('crm', another, `to ${token}`)).sent, `to ${token}`);
  const elsewhere = await handshake(gateway.url('other'));
  assert.equal((await echo('other', elsewhere, `to ${token}`)).sent, `to ${token}`);
  const forged = token.replace('[[email:', '[[phone:');
  assert.equal((await echo('crm', session, `to ${forged}`)).sent, `to ${forged}`);
});

test('towards a connection that policy pairs with its origin a token opens, and only for the types it names', async () => {
  const crm = await handshake(gateway.url('crm'));
  const mail = await handshake(gateway.url('mail'));
  const token = tokenIn((await echo('crm', crm, 'to carol@corp.example')).back);
  const sent = await echo('mail', mail, `to ${token}`);
  assert.equal(sent.sent, 'to carol@corp.example');
  assert.ok(!sent.back.includes('carol'), sent.back);
  const field = tokenIn((await echo('crm', crm, '{"nickname":"Nightjar"}')).back);
  assert.equal((await echo('mail', mail, `to ${field}`)).sent, `to ${field}`);
});

test('a token of a secret is never opened where policy does not name secrets', async () => {
  const session = await handshake(gateway.url('crm'));
  const token = tokenIn((await echo('crm', session, '{"api_key":"q7X4vK9z2Jw8Mt5PhB3nR6"}')).back);
  assert.match(token, /^\[\[credential:/);
  assert.equal((await echo('crm', session, `use ${token}`)).sent, `use ${token}`);
});

test('where a profile says so, upstream gets a request as it is recorded', async () => {
  const session = await handshake(gateway.url('closed'));
  const { sent } = await echo('closed', session, 'to dave@corp.example, password: blue-Harbor-77');
  assert.match(sent, /^to \[\[email:[\w-]+\]\], password: \[masked:password\]$/);
});

test('what was found and what was opened is counted by detector and connection', async () => {
  const address = gateway.gateway.metricsAddress;
  const reply = await request(`http://127.0.0.1:${address?.port}/metrics`);
  const text = await reply.body.text();
  assert.match(text, /holdpoint_masking_found_total\{connection="crm",detector="email"\} \d+/);
  assert.match(text, /holdpoint_masking_restored_total\{type="email",from="crm",to="mail"\} 1/);
});

test('keys of tokens are those of one session, or of one caller, client, connection and day, and open until the next day ends', () => {
  const dayMs = 86_400_000;
  let day = 20_000;
  const keys = createTokenKeys(new Uint8Array(32).fill(1), () => new Date(day * dayMs));
  const session = (change: object = {}, sealKey: Uint8Array | null = null): TokenSession => ({
    facts: {
      sessionId: 's1',
      connection: 'crm',
      callerKey: 'ann',
      subject: 'ann',
      client: 'ide',
      credentialId: null,
      ...change,
    },
    sealKey,
  });
  const token = makeToken(keys.making(session()), 'email', 'ann@corp.example');
  const [, sealed = ''] = /^\[\[email:(.*)\]\]$/.exec(token) ?? [];
  const opens = (by: TokenSession): boolean =>
    keys.opening(by).some((scope) => openToken(scope, 'email', sealed) !== null);
  assert.ok(opens(session()));
  assert.ok(opens(session({ sessionId: 's2' })), 'where the protocol has no sessions, the caller counts');
  for (const other of [{ callerKey: 'bob' }, { client: 'other' }, { connection: 'mail' }])
    assert.ok(!opens(session(other)), JSON.stringify(other));
  day += 1;
  assert.ok(opens(session()), 'the day after');
  day += 1;
  assert.ok(!opens(session()), 'two days after');
  const [one, two] = [new Uint8Array(32).fill(2), new Uint8Array(32).fill(3)];
  const stored = keys.making(session({}, one));
  const own = /^\[\[email:(.*)\]\]$/.exec(makeToken(stored, 'email', 'ann@corp.example'))?.[1] ?? '';
  const opensOwn = (by: TokenSession): boolean =>
    keys.opening(by).some((scope) => openToken(scope, 'email', own) !== null);
  assert.ok(opensOwn(session({}, one)));
  assert.ok(!opensOwn(session({}, two)), 'another session');
  assert.ok(!opensOwn(session({ sessionId: 's2' }, new Uint8Array(one))), 'another id');
  assert.ok(!opensOwn(session()));
});

test('tokens are opened in calls of tools, and in nothing else', async () => {
  const session = await handshake(gateway.url('crm'));
  const token = tokenIn((await echo('crm', session, 'to erin@corp.example')).back);
  for (const [method, params] of [
    ['prompts/get', { name: 'p', arguments: { to: token } }],
    ['completion/complete', { ref: { type: 'ref/prompt', name: 'p' }, arguments: { to: token } }],
  ] as const) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 6, method, params });
    await wire(gateway.url('crm'), body, session);
    const got = upstream.bodies.filter((text) => text.includes(method)).at(-1) ?? '';
    assert.ok(got.includes(token), method);
  }
});
